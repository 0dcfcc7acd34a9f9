"""How well means, totals and quantiles are met."""

from dataclasses import dataclass

import numpy as np

from schemas.model import BoolArray, FloatArray, MomentTable, Scenario
from synthesis.aims import Aims
from synthesis.moments import Counts, moment_sums

ROUNDING_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class MomentFit:
    """One table of moments: arrays have shape (units, cells of a unit), NaN where nothing was published.

    A quantile is judged by the share of records below its published value; `synthetic` is NaN where a cell holds no
    records, which are then within whatever tolerance. `allowed` is of the value aimed at, or of the records.
    """

    moment: MomentTable
    aimed: FloatArray
    synthetic: FloatArray
    within: BoolArray
    allowed: FloatArray

    @property
    def published(self) -> FloatArray:
        """The published values."""
        return self.moment.cells.target.reshape(self.aimed.shape)

    @property
    def tolerance_kind(self) -> str:
        """What the tolerance is of: the value aimed at, or all records of the cell."""
        return "share" if self.moment.measure == "quantile" else "relative"


def moment_fits(scenario: Scenario, aims: Aims, counts: Counts, fraction: float = 1.0) -> list[MomentFit]:
    """The fit of every mean, total and quantile; `fraction` of the totals being due so far."""
    return [_fit(scenario, moment, aims, counts, fraction) for moment in scenario.moments]


def _fit(scenario: Scenario, moment: MomentTable, aims: Aims, counts: Counts, fraction: float) -> MomentFit:
    shape = moment.cells.units, moment.cells.unit_cells
    records, sums = (array.reshape(shape) for array in moment_sums(scenario, moment, counts))
    aimed = aims.targets[moment.name].reshape(shape)
    if moment.measure == "total":
        aimed, synthetic = aimed * fraction, sums
    else:
        synthetic = np.divide(sums, records, out=np.full(shape, np.nan), where=records > 0)
    off = np.nan_to_num(np.abs(aimed - synthetic), nan=0.0)
    allowed, unit = np.full(shape, moment.tolerance), np.ones(shape)
    if moment.measure == "quantile":
        allowed += np.divide(1.0, records, out=np.zeros(shape), where=records > 0)  # a record more or less
    else:
        unit = np.where(aimed == 0, 1.0, np.abs(np.nan_to_num(aimed)))
    within = off <= (allowed + ROUNDING_SLACK) * unit
    return MomentFit(moment, aimed, np.where(np.isfinite(aimed), synthetic, np.nan), within, allowed)
