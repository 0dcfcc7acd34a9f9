"""The shipped scenarios' figures, checked without the engine."""

import csv
from collections import Counter
from pathlib import Path

import pytest
import yaml

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
VERMONT, ECOMMERCE = SCENARIOS / "vermont", SCENARIOS / "ecommerce"
HOUSEHOLD_TABLES = ["household_size", "vehicles_per_adult", "children_present", "income"]
ECOMMERCE_JOINTS = {
    "age_gender_category": ["age", "gender", "product_category"],
    "category_price": ["product_category", "price"],
    "location_payment": ["location_tier", "payment"],
}


def read_rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_targets(scenario):
    targets = yaml.safe_load((scenario / "scenario.yaml").read_text(encoding="utf-8"))["targets"]
    return {name: (target, read_rows(scenario / target["file"])) for name, target in targets.items()}


def count_by(rows, variable):
    counts = Counter()
    for row in rows:
        counts[row[variable]] += int(row["count"])
    return counts


def bounds(label):
    low, high = label.strip("[)").split(", ")
    return float(low), float(high)


def coarsen(counts, labels):
    """Counts of fine bins, added up in the coarse bin that holds each."""
    coarse = Counter(dict.fromkeys(labels, 0))
    for (low, high), count in ((bounds(label), count) for label, count in counts.items()):
        (home,) = [label for label in labels if bounds(label)[0] <= low and high <= bounds(label)[1]]
        coarse[home] += count
    return coarse


def test_every_household_table_holds_all_households_of_vermont():
    targets = read_targets(VERMONT)
    sizes = count_by(targets["household_size"][1], "county")
    for name in HOUSEHOLD_TABLES:
        assert count_by(targets[name][1], "county") == sizes
    assert sizes.total() == 260_029


def test_zone_codes_are_the_same_in_the_crosswalk_and_in_every_table():
    counties = [row["county"] for row in read_rows(VERMONT / "zones.csv")]
    assert len(set(counties)) == len(counties) == 14
    for target, rows in read_targets(VERMONT).values():
        if not target.get("same_in_every_zone"):
            assert {row["county"] for row in rows} == set(counties)


def test_every_county_has_every_cell_once():
    for target, rows in read_targets(VERMONT).values():
        (variable,) = target["variables"]
        cells = {(row.get("county"), row[variable]) for row in rows}
        zones, labels = {zone for zone, _ in cells}, {label for _, label in cells}
        assert len(cells) == len(rows) == len(zones) * len(labels)


def test_shares_sum_to_one_in_every_county():
    sums = Counter()
    for name, (target, rows) in read_targets(VERMONT).items():
        if target["measure"] == "share":
            for row in rows:
                sums[name, row.get("county")] += float(row["share"])
    assert len(sums) == 15
    assert list(sums.values()) == pytest.approx([1] * 15, abs=1e-5)


def test_every_ecommerce_table_counts_2000_records():
    for _, rows in read_targets(ECOMMERCE).values():
        assert sum(int(row["count"]) for row in rows) == 2_000


@pytest.mark.parametrize("joint", ECOMMERCE_JOINTS)
def test_ecommerce_joints_agree_with_the_marginals(joint):
    targets = read_targets(ECOMMERCE)
    for variable in ECOMMERCE_JOINTS[joint]:
        counts = count_by(targets[joint][1], variable)
        marginal = count_by(targets[variable][1], variable)
        if variable in ("age", "price"):
            marginal = coarsen(marginal, list(counts))
        assert counts == marginal


@pytest.mark.parametrize("variable", ["age", "price"])
def test_ecommerce_bins_tile_the_range_of_the_variable(variable):
    scenario = yaml.safe_load((ECOMMERCE / "scenario.yaml").read_text(encoding="utf-8"))
    rows = read_rows(ECOMMERCE / "targets" / f"{variable}.csv")
    lows, highs = zip(*(bounds(row[variable]) for row in rows), strict=True)
    assert len(lows) == 48
    assert lows[1:] == highs[:-1]
    assert [lows[0], highs[-1]] == scenario["entities"]["transaction"]["variables"][variable]["range"]
