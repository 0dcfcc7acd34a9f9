"""Where a scenario's tables contradict each other, themselves or its rules; before a run, from the tables alone.

Everything is compared in all zones at once, table by table and pair by pair. What takes more than two tables is looked
for with a linear program unit by unit, those with the largest findings first (`feasibility_sets`).
"""

from collections.abc import Sequence

import numpy as np

from schemas.finding import Finding
from schemas.model import Scenario
from synthesis.cells import CellCoder
from synthesis.feasibility_overlaps import overlaps
from synthesis.feasibility_pairs import Overfull, contradicting_pairs, forbidden_cells
from synthesis.feasibility_reach import reach_gaps
from synthesis.feasibility_sets import contradicting_sets
from synthesis.feasibility_totals import multiples_of, total_gaps
from synthesis.feasibility_universes import universe_gaps
from synthesis.feasibility_wording import (
    tell_multiples,
    tell_overfull,
    tell_overlap,
    tell_reach,
    tell_total,
    tell_universe,
)
from synthesis.figures import build_figures
from synthesis.spaces import Spaces


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
    told = {frozenset(finding.tables) for finding in found if finding.kind != "multiples"}
    told |= {frozenset((pair.table, pair.other)) for pair in overfull if pair.other is not None}
    sizes = [(gap.level, np.abs(gap.outside)) for gap in reach]
    sizes += [(gap.level, np.abs(gap.outside)) for gap in universes]
    sizes += [(pair.level, pair.excess) for pair in overfull]
    found += contradicting_sets(scenario, spaces, figures, sizes, told)
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
