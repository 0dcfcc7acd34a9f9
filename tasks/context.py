"""What every task of a run needs, built once per process from the run folder (clients do not pickle, paths do)."""

from dataclasses import dataclass, replace
from functools import lru_cache

from adapters.object_path import location
from adapters.run_folder import RunFolder
from schemas.model import Scenario
from schemas.settings import RunSettings
from synthesis.aims import Aims, build_aims
from synthesis.binning import build_grids
from synthesis.cells import CellCoder, build_coder
from synthesis.dependencies import apply_dependencies
from synthesis.held_out import hold_out
from synthesis.outer import OuterCells, outer_cells
from synthesis.units import Unit, UnitCut, cut_units
from synthesis.what_if import with_what_if


@dataclass(frozen=True, slots=True)
class Context:
    """A run's scenario compiled for synthesis."""

    run: RunFolder
    scenario: Scenario
    coder: CellCoder
    aims: Aims
    cut: UnitCut
    outer: OuterCells
    settings: RunSettings

    @property
    def units(self) -> tuple[Unit, ...]:
        """All units, by index."""
        return self.cut.units


def compile_context(run: RunFolder, scenario: Scenario, settings: RunSettings) -> Context:
    """The context of a scenario with settings."""
    scenario = hold_out(scenario, settings.hold_out)
    if not settings.use_prior:
        scenario = replace(scenario, prior=None)
    if (found := run.read_dependencies()) is not None:
        scenario = apply_dependencies(scenario, found)
    scenario = with_what_if(scenario, settings)
    coder = build_coder(scenario, build_grids(scenario))
    cut = cut_units(scenario)
    return Context(run, scenario, coder, build_aims(scenario, settings.size), cut, outer_cells(scenario, cut), settings)


@lru_cache(maxsize=4)
def load_context(run: str, fingerprint: str, settings: RunSettings) -> Context:
    """The context of a run folder; the fingerprint keeps a changed folder from being served stale."""
    folder = RunFolder(location(run))
    return compile_context(folder, folder.read_scenario(), settings)
