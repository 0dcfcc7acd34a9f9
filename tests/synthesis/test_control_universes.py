"""Classes of work that together count more persons than are of the age to be asked."""

import numpy as np

from schemas.expression import Column, Compare, Constant
from synthesis.control_domains import build_domains
from synthesis.control_expressions import IsIn
from synthesis.control_groups import form_groups
from synthesis.control_universes import doubt_universes
from synthesis.controls import Control, Published

AGE, HOURS = Column("persons", "AGEP"), Column("persons", "WKHP")


def control(name: str, test: object) -> Control:
    return Control(name, "BG", "persons", name.upper(), 1.0, name, test, "controls.csv:1")  # type: ignore[arg-type]


CONTROLS = [
    control("child", Compare("<=", AGE, Constant(17))),
    control("adult", Compare(">", AGE, Constant(17))),
    control("full", Compare(">=", HOURS, Constant(35))),
    control("part", Compare("<", HOURS, Constant(35))),
    control("idle", IsIn(Column("persons", "ESR"), (3.0, 6.0))),
]


def doubts(*counts: int) -> list[str]:
    domains = {("persons", name): d for name, d in build_domains([c.test for c in CONTROLS], {}).items()}
    counted = {c.target: np.full(30, float(count)) for c, count in zip(CONTROLS, counts, strict=True)}
    published = Published(counted, {("BG", "persons"): np.full(30, 270.0)})
    groups, _ = form_groups(CONTROLS, domains, published)
    return [str(finding) for finding in doubt_universes(groups, published)]


def test_more_classified_than_are_of_the_age_are_doubted() -> None:
    (told,) = doubts(90, 180, 120, 61, 100)
    assert told.startswith("doubtful: full, part, idle: are asked of persons of 16 or more and add up to 8,430, but")
    assert (
        "5,400 to 8,100 of them, about 5,700 if classes are spread evenly; more than there can be in 30 of 30" in told
    )


def test_classes_that_fit_their_age_are_not_doubted() -> None:
    assert doubts(90, 180, 100, 41, 49) == []
