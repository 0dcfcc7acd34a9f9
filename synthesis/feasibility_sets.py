"""Sets of tables that cannot be met together, though any of them but one can: unit by unit, the worst units first.

What every unit misses is one linear program for many units at once; a smallest set is then looked for in the unit that
misses most, and what that set explains elsewhere needs no look of its own. The work is bounded; what was not looked at
is said.
"""

from collections.abc import Sequence

import numpy as np

from schemas.finding import Finding
from schemas.model import FloatArray, Scenario
from synthesis.feasibility_program import NOTICEABLE_RECORDS, Demand, Program
from synthesis.feasibility_wording import tell_set
from synthesis.figures import Figures
from synthesis.levels import at_level, level_size, mapping
from synthesis.spaces import Spaces

LEAST_EXAMINED = 20
"""Units of a level, at least, that are looked at, and in which smallest sets are looked for at most."""
EXAMINED_ENTRIES = 5_000_000
"""Entries of the programs of further units, over all levels: some twelve seconds (measured)."""

Sizes = Sequence[tuple[str | None, FloatArray]]
"""Levels with the size, per unit, of what has been found there."""


def contradicting_sets(
    scenario: Scenario, spaces: Spaces, figures: Figures, sizes: Sizes, told: set[frozenset[str]]
) -> list[Finding]:
    """Smallest sets of tables at odds in what a run aims at, other than those told already; and what is left open."""
    program, found, left = Program(spaces), list[Finding](), EXAMINED_ENTRIES
    for level in (None, *reversed(scenario.zones.levels if scenario.zones else ())):
        demands = _demands(scenario, spaces, figures, level)
        order = _worst_first(scenario, level, sizes)
        costs = np.cumsum([program.entries(demands[unit]) for unit in order])
        count = max(int(np.searchsorted(costs, left, side="right")), min(LEAST_EXAMINED, len(order)))
        left -= int(costs[count - 1])
        examined = {unit: demands[unit] for unit in order[:count]}
        by_set, unexplained = _examine(program, examined, level_size(scenario, level), told)
        found += [tell_set(scenario, tables, level, size, count) for tables, size in by_set.items()]
        found += _open(level, count, len(order), unexplained)
    return found


def _examine(
    program: Program, units: dict[int, list[Demand]], level_units: int, told: set[frozenset[str]]
) -> tuple[dict[tuple[str, ...], FloatArray], int]:
    """The sets with their size per unit of the level, and in how many units more are at odds; `told` grows by them."""
    missed = _missed(program, units, told)
    at_odds = {unit: units[unit] for unit in missed}
    found: dict[tuple[str, ...], FloatArray] = {}
    for _ in range(LEAST_EXAMINED):
        if not missed:
            break
        worst = max(missed, key=lambda unit: missed[unit])
        for odd in program.contradictions(_untold(units[worst], told)):
            size = np.zeros(level_units)
            asked = {u: [d for d in demands if d.table in odd.tables] for u, demands in at_odds.items()}
            whole = {u: demands for u, demands in asked.items() if len(demands) == len(odd.tables)}
            size[list(whole)] = program.slacks(list(whole.values()))
            found[odd.tables] = np.where(size > NOTICEABLE_RECORDS, size, 0.0)
            told.add(frozenset(odd.tables))
        missed = _missed(program, {unit: units[unit] for unit in missed if unit != worst}, told)
    return found, len(missed)


def _missed(program: Program, units: dict[int, list[Demand]], told: set[frozenset[str]]) -> dict[int, float]:
    """The units that are at odds beyond what is told, and by how many records."""
    slacks = program.slacks([_untold(demands, told) for demands in units.values()])
    return {unit: slack for unit, slack in zip(units, slacks.tolist(), strict=True) if slack > NOTICEABLE_RECORDS}


def _untold(demands: list[Demand], told: set[frozenset[str]]) -> list[Demand]:
    """The demands without the last table of every set that is told already, wherever all of the set is asked for."""
    kept = list(demands)
    for known in sorted(told, key=sorted):
        inside = [demand for demand in kept if demand.table in known]
        if inside and len(inside) == len(known):
            kept = [demand for demand in kept if demand is not inside[-1]]
    return kept


def _worst_first(scenario: Scenario, level: str | None, sizes: Sizes) -> list[int]:
    """The units of a level by the size of their findings, summed from finer levels."""
    score = np.zeros(level_size(scenario, level))
    for own, size in sizes:
        summed = at_level(scenario, size, own, level)
        if summed is not None:
            score += summed
        elif (units := mapping(scenario, level, own)) is not None:
            score += size[units] * 1e-9  # of a coarser unit's parts any may be at fault
    order: list[int] = np.argsort(-score, kind="stable").tolist()
    return order


def _demands(scenario: Scenario, spaces: Spaces, figures: Figures, level: str | None) -> list[list[Demand]]:
    """Per unit of a level, what the tables whose figures can be summed to it ask for, as a run aims at them."""
    found: list[list[Demand]] = [[] for _ in range(level_size(scenario, level))]
    for name in (table.name for table in scenario.tables if table.name in spaces.views):
        view = spaces.views[name]
        table = view.table
        if table.measure == "share" and table.zone_level != level:
            continue
        is_share = table.binds == "share"
        values = at_level(
            scenario, view.values(table.target) if is_share else figures.scaled[name], table.zone_level, level
        )
        if values is None:
            continue
        for demands, own in zip(found, values, strict=True):
            total = float(own.sum())
            if total > 0:
                demands.append(Demand(name, own / total if is_share else own, is_share))
    return found


def _open(level: str | None, examined: int, units: int, unexplained: int) -> list[Finding]:
    """What was not looked at on a level, if anything."""
    left = []
    if examined < units:
        left.append(
            f"sets of three or more tables were looked for in {examined:,} of {units:,} {level} only, "
            "those with the largest findings"
        )
    if unexplained:
        left.append(f"{unexplained:,} more {level} are at odds beyond the sets that are named")
    return [Finding("unchecked", "noted", (), "; ".join(left), zone_level=level)] if left else []
