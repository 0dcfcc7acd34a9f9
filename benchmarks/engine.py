"""The engine alone: a scenario planned unit by unit in this process, on one core, without Prefect, Dask or files."""

import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from adapters.scenario_files import read_scenario
from schemas.settings import RunSettings
from synthesis.aggregates import Counts, count_records, merge_counts, no_counts
from synthesis.aims import Aims, build_aims
from synthesis.batching import plan_rounds
from synthesis.binning import build_grids
from synthesis.causes import Causes, cause_of_cells, merge_causes
from synthesis.cells import CellCoder, build_coder
from synthesis.discrepancy import discrepancies
from synthesis.outer import outer_cells, spread
from synthesis.plan import plan_values
from synthesis.unit_plan import plan_unit, respond
from synthesis.units import cut_units


@dataclass(frozen=True)
class Planned:
    """CPU seconds of responses and plans, and how the planned records fit. Household cells are those of root counts."""

    zones: int
    units: int
    outer: tuple[str, ...]
    cpu_seconds: float
    dearest_unit_seconds: float
    root_cells: int
    root_cells_exact: int
    unnamed_misses: int
    causes: dict[str, int]
    member_tvd_mean: float
    peak_bytes: int

    def told(self) -> str:
        """One line for people."""
        return (
            f"{self.zones} zones in {self.units} units: {self.cpu_seconds:.1f} CPU s "
            f"({1000 * self.cpu_seconds / self.zones:.1f} ms a zone, dearest unit {self.dearest_unit_seconds:.2f} s); "
            f"root cells exact {self.root_cells_exact:,} of {self.root_cells:,} "
            f"({self.root_cells_exact / self.root_cells:.2%}), without a cause {self.unnamed_misses}, by cause "
            f"{self.causes}; members' TVD mean {self.member_tvd_mean:.5f}; peak {self.peak_bytes / 1e6:.0f} MB"
        )


def plan_scenario(folder: Path) -> Planned:
    """Plan all units of a scenario, wave by wave where tables reach beyond them."""
    scenario, settings = read_scenario(folder), RunSettings()
    coder, aims, cut = build_coder(scenario, build_grids(scenario)), build_aims(scenario, None), cut_units(scenario)
    outer, counts, spent = outer_cells(scenario, cut), no_counts(scenario), [0.0]
    causes: list[Causes] = []
    with threadpool_limits(1):
        started = time.process_time()
        responses = [respond(coder, settings, aims, outer, unit) for unit in cut.units] if cut.outer else []
        total = time.process_time() - started
        # Early rounds are left out: what is measured is the round that carries the records.
        waves = [wave for wave in plan_rounds(settings, aims, cut) if wave.fraction >= 1]
        for number, wave in enumerate(waves):
            later = [unit.index for after in waves[number + 1 :] for unit in after.units]
            started = time.process_time()
            parts = (
                spread(outer, aims, responses, [unit.index for unit in wave.units], later, counts) if cut.outer else {}
            )
            total += time.process_time() - started
            for unit in wave.units:
                started = time.process_time()
                planned = plan_unit(
                    coder, settings, aims, unit, 1, 1.0, no_counts(scenario), outer, parts.get(unit.index)
                )
                spent.append(time.process_time() - started)
                causes.append(planned.causes)
                values = plan_values(scenario, coder.grids, planned.plan)
                rows = np.repeat(np.arange(values.count), planned.counts)
                counts = merge_counts(counts, count_records(coder, values.take(rows)))
    return _judge(coder, aims, counts, merge_causes(causes), total + sum(spent), max(spent), len(cut.units), cut.outer)


def _judge(
    coder: CellCoder,
    aims: Aims,
    counts: Counts,
    causes: Causes,
    seconds: float,
    dearest: float,
    units: int,
    outer: tuple[str, ...],
) -> Planned:
    scenario, by_cause, missed, cells, unnamed = coder.scenario, dict[str, int](), 0, 0, 0
    distances = []
    for part in discrepancies(scenario, aims, counts):
        if part.table.entity != scenario.root.name:
            distances.append(part.tvd)
        elif part.table.binds == "count":
            cells, missed = cells + part.within.size, missed + int((~part.within).sum())
            for cause in cause_of_cells(causes, part.table.name, part.within, ""):
                unnamed += cause == ""
                if cause:
                    by_cause[cause] = by_cause.get(cause, 0) + 1
    return Planned(
        zones=len(aims.zone_sizes),
        units=units,
        outer=outer,
        cpu_seconds=seconds,
        dearest_unit_seconds=dearest,
        root_cells=cells,
        root_cells_exact=cells - missed,
        unnamed_misses=unnamed,
        causes=by_cause,
        member_tvd_mean=float(np.concatenate(distances).mean()) if distances else 0.0,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )
