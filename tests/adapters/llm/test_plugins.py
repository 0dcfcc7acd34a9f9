"""Proposers of other packages."""

import asyncio
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from adapters.llm import plugins
from adapters.llm.calls import Call, CallError
from adapters.llm.plugins import PluginCaller, load_proposer
from adapters.llm.session import ask_round, check_proposer
from schemas.errors import ProposerError, UserError
from schemas.exchange import ProposalReply
from schemas.settings import RunSettings
from synthesis.aggregates import no_counts
from synthesis.aims import build_aims
from synthesis.replies import check_reply
from synthesis.requests import round_requests
from tests.adapters.llm.asking import SCENARIO, exchanges, make_request


class Echo:
    """Answers with the prompt."""

    async def propose(self, request):
        """As the Protocol."""
        return ProposalReply(text=request.prompt)


class Failing:
    """Raises what it was given."""

    def __init__(self, error):
        self.error = error

    async def propose(self, request):
        """As the Protocol."""
        if isinstance(self.error, Exception):
            raise self.error
        return self.error


def call(proposer, **told):
    return asyncio.run(PluginCaller(proposer).call(Call(make_request(), **told), 5))


def test_a_plugin_sees_the_prompt_and_what_was_wrong():
    text = call(Echo(), turn=2, correction="Once more.", is_structured=False).text
    assert "Propose purchases." in text
    assert "after this schema" in text
    assert text.endswith("Once more.")


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (ProposerError("busy"), "server_error"),
        (ValueError("no such\nthing"), "bad_request"),
        (TimeoutError(), "timeout"),
        ("a text", "malformed_response"),
    ],
)
def test_a_plugin_may_fail_in_any_way(outcome, fault):
    with pytest.raises(CallError) as failed:
        call(Failing(outcome))
    assert failed.value.fault == fault
    assert "\n" not in failed.value.message


def test_a_plugin_is_found_by_its_entry_point(monkeypatch):
    points = [EntryPoint("echo", f"{__name__}:Echo", plugins.GROUP), EntryPoint("none", "builtins:dict", plugins.GROUP)]
    points.append(EntryPoint("broken", "no.such.module:X", plugins.GROUP))
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints(points).select(group=group))
    monkeypatch.setitem(__import__("sys").modules, __name__, __import__("types").SimpleNamespace(Echo=Echo))
    assert isinstance(load_proposer("echo"), Echo)
    with pytest.raises(UserError, match="plugin:none: has no method `propose`"):
        load_proposer("none")
    with pytest.raises(UserError, match="plugin:broken: cannot be loaded"):
        load_proposer("broken")
    with pytest.raises(UserError, match=r"no such proposer \(expected one of: broken, echo, none\)"):
        load_proposer("other")


MODULE = '''
import json
from schemas.exchange import ProposalReply

class Uniform:
    """Every category and range, evenly: what a package of somebody else's may do."""

    async def propose(self, request):
        values = {
            variable.name: list(variable.categories)[0] if variable.categories else [variable.low, variable.high * 0.99]
            for variable in request.guidance.variables
        }
        proposal = {"values": values, "share": 1, "reason": f"for {len(request.guidance.cells)} cells"}
        return ProposalReply(text=json.dumps({"proposals": [proposal]}), model="uniform-1")
'''


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package as an installer leaves it: a module, and its metadata with an entry point."""
    site = tmp_path / "site-packages"
    metadata = site / "uniform_proposer-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "uniform_proposer.py").write_text(MODULE, encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: uniform-proposer\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[synthor.proposers]\nuniform = uniform_proposer:Uniform\n")
    monkeypatch.syspath_prepend(site)


@pytest.mark.usefixtures("installed")
def test_an_installed_package_is_asked_kept_and_replayed(tmp_path):
    settings = RunSettings(proposer="plugin:uniform", max_calls=1, ask_again_below=0.0)
    (request,) = round_requests(SCENARIO, build_aims(SCENARIO, None), settings, no_counts(SCENARIO), 1, 2000)
    other = request.model_copy(update={"request_id": "r01-g001"})
    run = tmp_path / "run"
    check = lambda request, reply: check_reply(SCENARIO, reply, request.proposals)  # noqa: E731
    assert check_proposer(settings) == "plugin:uniform"
    answers = ask_round(run, settings, [request, other], check)
    assert [answer.is_answered for answer in answers.answers] == [True, False]
    assert answers.limit_reached == "--max-calls 1"
    assert answers.answers[0].proposals[0].reason == f"for {len(request.guidance.cells)} cells"
    assert [one.reply.model for one in exchanges(run) if one.reply] == ["uniform-1"]
    (run / "run.json").write_text("{}", encoding="utf-8")
    replay = settings.model_copy(update={"proposer": f"replay:{run}"})
    assert ask_round(tmp_path / "again", replay, [request], check).answers[0] == answers.answers[0]


@pytest.mark.usefixtures("installed")
def test_a_slip_in_the_name_of_an_installed_package_is_told():
    with pytest.raises(UserError, match=r"plugin:unifrom: no such proposer.*did you mean 'uniform'"):
        check_proposer(RunSettings(proposer="plugin:unifrom"))
