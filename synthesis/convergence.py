"""How well an allocation was solved: per unit, and summed up over the units of a round."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from synthesis.allocation import Allocation
from synthesis.system import System


@dataclass(frozen=True, slots=True)
class Convergence:
    """One unit: Newton steps, records by which the optimum and the worst exact cell are missed, and the weights.

    `worst_cell` is (table, flat cell), table "" being a zone's number of root records.
    """

    steps: int
    residual: float
    missed: float
    worst_cell: tuple[str, int] | None
    rows: int
    cells: int
    effective_rows: float
    design_effect: float


def convergence_of(system: System, allocation: Allocation) -> Convergence:
    """What an allocation of the system says of itself."""
    achieved = system.matrix.T @ allocation.weights
    off = np.where(system.exact, np.abs(achieved - system.wanted(achieved)), 0.0)
    missed = float(off.max(initial=0.0))
    return Convergence(
        allocation.steps,
        allocation.residual,
        missed,
        _cell(system, int(np.argmax(off))) if missed > 0 else None,
        system.matrix.shape[0],
        system.matrix.shape[1],
        allocation.effective_rows,
        allocation.design_effect,
    )


def summed_up(parts: Iterable[Convergence]) -> dict[str, Any]:
    """The units of a plan, each as plain data: associative, so that `merged` can join plans in any order."""
    return {"units": [asdict(part) for part in parts]}


def merged(summaries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One line of figures over all units of a round; empty where nothing was solved."""
    units = [unit for summary in summaries for unit in summary.get("units", ())]
    if not units:
        return {}
    worst = max(units, key=lambda unit: (unit["missed"], str(unit["worst_cell"])))
    effects = np.array([unit["design_effect"] for unit in units])
    return {
        "units": len(units),
        "steps": max(unit["steps"] for unit in units),
        "residual": max(unit["residual"] for unit in units),
        "missed": worst["missed"],
        "worst_cell": worst["worst_cell"],
        "plan_rows": sum(unit["rows"] for unit in units),
        "effective_rows": round(sum(unit["effective_rows"] for unit in units), 1),
        "design_effect_median": round(float(np.median(effects)), 3),
        "design_effect_max": round(float(effects.max()), 3),
    }


def _cell(system: System, position: int) -> tuple[str, int]:
    block = next(block for block in system.blocks if block.start <= position < block.stop)
    return block.table, block.unit * (block.stop - block.start) + position - block.start
