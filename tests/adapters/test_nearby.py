"""A mistyped folder leads to the one that was meant."""

import pytest

from adapters.nearby import nearby_folder


@pytest.fixture
def folders(tmp_path):
    for name in ("vermont", "ecommerce", ".vermond"):
        (tmp_path / "scenarios" / name).mkdir(parents=True)
        (tmp_path / "scenarios" / name / "scenario.yaml").touch()
    (tmp_path / "vermonts").mkdir()
    return tmp_path


def test_the_nearest_folder_beside_is_named(folders):
    expected = f" (did you mean '{folders}/scenarios/vermont'?)"
    assert nearby_folder(folders / "scenarios" / "vermnt", "scenario.yaml") == expected


def test_a_folder_one_level_below_is_named(folders):
    expected = f" (did you mean '{folders}/scenarios/ecommerce'?)"
    assert nearby_folder(folders / "ecommerce", "scenario.yaml") == expected


def test_only_folders_of_the_kind_are_named(folders):
    assert nearby_folder(folders / "scenarios" / "vermnt", "run.json") == ""
    assert nearby_folder(folders / "scenarios" / "utterly other", "scenario.yaml") == ""
    assert nearby_folder(folders / "missing" / "vermont", "scenario.yaml") == ""
