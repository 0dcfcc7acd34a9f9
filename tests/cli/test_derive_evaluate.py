"""`synthor derive` and `synthor evaluate` on small files: what they write, and what they refuse."""

import importlib.util
import json

import numpy as np
import pandas as pd
import pytest

from adapters.scenario_files import read_scenario
from cli.main import main
from tests.conftest import ECOMMERCE

LINK = ["--id", "household=hid", "--parent", "person=hid"]


@pytest.fixture
def micro(tmp_path):
    """Linked micro-data of 120 households: (households, persons) and their files as options."""
    rng = np.random.default_rng(11)
    size = rng.integers(1, 4, 120)
    homes = {
        "hid": [f"h{i}" for i in range(120)],
        "rooms": rng.integers(1, 40, 120),
        "county": rng.choice(["01", "02"], 120),
    }
    households = pd.DataFrame(
        homes | {"rent": rng.gamma(2, 300, 120).round(2), "tenure": rng.choice(["own", "let"], 120)}
    )
    persons = pd.DataFrame({"hid": np.repeat(households["hid"], size), "age": rng.integers(0, 95, size.sum())})
    persons["work"] = np.where(persons["age"] < 16, "under 16", rng.choice(["yes", "no"], len(persons)))
    for name, frame in (("h", households), ("p", persons)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return households, persons, [f"household={tmp_path / 'h.csv'}", f"person={tmp_path / 'p.csv'}"]


def options(name, values):
    return [part for value in values for part in (name, value)]


def refuse(capsys, *arguments):
    """What the command says while it refuses with exit code 2."""
    assert main([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err


def test_derived_scenario_holds_the_micro_datas_figures(micro, tmp_path, capsys):
    households, persons, files = micro
    out = tmp_path / "mine"
    named = ["--zone", "county", "--joint", "age,work", "--joint", "work,tenure", "--json"]
    assert main(["derive", *options("--micro", files), *LINK, *named, "--out", str(out)]) == 0
    told = json.loads(capsys.readouterr().out)
    scenario = read_scenario(out)

    assert (scenario.size, scenario.zones.names["county"]) == (120, ("01", "02"))
    assert scenario.member.count == "person_count"
    assert any("person_count is added" in note for note in told["notes"])
    tables = {table.name: table for table in scenario.tables}
    assert (tables["rent"].tolerance.kind, tables["rent"].tolerance.value) == ("records", 2)
    assert set(tables) == {"rooms", "rent", "tenure", "person_count", "age", "work", "age__work", "work__tenure"}
    assert all(
        table.target.sum() == (120 if table.entity == "household" else len(persons)) for table in scenario.tables
    )
    both = persons.merge(households, on="hid")
    expected = pd.crosstab([both["county"], both["work"]], both["tenure"])
    assert np.array_equal(tables["work__tenure"].target.reshape(6, 2), expected[["let", "own"]].to_numpy())


def test_figures_alone_are_computed_for_a_scenario_that_is_given(micro, tmp_path, capsys):
    _, persons, files = micro
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(["derive", *options("--micro", files), *LINK, "--joint", "age,work", "--out", str(first)]) == 0
    assert main(["derive", *options("--micro", files), *LINK, "--scenario", str(first), "--out", str(second)]) == 0
    for path in first.rglob("*.*"):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()
    half = persons[persons["hid"] < "h5"]
    half.to_csv(tmp_path / "p.csv", index=False)
    third = tmp_path / "third"
    assert main(["derive", *options("--micro", files), *LINK, "--scenario", str(first), "--out", str(third)]) == 0
    work = next(table for table in read_scenario(third).tables if table.name == "work")
    assert work.target.sum() == len(half)
    assert [axis.labels for axis in work.axes] == [("no", "under 16", "yes")]


def test_a_refused_derivation_writes_nothing(micro, tmp_path, capsys):
    _, _, files = micro
    out = tmp_path / "mine"
    start = ["derive", *options("--micro", files), "--out", out]
    assert "expected the id that links person to household records" in refuse(capsys, *start)
    assert "no --micro persn=FILE is given" in refuse(capsys, *start, "--parent", "persn=hid")
    told = refuse(capsys, *start, *LINK, "--joint", "age,tenur")
    assert told == "synthor: --joint age,tenur: no variable 'tenur' (did you mean 'tenure'?)\n"
    assert "--zone countie: no such column of household" in refuse(capsys, *start, *LINK, "--zone", "countie")
    assert "--drop rooom: no such variable" in refuse(capsys, *start, *LINK, "--drop", "rooom")
    assert "--count rooms: differs from the listed person records" in refuse(capsys, *start, *LINK, "--count", "rooms")
    assert "expected no --joint" in refuse(capsys, *start, *LINK, "--scenario", ECOMMERCE, "--joint", "a,b")
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert refuse(capsys, *start, *LINK).endswith("exists already, expected a new folder\n")


def test_empty_numbers_have_to_be_given_a_meaning(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("km,mode\n1.5,car\n,bus\n", encoding="utf-8")
    told = refuse(capsys, "derive", "--micro", f"trip={path}", "--out", tmp_path / "out")
    assert "column 'km' has 1 empty values of 2; say what they mean with --mapping (missing: {km: 0})" in told
    (tmp_path / "m.yaml").write_text("trip:\n  missing: {km: 0}\n", encoding="utf-8")
    mapping = ["--mapping", str(tmp_path / "m.yaml")]
    assert main(["derive", "--micro", f"trip={path}", *mapping, "--out", str(tmp_path / "out")]) == 0


@pytest.fixture
def finished(tmp_path, micro, capsys):
    """A run folder whose records are the micro-data themselves, and the options that name them as reference."""
    households, persons, files = micro
    run = tmp_path / "run"
    main(["derive", *options("--micro", files), *LINK, "--out", str(run / "scenario"), "--drop", "county"])
    ids = {hid: i for i, hid in enumerate(households["hid"])}
    count = persons.groupby("hid").size()
    homes = households.assign(household_id=households["hid"].map(ids), person_count=households["hid"].map(count))
    for entity, frame in (("household", homes), ("person", persons.assign(household_id=persons["hid"].map(ids)))):
        folder = run / "dataset" / entity
        folder.mkdir(parents=True)
        frame.drop(columns="hid").to_parquet(folder / "b000000.parquet")
    (run / "run.json").write_text(json.dumps({"status": "published", "scenario": {"name": "mine"}}), encoding="utf-8")
    capsys.readouterr()
    return run, [*options("--reference", files), *LINK]


def test_records_compared_with_themselves_are_perfect(finished, capsys):
    run, reference = finished
    only = options("--only", ["marginals", "joints", "queries", "realism", "diversity", "privacy"])
    assert main(["evaluate", str(run), *reference, *only, "--resamples", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    assert {f["value"] for f in found["figures"] if f["group"] in ("marginals", "joints")} <= {0.0}
    assert all(f["floor"] > 0 for f in found["figures"] if f["group"] == "marginals")
    page = (run / "evaluation.html").read_text(encoding="utf-8")
    assert "age × work" in page
    assert "nan" not in page.lower().replace("finan", "")


def test_terminal_shows_a_floor_beside_each_figure(finished, capsys):
    run, reference = finished
    assert main(["evaluate", str(run), *reference, "--only", "marginals", "--only", "joints", "--resamples", "2"]) == 0
    shown = capsys.readouterr().out
    for text in ("120 household", "Wasserstein-1", "0 (0.0", "TVD, margins removed", "evaluation.html"):
        assert text in shown


def test_the_missing_extra_is_one_line(finished, capsys, monkeypatch):
    run, reference = finished
    find = importlib.util.find_spec
    monkeypatch.setattr("cli.evaluate.find_spec", lambda name: None if name == "sklearn" else find(name))
    told = refuse(capsys, "evaluate", run, *reference)
    assert told.startswith("synthor: C2ST and utility need scikit-learn, the optional extra `evaluate`")
    assert told.count("\n") == 1
    assert main(["evaluate", str(run), *reference, "--only", "marginals", "--resamples", "2"]) == 0


def test_mistaken_evaluations_are_one_line(finished, capsys, tmp_path):
    run, reference = finished
    assert "no run here" in refuse(capsys, "evaluate", tmp_path / "none", *reference)
    assert "--reference home=" in refuse(
        capsys, "evaluate", run, "--reference", reference[1].replace("household", "home")
    )
    assert "expected household=FILE" in refuse(capsys, "evaluate", run, *reference[2:])
    assert "--only margnals: no such group (did you mean 'marginals'?)" in refuse(
        capsys, "evaluate", run, *reference, "--only", "margnals"
    )
    assert "--label age: is a number, expected a category" in refuse(
        capsys, "evaluate", run, *reference, "--label", "age"
    )
    assert "no variable 'wrk'" in refuse(capsys, "evaluate", run, *reference, "--joint", "age,wrk")
    persons = tmp_path / "p.csv"
    persons.write_text(persons.read_text(encoding="utf-8").replace(",yes", ",Yes"), encoding="utf-8")
    told = refuse(capsys, "evaluate", run, *reference)
    assert "work: 'Yes' is no category of the scenario (did you mean 'yes'?); recode it with --mapping" in told
