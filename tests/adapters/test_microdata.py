"""Micro-data files: linked, renamed and recoded; what cannot be used is one clear line."""

import numpy as np
import pandas as pd
import pytest

from adapters.mapping_file import read_mapping
from adapters.microdata import MicroSources, as_text, read_micro
from schemas.errors import ScenarioError, UserError

HOUSEHOLDS = "SERIAL,NP,TEN,sex,SEX\nb,1,1,x,1\na,2,,y,2\n"
PERSONS = "SERIAL,AGE\na,30\nb,41\na,5\nz,9\n"


@pytest.fixture
def sources(tmp_path):
    """Sources of two linked files; `mapping` is YAML."""

    def make(mapping=None, pairs=(), households=HOUSEHOLDS, persons=PERSONS, ids=("SERIAL", "SERIAL")):
        files = {"household": tmp_path / "h.csv", "person": tmp_path / "p.csv"}
        for path, text in zip(files.values(), (households, persons), strict=True):
            path.write_text(text, encoding="utf-8")
        path = None
        if mapping is not None:
            path = tmp_path / "mapping.yaml"
            path.write_text(mapping, encoding="utf-8")
        read = read_mapping(path, list(files), list(pairs))
        return MicroSources(files, {"household": ids[0]}, {"person": ids[1]}, read)

    return make


def test_members_stand_under_their_root_and_orphans_are_told(sources):
    frames = read_micro(sources())
    assert frames.parent.tolist() == [0, 1, 1]
    assert frames.member["age"].tolist() == [41, 30, 5]
    assert "1 person records without a parent are left out" in frames.notes


def test_columns_are_named_as_variables_and_an_exact_name_wins(sources):
    frames = read_micro(sources(pairs=[("NP", "num_persons"), ("person.AGE", "years")]))
    assert list(frames.root.columns) == ["num_persons", "ten", "sex"]
    assert frames.root["sex"].tolist() == ["x", "y"]
    assert list(frames.member.columns) == ["years"]
    assert any("SEX (sex)" in note for note in frames.notes)


def test_values_are_recoded_and_empty_ones_given_a_meaning(sources):
    text = 'household:\n  recode: {ten: {"1": Owned}}\n  missing: {ten: Rented}\n  drop: [sex]\n'
    frames = read_micro(sources(text))
    assert frames.root["ten"].tolist() == ["Owned", "Rented"]
    assert "sex" not in frames.root


def test_codes_declared_as_categories_keep_their_zeros(sources):
    mapping = "household:\n  types: {ten: category}\n  columns: {TEN: ten}\n"
    frames = read_micro(sources(mapping, households="SERIAL,TEN\na,01\nb,02\n"))
    assert frames.root["ten"].tolist() == ["01", "02"]


def test_text_of_whole_numbers_has_no_decimal_point():
    assert as_text(pd.Series([1.0, np.nan, 3.0])).tolist() == ["1", "missing", "3"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ids": ("SERIEL", "SERIAL")}, "no column 'SERIEL' in .*h.csv .did you mean 'SERIAL'"),
        ({"households": "SERIAL,NP\na,1\na,2\n"}, "id 'a' appears twice in column 'SERIAL'"),
        ({"persons": "SERIAL,AGE\nq,1\n"}, "no person belongs to any record"),
        ({"households": "SERIAL,NP\n"}, "holds no records"),
        ({"households": "SERIAL,NP\na,1,2\n"}, "cannot read the micro-data"),
        ({"mapping": "household:\n  missing: {tne: x}\n"}, "no variable 'tne' in the file .did you mean 'ten'"),
        ({"pairs": [("NP", "Not A Name")]}, "'Not A Name' is no variable name"),
    ],
)
def test_unusable_files_are_one_line(sources, changes, told):
    with pytest.raises(UserError, match=told):
        read_micro(sources(**changes))


def test_mapping_mistakes_have_a_line(sources):
    with pytest.raises(ScenarioError, match=r"mapping.yaml:2: household.colums"):
        sources("household:\n  colums: {NP: x}\n")
    with pytest.raises(UserError, match=r"unknown entity 'home' \(expected one of: household, person\)"):
        sources("home:\n  drop: [x]\n")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "h.csv").write_bytes(b"a,b\n1,x\n2,\xac\n")
    with pytest.raises(UserError, match=r"h.csv: column 'b' is not UTF-8 text"):
        read_micro(MicroSources({"household": tmp_path / "h.csv"}, {}, {}, read_mapping(None, ["household"])))
