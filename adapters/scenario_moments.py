"""Means, totals and quantiles among a scenario's targets, read from their files and checked."""

import numpy as np

from adapters.scenario_document import Document
from adapters.scenario_tables import check_spec, check_zones, entity_of, units_of, universe_of, variables_of
from adapters.target_files import Cells, Rows, read_cells, read_rows
from schemas.model import Derived, Entity, MomentTable, TargetTable, Tolerance, Variable, Zones
from schemas.scenario import TargetSpec
from synthesis.expressions import nearest

RELATIVE_TOLERANCE, SHARE_TOLERANCE = 0.02, 0.01


def read_moments(
    document: Document, root: Entity, member: Entity | None, zones: Zones | None
) -> tuple[MomentTable, ...]:
    """The scenario's means, totals and quantiles, in their order."""
    specs = [(name, spec) for name, spec in document.spec.targets.items() if spec.measure not in ("count", "share")]
    return tuple(_moment(document, name, spec, root, member, zones) for name, spec in specs)


def _moment(
    document: Document, name: str, spec: TargetSpec, root: Entity, member: Entity | None, zones: Zones | None
) -> MomentTable:
    at = "targets", name
    entity, entities = entity_of(document, spec, at, root, member)
    check_spec(document, spec, at, zones)
    if spec.binds is not None:
        raise document.error(f"a {spec.measure} binds as it is, expected no binds", *at, "binds")
    of = _averaged(document, spec, at, entity, entities)
    if (spec.quantile is None) == (spec.measure == "quantile"):
        what = "which quantile, as in 0.5 for medians" if spec.quantile is None else "measure: quantile beside it"
        raise document.error(f"expected {what}", *at, "measure" if spec.quantile is None else "quantile")
    variables = variables_of(document, spec, at, entity, entities)
    cells = _cells(document, spec, at, variables, zones, of)
    table = TargetTable(
        name=name,
        entity=entity.name,
        axes=cells.axes,
        target=cells.values,
        measure="count",
        binds="count",
        tolerance=Tolerance("records", 0.0),
        zone_level=spec.zone,
        universe=universe_of(document, spec, at, root, member),
        universe_text=spec.universe,
        moe=cells.moe,
        source=spec.source,
        note=spec.note,
        path=spec.file,
        importance=float(spec.importance),
    )
    assert spec.measure in ("mean", "total", "quantile")
    return MomentTable(table, of.name, spec.measure, _tolerance(spec), float(spec.quantile or 0.5))


def _averaged(
    document: Document, spec: TargetSpec, at: tuple[str, ...], entity: Entity, entities: list[Entity]
) -> Variable | Derived:
    """The numeric variable that a moment is of; it needs a range, within which sums are kept in fixed point."""
    if spec.of is None:
        raise document.error(f"expected `of`, the numeric variable of the {spec.measure}", *at)
    found = entity.find(spec.of) or entities[0].find(spec.of)
    known = [v.name for e in (entity, entities[0]) for v in e.all_variables if v.kind != "category"]
    if found is None:
        raise document.error(f"unknown variable {spec.of!r}{nearest(spec.of, known)}", *at, "of")
    if found.kind == "category":
        raise document.error(f"{spec.of!r} is a category, expected a number or an integer", *at, "of")
    if not np.isfinite([found.low, found.high]).all():
        raise document.error(f"{spec.of!r} has no range, expected one to be stated", *at, "of")
    return found


def _cells(
    document: Document,
    spec: TargetSpec,
    at: tuple[str, ...],
    variables: list[Variable | Derived],
    zones: Zones | None,
    of: Variable | Derived,
) -> Cells:
    rows = read_rows(document.input_path(spec.file, *at, "file"), str(document.folder / spec.file))
    units = units_of(spec, zones)
    cells = read_cells(rows, variables, units, spec.measure, is_moment=True)
    if units is not None:
        check_zones(rows, *units)
    if spec.measure != "total":
        _check_range(rows, cells, spec.measure, of)
    return cells


def _check_range(rows: Rows, cells: Cells, measure: str, of: Variable | Derived) -> None:
    end = of.high + 1 if of.kind == "integer" and measure == "quantile" else of.high
    bounds = f"{of.low:.15g} to {of.high:.15g}"
    for i, text in enumerate(rows.columns[measure]):
        if not of.low <= float(text) <= end:
            raise rows.error(f"{measure} {text!r} is outside the range of {of.name}, {bounds}", i)


def _tolerance(spec: TargetSpec) -> float:
    default = SHARE_TOLERANCE if spec.measure == "quantile" else RELATIVE_TOLERANCE
    given = spec.tolerance.model_dump(exclude_none=True) if spec.tolerance else {}
    return float(next(iter(given.values()), default))
