"""Asking which variables depend on each other, and reading the answer."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from schemas.dependencies import Dependencies, Group, GuessedCell
from schemas.exchange import Answer, PromptPart, ProposalReply, ProposalRequest
from schemas.model import Scenario
from schemas.settings import RunSettings
from synthesis import prompts
from synthesis.dependencies import approximation_axis
from synthesis.guidance_text import write_block
from synthesis.prompt_text import SCENARIO_PART, VARIABLE_PART, budget_bytes, fenced, guided_variables, scenario_block
from synthesis.replies import Checked, read_object
from synthesis.reply_schema import closed
from synthesis.reply_values import FaultError, clean_text, show

REQUEST_ID = "r00-groups"
MOST_VARIABLES = 4
MOST_CELLS = 60
MAX_BINS = 24
MAX_REASON = 600


def groups_request(scenario: Scenario, settings: RunSettings) -> ProposalRequest:
    """Variables, tables and rules; no figures: what goes together is asked of the model's knowledge."""
    whole = budget_bytes(settings)
    text = prompts.GROUPS.format(n_joints=settings.n_joints, most=MOST_VARIABLES)
    if settings.approximate_joints:
        text += prompts.APPROXIMATE.format(cells=MOST_CELLS)
    variables = guided_variables(scenario, int(whole * VARIABLE_PART))
    about = scenario_block(scenario, int(whole * SCENARIO_PART))
    tables = fenced("tables", _tables(scenario, settings), int(whole * SCENARIO_PART))
    return ProposalRequest(
        request_id=REQUEST_ID,
        purpose="groups",
        system=(PromptPart(text=f"{text}\n\n{about}", is_stable=True),),
        user=(PromptPart(text=f"{write_block(variables)}\n{tables}"),),
        reply_schema=_schema(settings),
        prompt_version=prompts.PROMPT_VERSION,
        sampling=settings.sampling,
    )


def check_groups(scenario: Scenario, settings: RunSettings, reply: ProposalReply) -> Checked:
    """The valid groups of a reply, at most `n_joints`, each variable set once."""
    found = read_object(reply, "groups")
    if isinstance(found, Checked):
        return found
    groups, faults, errors = list[Group](), Counter[str](), list[str]()
    for position, written in enumerate(found):
        try:
            group = _read_group(scenario, settings, written)
            if any(set(group.variables) == set(other.variables) for other in groups):
                raise FaultError("duplicate", "the same variables as an earlier group")
            if len(groups) == settings.n_joints:
                raise FaultError("too_many", f"more than the {settings.n_joints} asked for")
        except FaultError as fault:
            faults[fault.fault] += 1
            errors.append(f"group {position + 1}: {fault.message}")
            continue
        groups.append(group)
    value = [group.model_dump(mode="json") for group in groups] or None
    return Checked(faults=dict(faults), errors=tuple(errors), value=value)


def dependencies_of(settings: RunSettings, answer: Answer) -> Dependencies:
    """What is kept of an answer."""
    return Dependencies(
        groups=tuple(Group.model_validate(group) for group in answer.value or ()),
        joints=settings.joints if answer.value else "all",
        uses_approximations=settings.approximate_joints,
        exchanges=answer.exchanges,
        reason=answer.reason,
    )


def _read_group(scenario: Scenario, settings: RunSettings, written: Any) -> Group:
    names = written.get("variables") if isinstance(written, Mapping) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FaultError("wrong_type", f'group is {show(written)}, expected {{"variables": [...], "reason": ...}}')
    names = list(dict.fromkeys(names))
    if not 2 <= len(names) <= MOST_VARIABLES:
        raise FaultError("wrong_type", f"{len(names)} variables, expected 2 to {MOST_VARIABLES}")
    entity = _entity_of(scenario, names)
    reason = clean_text(str(written.get("reason", "")))[:MAX_REASON]
    cells = _read_cells(scenario, entity, names, written.get("table")) if settings.approximate_joints else ()
    return Group(entity=entity, variables=tuple(names), reason=reason, cells=cells)


def _entity_of(scenario: Scenario, names: list[str]) -> str:
    """The root, or the member where one of the variables is its own."""
    zone = scenario.zones.variable if scenario.zones else None
    is_member = False
    for name in names:
        of_member = scenario.member is not None and scenario.member.find(name) is not None
        if name == zone or not (of_member or scenario.root.find(name) is not None):
            raise FaultError("unknown_variable", f"no variable {show(name)}")
        is_member |= of_member and scenario.root.find(name) is None
    return scenario.member.name if is_member and scenario.member is not None else scenario.root.name


def _read_cells(scenario: Scenario, entity: str, names: list[str], written: Any) -> tuple[GuessedCell, ...]:
    """The cells of an approximated table whose labels are known; a table of anything else is none."""
    axes = [approximation_axis(scenario, entity, name) for name in names]
    if not isinstance(written, list) or any(axis is None for axis in axes):
        return ()
    cells = []
    for cell in written[: 10 * MOST_CELLS]:
        values, share = (cell.get("cell"), cell.get("share")) if isinstance(cell, Mapping) else (None, None)
        if not isinstance(values, list) or len(values) != len(names) or isinstance(share, bool):
            continue
        known = all(axis is not None and label in axis.labels for axis, label in zip(axes, values, strict=True))
        if known and isinstance(share, int | float) and 0 < share < 1e9:
            cells.append(GuessedCell(values=tuple(values), share=float(share)))
    return tuple(cells)


def _tables(scenario: Scenario, settings: RunSettings) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [
        {"table": {"name": t.name, "entity": t.entity, "variables": [axis.variable for axis in t.axes]}}
        for t in scenario.tables
    ]
    if settings.approximate_joints:
        for entity in scenario.entities:
            for variable in entity.variables:
                axis = approximation_axis(scenario, entity.name, variable.name)
                if axis is not None and variable.kind != "category" and len(axis) <= MAX_BINS:
                    lines.append({"bins": {"variable": variable.name, "labels": list(axis.labels)}})
    return lines


def _schema(settings: RunSettings) -> dict[str, Any]:
    names = {"type": "array", "items": {"type": "string"}}
    group: dict[str, Any] = {"variables": names, "reason": {"type": "string"}}
    if settings.approximate_joints:
        cell = closed({"cell": {"type": "array", "items": {"type": "string"}}, "share": {"type": "number"}})
        group["table"] = {"type": "array", "items": cell}
    return closed({"groups": {"type": "array", "items": closed(group)}})
