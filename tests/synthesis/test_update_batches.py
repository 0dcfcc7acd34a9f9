import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import Entity, Scenario, Zones
from schemas.settings import RunSettings
from synthesis.aims import Aims
from synthesis.units import Unit
from synthesis.update_batches import cut_update, cut_waves, partition_groups


@st.composite
def divided(draw: st.DrawFn) -> tuple[Scenario, list[Unit]]:
    """Up to twelve zones in units and partitions that need not agree."""
    count = draw(st.integers(1, 12))
    partition = np.array(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    unit_of = draw(st.lists(st.integers(0, 5), min_size=count, max_size=count))
    names = {"zone": tuple(f"z{i}" for i in range(count)), "part": ("a", "b", "c", "d")}
    zones = Zones("zone", ("zone", "part"), names, {"zone": np.arange(count), "part": partition}, "part")
    members = [tuple(i for i in range(count) if unit_of[i] == unit) for unit in sorted(set(unit_of))]
    return Scenario("s", Entity("trip", ()), (), zones=zones), [Unit(i, zones) for i, zones in enumerate(members)]


@settings(deadline=None)
@given(divided(), st.booleans())
def test_no_two_batches_write_into_one_partition(given_: tuple[Scenario, list[Unit]], has_outer: bool) -> None:
    scenario, units = given_
    assert scenario.zones is not None
    groups, first, owner, seen = partition_groups(scenario, units), 7, {}, []
    for number, wave in enumerate(cut_waves(groups, has_outer)):
        aims = Aims(np.full(12, 100_000), {}, ())
        batches = cut_update(scenario, RunSettings(), wave, aims, 3 + number, first)
        assert [spec.batch_id for spec in batches] == list(range(first, first + len(batches)))
        first += len(batches)
        for spec in batches:
            seen += spec.units
            zones = np.concatenate([units[i].zone_array for i in spec.units])
            for part in np.unique(scenario.zones.lookup["part"][zones]).tolist():
                assert owner.setdefault(part, spec.batch_id) == spec.batch_id
    assert sorted(seen) == [unit.index for unit in units]
