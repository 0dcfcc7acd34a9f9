"""Race and Hispanic origin are two questions: what both count beyond everybody is told."""

import numpy as np

from schemas.expression import Column
from synthesis.control_domains import build_domains
from synthesis.control_expressions import IsIn
from synthesis.control_groups import form_groups
from synthesis.control_overlaps import tell_overlaps
from synthesis.controls import Control, Published

CLASSES = {"white": ("RAC1P", 1.0), "other": ("RAC1P", 2.0), "hispanic": ("HISP", 2.0), "non_hispanic": ("HISP", 1.0)}
CONTROLS = [
    Control(name, "BG", "persons", name.upper(), 1.0, name, IsIn(Column("persons", column), (code,)), "controls.csv:1")
    for name, (column, code) in CLASSES.items()
]


def told(white: tuple[int, ...], hispanic: tuple[int, ...]) -> list[str]:
    domains = {("persons", name): d for name, d in build_domains([c.test for c in CONTROLS], {}).items()}
    everybody = np.full(len(white), 100.0)
    of_race, of_origin = np.array(white, dtype=float), np.array(hispanic, dtype=float)
    counts = (of_race, everybody - of_race, of_origin, everybody - of_origin)
    published = Published(
        {c.target: own for c, own in zip(CONTROLS, counts, strict=True)}, {("BG", "persons"): everybody}
    )
    groups, _ = form_groups(CONTROLS, domains, published)
    return [str(finding) for finding in tell_overlaps(groups, published)]


def test_persons_who_must_be_in_classes_of_both_questions_are_counted() -> None:
    (found,) = told((90, 80, 50), (20, 25, 5))

    assert found.startswith(
        "noted: white, other, hispanic: RAC1P and HISP are two questions, and their classes overlap"
    )
    assert "at least 15 persons are counted both in white and in hispanic" in found
    assert "exceed the total in 2 of 3 BG units" in found


def test_classes_that_need_not_overlap_are_not_told_of() -> None:
    assert told((90, 80, 50), (10, 20, 5)) == []
