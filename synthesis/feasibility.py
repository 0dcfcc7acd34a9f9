"""Where a scenario's tables contradict each other, themselves or its rules; before a run, from the tables alone.

Everything is compared in all zones at once, table by table and pair by pair. What takes more than two tables is looked
for with a linear program in the units with the largest findings; how many were examined is said.
"""

from collections.abc import Sequence

import numpy as np

from schemas.finding import Finding
from schemas.model import FloatArray, Scenario
from synthesis.cells import CellCoder
from synthesis.feasibility_overlaps import overlaps
from synthesis.feasibility_pairs import Overfull, contradicting_pairs, forbidden_cells
from synthesis.feasibility_program import Demand, Program
from synthesis.feasibility_reach import reach_gaps
from synthesis.feasibility_totals import multiples_of, total_gaps
from synthesis.feasibility_universes import universe_gaps
from synthesis.feasibility_wording import (
    tell_multiples,
    tell_overfull,
    tell_overlap,
    tell_reach,
    tell_set,
    tell_total,
    tell_universe,
)
from synthesis.figures import Figures, build_figures
from synthesis.levels import at_level, level_size, mapping
from synthesis.spaces import Spaces

EXAMINED = 20
"""Units of a level, at most, in which sets of more than two tables are looked for."""


def find_contradictions(coder: CellCoder, spaces: Spaces) -> tuple[Finding, ...]:
    """All findings, the refused first, then by size."""
    scenario = coder.scenario
    empty = _empty(scenario, spaces)
    if empty:
        return tuple(empty)
    figures = build_figures(scenario, spaces)
    overfull = [*forbidden_cells(spaces, figures), *contradicting_pairs(scenario, spaces, figures)]
    reach = reach_gaps(scenario, spaces, figures)
    universes = universe_gaps(coder, spaces, figures)
    found = [tell_total(scenario, gap) for gap in total_gaps(coder, figures)]
    found += [tell_universe(scenario, gap) for gap in universes]
    found += [tell_reach(scenario, gap) for gap in reach]
    found += [tell_overlap(scenario, overlap) for overlap in overlaps(scenario, spaces, figures)]
    found += [tell_multiples(scenario, m) for table in scenario.tables for m in multiples_of(table)]
    found += [tell_overfull(scenario, spaces.views, pair) for pair in overfull if not _is_told(found, pair)]
    told = {frozenset(finding.tables) for finding in found}
    told |= {frozenset((pair.table, pair.other)) for pair in overfull if pair.other is not None}
    sizes = [(gap.level, np.abs(gap.outside)) for gap in reach]
    sizes += [(gap.level, np.abs(gap.outside)) for gap in universes]
    sizes += [(pair.level, pair.excess) for pair in overfull]
    found += _sets(scenario, spaces, figures, sizes, told)
    found += [_unchecked(name, reason) for name, reason in spaces.left_out.items()]
    return tuple(sorted(found, key=lambda f: (f.outcome != "refused", f.outcome == "noted", -f.records)))


def _is_told(found: Sequence[Finding], pair: Overfull) -> bool:
    """Whether a finding names the two tables already."""
    return pair.other is not None and any({pair.table, pair.other} <= set(finding.tables) for finding in found)


def _empty(scenario: Scenario, spaces: Spaces) -> list[Finding]:
    """Rules and definitions that no record can obey."""
    found = []
    for space in (*spaces.root, *spaces.member):
        if space.patterns == 0:
            rules = ", ".join(rule.name for rule in scenario.rules if rule.entity == space.entity)
            what = f"no {space.entity} can obey the rules together ({rules})"
            found.append(Finding("forbidden", "refused", space.tables, what, "refuse", "nothing can be drawn"))
    return found


def _unchecked(table: str, reason: str) -> Finding:
    return Finding("unchecked", "noted", (table,), f"{table} was compared by its total only: {reason}")


def _sets(
    scenario: Scenario,
    spaces: Spaces,
    figures: Figures,
    sizes: Sequence[tuple[str | None, FloatArray]],
    told: set[frozenset[str]],
) -> list[Finding]:
    """Smallest sets of tables at odds in what a run aims at, other than those told already."""
    program, found = Program(spaces), []
    for level in (None, *reversed(scenario.zones.levels if scenario.zones else ())):
        units = _worst_units(scenario, level, sizes)
        by_set: dict[tuple[str, ...], FloatArray] = {}
        for unit in units:
            demands = _untold(_demands(scenario, spaces, figures, level, unit), told)
            for odd in program.contradictions(demands):
                by_set.setdefault(odd.tables, np.zeros(level_size(scenario, level)))[unit] = odd.records
        for tables, size in by_set.items():
            if not any(known <= set(tables) for known in told if known):
                found.append(tell_set(scenario, tables, level, size, units))
        told |= {frozenset(tables) for tables in by_set}
    return found


def _untold(demands: list[Demand], told: set[frozenset[str]]) -> list[Demand]:
    """The demands without the last table of every set that is told already, wherever all of the set is asked for."""
    kept = list(demands)
    for known in sorted(told, key=sorted):
        inside = [demand for demand in kept if demand.table in known]
        if len(inside) == len(known) > 1:
            kept = [demand for demand in kept if demand is not inside[-1]]
    return kept


def _worst_units(scenario: Scenario, level: str | None, sizes: Sequence[tuple[str | None, FloatArray]]) -> list[int]:
    """The units of a level whose findings are largest, summed from finer levels; all where there are few."""
    score = np.zeros(level_size(scenario, level))
    if len(score) <= EXAMINED:
        return list(range(len(score)))
    for own, size in sizes:
        summed = at_level(scenario, size, own, level)
        if summed is not None:
            score += summed
        elif (units := mapping(scenario, level, own)) is not None:
            score += size[units] * 1e-9  # of a coarser unit's parts any may be at fault
    return sorted(np.argsort(-score, kind="stable")[:EXAMINED].tolist())


def _demands(scenario: Scenario, spaces: Spaces, figures: Figures, level: str | None, unit: int) -> list[Demand]:
    """What the tables whose figures can be summed to the unit ask for, as a run aims at them."""
    found = []
    for name in (table.name for table in scenario.tables if table.name in spaces.views):
        view = spaces.views[name]
        table = view.table
        if table.measure == "share" and table.zone_level != level:
            continue
        is_share = table.binds == "share"
        source = view.values(table.target) if is_share else figures.scaled[name]
        values = at_level(scenario, source, table.zone_level, level)
        if values is None:
            continue
        total = float(values[unit].sum())
        found.append(Demand(name, values[unit] / total if is_share and total > 0 else values[unit], is_share))
    return found
