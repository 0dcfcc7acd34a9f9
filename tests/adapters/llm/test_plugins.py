"""Proposers of other packages."""

import asyncio
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from adapters.llm import plugins
from adapters.llm.calls import Call, CallError
from adapters.llm.plugins import PluginCaller, load_proposer
from schemas.errors import ProposerError, UserError
from schemas.exchange import ProposalReply
from tests.adapters.llm.asking import make_request


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
