"""Target tables of a scenario, read from their files and checked against its variables and zones."""

from typing import Literal

import numpy as np

from adapters.scenario_document import Document, located_parse
from adapters.scenario_entities import scope_of
from adapters.target_files import MAX_CELLS, Cells, Rows, read_cells, read_rows
from schemas.expression import Node
from schemas.model import Derived, Entity, FloatArray, TargetTable, Tolerance, Variable, Zones
from schemas.scenario import TargetSpec
from synthesis.expressions import nearest

MAX_TOLERANCE = 10**15
TOLERANCES = {
    "count": ("records", "share_tvd", "moe"),
    "share": ("records", "share_tvd", "moe"),
    "mean": ("relative",),
    "total": ("relative",),
    "quantile": ("share",),
}
"""How the tolerance of a table may be stated, by its measure."""
SHARE_SUM_SLACK = 1e-3
"""Published shares are rounded; sums this close to 1 are renormalised."""


def read_tables(
    document: Document, root: Entity, member: Entity | None, zones: Zones | None
) -> tuple[TargetTable, ...]:
    """The scenario's tables of counts and shares, in their order."""
    specs = [(name, spec) for name, spec in document.spec.targets.items() if spec.measure in ("count", "share")]
    if not specs:
        raise document.error("expected a table of counts or shares", "targets")
    return tuple(_table(document, name, spec, root, member, zones) for name, spec in specs)


def _table(
    document: Document, name: str, spec: TargetSpec, root: Entity, member: Entity | None, zones: Zones | None
) -> TargetTable:
    at = "targets", name
    entity, entities = entity_of(document, spec, at, root, member)
    if not spec.variables:
        raise document.error("expected at least 1 variable", *at, "variables")
    for key in ("of", "quantile"):
        if getattr(spec, key) is not None:
            raise document.error("expected measure: mean, total or quantile beside it", *at, key)
    check_spec(document, spec, at, zones)
    variables = variables_of(document, spec, at, entity, entities)
    cells = _cells(document, spec, at, variables, zones)
    universe = universe_of(document, spec, at, root, member)
    measure: Literal["count", "share"] = "share" if spec.measure == "share" else "count"
    return TargetTable(
        name=name,
        entity=entity.name,
        axes=cells.axes,
        target=cells.values,
        measure=measure,
        binds=spec.binds or (measure if entity is root else "share"),
        tolerance=_tolerance(document, spec, at, entity is root, cells.moe is not None),
        zone_level=spec.zone,
        universe=universe,
        universe_text=spec.universe,
        moe=cells.moe,
        source=spec.source,
        note=spec.note,
        path=spec.file,
        importance=float(spec.importance),
    )


def entity_of(
    document: Document, spec: TargetSpec, at: tuple[str, ...], root: Entity, member: Entity | None
) -> tuple[Entity, list[Entity]]:
    """The entity that a table is over, and all entities."""
    entities = [entity for entity in (root, member) if entity is not None]
    entity = next((entity for entity in entities if entity.name == spec.entity), None)
    if entity is None:
        known = [e.name for e in entities]
        raise document.error(f"unknown entity {spec.entity!r}{nearest(spec.entity, known)}", *at, "entity")
    return entity, entities


def variables_of(
    document: Document, spec: TargetSpec, at: tuple[str, ...], entity: Entity, entities: list[Entity]
) -> list[Variable | Derived]:
    """The variables that span a table."""
    return [_variable(document, v, entity, entities, at, i) for i, v in enumerate(spec.variables)]


def universe_of(
    document: Document, spec: TargetSpec, at: tuple[str, ...], root: Entity, member: Entity | None
) -> Node | None:
    """The universe of a table, parsed."""
    if spec.universe is None:
        return None
    return located_parse(document, spec.universe, scope_of(root, member, spec.entity), "truth", *at, "universe")


def _cells(
    document: Document, spec: TargetSpec, at: tuple[str, ...], variables: list[Variable | Derived], zones: Zones | None
) -> Cells:
    rows = read_rows(document.input_path(spec.file, *at, "file"), str(document.folder / spec.file))
    units = units_of(spec, zones)
    cells = read_cells(rows, variables, units, spec.measure)
    if spec.universe is None:
        _check_coverage(rows, variables, cells)
    if units is not None:
        check_zones(rows, *units)
    if spec.measure == "share":
        cells = Cells(cells.axes, _normalised(rows, cells.values, units), cells.moe)
    if spec.same_in_every_zone and zones is not None and spec.zone is not None:
        cells = _repeated(rows, cells, len(zones.names[spec.zone]))
    return cells


def _repeated(rows: Rows, cells: Cells, times: int) -> Cells:
    """The cells of a table that holds in every zone."""
    if cells.values.size * times > MAX_CELLS:
        raise rows.error(f"the table spans {cells.values.size * times} cells, expected at most {MAX_CELLS}")
    moe = None if cells.moe is None else np.repeat(cells.moe, times, axis=0)
    return Cells(cells.axes, np.repeat(cells.values, times, axis=0), moe)


