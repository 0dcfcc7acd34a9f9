"""What is known of a scenario before its run: contradictions of its tables, evidence of its pairs of variables."""

from typing import Any

from schemas.errors import UserError
from schemas.model import Scenario
from synthesis.cells import CellCoder
from synthesis.evidence import describe_evidence, judge_pairs
from synthesis.feasibility import find_contradictions
from synthesis.spaces import build_spaces


def judge_scenario(coder: CellCoder) -> dict[str, Any]:
    """`findings` and `evidence` for run.json; a finding that no policy reconciles refuses the run."""
    spaces = build_spaces(coder)
    findings = find_contradictions(coder, spaces)
    _refuse(coder.scenario, [finding.what for finding in findings if finding.outcome == "refused"])
    return {
        "findings": [finding.as_json() for finding in findings],
        "evidence": describe_evidence(coder.scenario, judge_pairs(coder.scenario, spaces)),
    }


def _refuse(scenario: Scenario, refused: list[str]) -> None:
    if refused:
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        raise UserError(f"{scenario.name}: {refused[0]}{more}; `synthor check` tells where and what can be done")
