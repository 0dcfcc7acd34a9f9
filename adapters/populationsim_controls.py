"""PopulationSim's controls file, read row by row: expressions parsed, totals found, the total of all recognised."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.populationsim_files import Inputs
from adapters.populationsim_zones import Totals, ZonePart, read_totals
from schemas.errors import UserError
from schemas.imports import Finding
from synthesis.control_expressions import columns_of, parse_control
from synthesis.control_glossary import known
from synthesis.control_variables import ENTITIES
from synthesis.controls import Control
from synthesis.expressions import nearest


def read_controls(inputs: Inputs, findings: list[Finding]) -> list[Control]:
    """Controls whose expression can be read; the others are findings."""
    rows, controls = inputs.controls, []
    seen: set[str] = set()
    for i in range(len(rows.lines)):
        row = {name: column[i] for name, column in rows.columns.items()}
        if row["seed_table"] not in ENTITIES:
            raise rows.error(f"unknown seed table {row['seed_table']!r}{nearest(row['seed_table'], ENTITIES)}", i)
        if not row["target"] or row["target"] in seen:
            raise rows.error(f"target {row['target']!r} is empty or appears twice", i)
        seen.add(row["target"])
        where = f"{Path(rows.path).name}:{rows.lines[i]}"
        try:
            test = parse_control(row["expression"], row["seed_table"])
        except UserError as exc:
            findings.append(Finding("left out", row["target"], str(exc), where))
            continue
        importance = _importance(inputs, row.get("importance", ""), i)
        texts = row["target"], row["geography"], row["seed_table"], row["control_field"]
        controls.append(Control(*texts, importance, row["expression"], test, where))
    return controls


def _importance(inputs: Inputs, text: str, row: int) -> float:
    try:
        value = float(text) if text else 1000.0
    except ValueError:
        value = -1.0
    if not 0 < value <= 1e15:
        raise inputs.controls.error(f"importance {text!r}, expected a number above 0", row)
    return value


def read_all_totals(inputs: Inputs, controls: Sequence[Control], findings: list[Finding]) -> dict[str, Totals]:
    fields: dict[str, list[str]] = {}
    for control in controls:
        fields.setdefault(control.geography, []).append(control.field)
    return {geography: read_totals(inputs, geography, names, findings) for geography, names in fields.items()}


def finest_geography(inputs: Inputs, controls: Sequence[Control], totals: Mapping[str, Totals]) -> str:
    """The geography of household controls with the most units."""
    of_households = [c.geography for c in controls if c.table == "households"]
    if not of_households:
        raise inputs.controls.error("no control counts households, expected at least their total")
    finest = max(of_households, key=lambda geography: len(totals[geography].row_of))
    finer = [g for g in totals if len(totals[g].row_of) > len(totals[finest].row_of)]
    if finer:
        raise inputs.controls.error(f"no control counts households by {finer[0]}, expected one, such as their total")
    return finest


def within_part(controls: Sequence[Control], zones: ZonePart, findings: list[Finding]) -> list[Control]:
    """Controls whose units lie within the part that is asked for."""
    kept = []
    for control in controls:
        if control.geography in zones.cut:
            unit = zones.cut[control.geography]
            text = f"counts {control.geography} {unit}, of which only a part was asked for"
            findings.append(Finding("left out", control.target, text, control.where))
        else:
            kept.append(control)
    return kept


def counts_everybody(control: Control, controls: Sequence[Control], inputs: Inputs) -> bool:
    """Whether a control is a total: a test of weights, or of what no other control uses, that any record passes."""
    columns = set(columns_of(control.test))
    if not columns or control.target == inputs.settings.total_target:
        return True
    if all(known(column).is_weight or column in inputs.settings.weight_columns for column in columns):
        return True
    others = {column for other in controls if other is not control for column in columns_of(other.test)}
    return not columns & others and control.text.replace(" ", "").endswith((">0", ">=0", ">0)", ">=0)"))