def check_spec(document: Document, spec: TargetSpec, at: tuple[str, ...], zones: Zones | None) -> None:
    """Refuse what cannot be meant, whatever the file holds."""
    if spec.zone is not None and zones is None:
        raise document.error("the scenario has no zones", *at, "zone")
    if spec.zone is not None and zones is not None and spec.zone not in zones.levels:
        message = f"unknown zone level {spec.zone!r}{nearest(spec.zone, zones.levels)}"
        raise document.error(message, *at, "zone")
    for i, variable in enumerate(spec.variables):
        if zones is not None and variable in zones.levels and variable != zones.variable:
            raise document.error(f"{variable!r} is a zone level, expected it as zone", *at, "variables", i)
    if spec.same_in_every_zone and (spec.zone is None or spec.measure != "share"):
        raise document.error("expected a zone level and measure: share", *at, "same_in_every_zone")
    if spec.binds == "count" and spec.measure == "share":
        raise document.error("shares cannot bind as counts, expected binds: share", *at, "binds")
    if spec.source is not None and spec.source not in document.spec.sources:
        known = document.spec.sources
        hint = nearest(spec.source, known) if known else " (the scenario lists none)"
        raise document.error(f"unknown source {spec.source!r}{hint}", *at, "source")
    tolerance = spec.tolerance
    allowed = TOLERANCES[spec.measure]
    if tolerance is not None and (len(given := tolerance.model_dump(exclude_none=True)) != 1 or given.keys() - allowed):
        raise document.error(f"expected {' or '.join(allowed)}, one of them", *at, "tolerance")


def _variable(
    document: Document, name: str, entity: Entity, entities: list[Entity], at: tuple[str, ...], i: int
) -> Variable | Derived:
    root = entities[0]
    found = entity.find(name) or root.find(name)
    if found is None:
        if any(text.name == name for other in entities for text in other.texts):
            raise document.error(f"{name!r} is free text, which no table counts", *at, "variables", i)
        if any(other.find(name) for other in entities):
            message = f"{name!r} is a variable of {entities[-1].name}, expected a variable of {entity.name}"
            raise document.error(message, *at, "variables", i)
        known = dict.fromkeys(v.name for e in (entity, root) for v in e.all_variables)
        raise document.error(f"unknown variable {name!r}{nearest(name, known)}", *at, "variables", i)
    if name in document.spec.targets[at[1]].variables[:i]:
        raise document.error(f"variable {name!r} appears twice", *at, "variables", i)
    if name == document.spec.targets[at[1]].zone:
        raise document.error(f"{name!r} is the table's zone already", *at, "variables", i)
    return found


def units_of(spec: TargetSpec, zones: Zones | None) -> tuple[str, tuple[str, ...]] | None:
    """The column of a table's zones with their names, if it has one."""
    if spec.zone is None or zones is None or spec.same_in_every_zone:
        return None
    return spec.zone, zones.names[spec.zone]


def _tolerance(document: Document, spec: TargetSpec, at: tuple[str, ...], is_of_root: bool, has_moe: bool) -> Tolerance:
    given = spec.tolerance
    if given is not None and given.records is not None:
        if not given.records <= MAX_TOLERANCE:
            message = f"expected at most {MAX_TOLERANCE}, got {given.records}"
            raise document.error(message, *at, "tolerance", "records")
        return Tolerance("records", float(given.records))
    if given is not None and given.share_tvd is not None:
        return Tolerance("share_tvd", float(given.share_tvd))
    if given is not None and given.moe is not None:
        if not has_moe:
            raise document.error("the table has no moe column", *at, "tolerance", "moe")
        if not given.moe <= MAX_TOLERANCE:
            raise document.error(f"expected at most {MAX_TOLERANCE}, got {given.moe}", *at, "tolerance", "moe")
        return Tolerance("moe", float(given.moe))
    if has_moe:
        return Tolerance("moe", 1.0)
    return Tolerance("records", 0.0) if is_of_root else Tolerance("share_tvd", 0.005)


def _check_coverage(rows: Rows, variables: list[Variable | Derived], cells: Cells) -> None:
    """Refuse a whole-universe table that leaves values of a variable without a cell."""
    hint = " (write 0, or state a universe)"
    for variable, axis in zip(variables, cells.axes, strict=True):
        if axis.lows is None or axis.highs is None:
            given = set(rows.columns[variable.name])
            for category in axis.labels:
                if category not in given:
                    message = f"{variable.name}: no row for category {category!r}{hint}"
                    raise rows.error(message)
        elif np.isfinite(variable.low):
            end = variable.high + 1 if variable.kind == "integer" else variable.high
            starts, ends = np.append(axis.lows, end), np.insert(axis.highs, 0, variable.low)
            gaps = np.flatnonzero(starts > ends)
            if len(gaps):
                low, high = ends[gaps[0]], starts[gaps[0]]
                raise rows.error(f"{variable.name}: bins leave {_span(variable.kind, low, high)} without a cell{hint}")


def check_zones(rows: Rows, level: str, names: tuple[str, ...]) -> None:
    """Refuse a table that leaves out a zone."""
    given = set(rows.columns[level])
    missing = [name for name in names if name not in given]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise rows.error(f"no rows for {level} {missing[0]!r}{more}, expected every unit of the crosswalk")


def _span(kind: str, low: float, high: float) -> str:
    if kind == "integer":
        return f"{low:.0f}" if high - low == 1 else f"{low:.0f}-{high - 1:.0f}"
    return f"[{low:.15g}, {high:.15g})"


def _normalised(rows: Rows, shares: FloatArray, units: tuple[str, tuple[str, ...]] | None) -> FloatArray:
    """The shares, made to sum to 1 per zone exactly."""
    sums = shares.reshape(len(shares), -1).sum(axis=1)
    off = np.flatnonzero(np.abs(sums - 1) > SHARE_SUM_SLACK)
    if len(off) and units is None:
        raise rows.error(f"shares sum to {sums[0]:.6g}, expected 1")
    if len(off) and units is not None:
        level, unit = units[0], units[1][off[0]]
        row = list(rows.columns[level]).index(unit)
        raise rows.error(f"shares of {level} {unit!r} sum to {sums[off[0]]:.6g}, expected 1", row)
    return shares / sums.reshape(-1, *[1] * (shares.ndim - 1))
