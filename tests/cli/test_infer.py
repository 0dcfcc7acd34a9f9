"""`synthor infer`: what a model says of the structure becomes a file beside the tables."""

import json
import shutil

import pytest
import yaml

from adapters.inferred_prior import check_prior
from adapters.scenario_files import read_scenario
from cli.main import main
from schemas.exchange import ProposalReply
from tests.conftest import VERMONT
from tests.llm_server import KEY, _server, server

__all__ = ["_server", "server"]


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(VERMONT, tmp_path / "vermont")
    shutil.rmtree(tmp_path / "vermont/prior")
    return tmp_path / "vermont"


def test_a_prior_is_asked_for_written_and_read(server, folder, capsys):
    assert main(["infer", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["archetypes"] >= 1
    prior = read_scenario(folder).prior
    assert len(prior.archetypes) == told["archetypes"]
    assert prior.sources[0].prompt_version == told["prompt_version"]
    assert KEY not in "".join(path.read_text("utf-8") for path in (folder / "prior").iterdir())
    assert (folder / "prior/inferred.exchanges.jsonl").is_file()
    assert main(["infer", str(folder)]) == 2
    assert "expected --replace" in capsys.readouterr().err
    assert main(["check", str(folder)]) == 0


def test_a_refusal_leaves_no_prior(server, folder, capsys):
    server.switch("refusal", "refusal")
    assert main(["infer", str(folder)]) == 1
    assert "no prior was written" in capsys.readouterr().err
    assert not (folder / "prior/inferred.yaml").exists()


def test_what_the_reader_of_priors_refuses_is_left_out(folder):
    scenario = read_scenario(folder)
    head = {"role": "head", "number": "1", "values": [{"variable": "age", "value": "[30, 50]"}]}
    child = {"role": "child", "number": "{1: 0.6, 2: 0.4}", "values": []}
    family = {"name": "family", "share": 3, "reason": "r", "values": [], "members": [head, child]}
    wrong = {"name": "wrong", "share": 1, "reason": "r", "values": [], "members": [{**head, "values": {"age": "old"}}]}
    code = {"name": "code", "share": 1, "values": {}, "members": [{**head, "number": "!!python/object:os.system"}]}
    apart = {"name": "apart", "reason": "r", "role": "child", "variable": "age", "to": "head"}
    older = {**apart, "kind": "difference", "value": "{normal: [-28, 5], within: [-45, -16]}"}
    relations = [older, {**apart, "kind": "causes", "value": "1"}]
    text = json.dumps({"archetypes": [family, wrong, code, "x"], "relations": relations})
    checked = check_prior(scenario, ProposalReply(text=text))
    assert [one["name"] for one in checked.value["archetypes"]] == ["family"]
    assert [one["name"] for one in checked.value["relations"]] == ["apart"]
    assert sum(checked.faults.values()) == 4
    assert "python" not in yaml.safe_dump(checked.value)
