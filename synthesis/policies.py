"""The named policies by which a run reconciles tables that contradict each other."""

from schemas.finding import Outcome
from schemas.model import Scenario, TargetTable

POLICIES = {
    "rescale": "tables of the root entity over everybody are rescaled, zone by zone, to the table that sets the sizes",
    "shares": "a table that binds shares keeps its shares; how many members there are follows from the root records",
    "nearest": "where exact tables are at odds, the run aims at the nearest counts that are possible together: the "
    "fewest records are moved, and of tables at odds the one listed later yields",
    "compromise": "shares that are at odds are met as nearly as together they can be; what is missed is reported",
    "keep": "the counts are aimed at as published",
    "refuse": "the scenario asks that such tables be refused",
}


def policy_of_totals(scenario: Scenario, table: TargetTable) -> tuple[str, Outcome]:
    """What becomes of a table whose total differs from its entity's."""
    if scenario.reconcile.totals == "refuse":
        return "refuse", "refused"
    if table.binds == "share":
        return "shares", "reconciled"
    return ("rescale" if table.entity == scenario.root.name and table.universe is None else "nearest"), "reconciled"


def policy_of_cells(scenario: Scenario, tables: list[TargetTable]) -> tuple[str, Outcome]:
    """What becomes of tables whose cells contradict each other or the rules."""
    if scenario.reconcile.contradictions == "refuse":
        return "refuse", "refused"
    is_exact = any(t.binds == "count" and t.entity == scenario.root.name for t in tables)
    return ("nearest" if is_exact else "compromise"), "reconciled"
