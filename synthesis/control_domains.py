"""Where controls' expressions can change their answer: a column's values, cut at every constant it is tested with."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.expression import Column, Compare, Constant
from schemas.model import BoolArray, Kind
from synthesis.control_expressions import IsIn, Test, Value, columns_of, holds, tests_of
from synthesis.control_glossary import known

MAX_SINGLE_VALUES = 60
"""Columns that are compared with columns are looked at value by value, so many at most."""
MAX_POINTS = 200_000
SMALL_CLASS = 20
"""Open classes of counts (4 or more) begin below this, those of ages and incomes above."""
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Region:
    """Values that no expression tells apart: `value` stands for them; low and high are both included in integers."""

    value: Value
    low: float = math.nan
    high: float = math.nan
    label: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """A column of a seed table, as the controls see it."""

    column: str
    kind: Kind
    regions: tuple[Region, ...]
    is_compared: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether it is an integer or a number."""
        return self.kind != "category"


def build_domains(tests: Iterable[Test], ranges: Mapping[str, tuple[float, float]]) -> dict[str, Domain]:
    """The domain of every column that the tests of one seed table read; `ranges` are the user's."""
    elementary = [test for node in tests for test in tests_of(node)]
    names = dict.fromkeys(name for test in elementary for name in columns_of(test))
    return {name: _domain(name, [t for t in elementary if name in columns_of(t)], ranges.get(name)) for name in names}


def truth_over(tests: Sequence[Test], domains: Sequence[Domain]) -> tuple[list[dict[str, Region]], BoolArray]:
    """The combinations of the domains' regions, and which test holds on which, shape (tests, combinations)."""
    size = math.prod(len(domain.regions) for domain in domains)
    names = [domain.column for domain in domains]
    if size > MAX_POINTS:
        return [], np.zeros((len(tests), 0), dtype=bool)
    points = [
        dict(zip(names, regions, strict=True)) for regions in itertools.product(*(domain.regions for domain in domains))
    ]
    records = [{name: region.value for name, region in point.items()} for point in points]
    return points, np.array([[holds(test, record) for record in records] for test in tests], dtype=bool)


def assumed_end(column: str, cut: float) -> float:
    """Where an open class that begins at `cut` ends."""
    high = known(column).high
    if high is not None and high > cut:
        return high
    if cut <= SMALL_CLASS:
        return cut + 3
    digits = 10.0 ** (math.floor(math.log10(3 * cut)) - 1)
    return round(3 * cut / digits) * digits


def assumed_start(column: str, cut: float) -> float:
    """Where a class that is open below and ends at `cut` begins."""
    low = known(column).low
    if low is not None and low <= cut:
        return low
    return 0.0 if cut >= 0 else 2 * cut


def _domain(column: str, tests: list[IsIn | Compare], given: tuple[float, float] | None) -> Domain:
    is_compared = any(isinstance(test, Compare) and not _is_plain(test) for test in tests)
    texts = [value for test in tests if isinstance(test, IsIn) for value in test.values if isinstance(value, str)]
    is_ordered = any(isinstance(test, Compare) for test in tests) or known(column).is_member_count
    is_defined = known(column).value is not None
    numbers = sorted(_constants(tests))
    if texts or not (is_ordered or is_defined or is_compared):
        return Domain(column, "category", _category_regions(column, numbers, texts))
    if is_compared:
        return Domain(column, "integer", _single_values(column, numbers, given), True)
    if all(number == int(number) for number in numbers):
        return Domain(column, "integer", _intervals(_edges(tests, 1), 1))
    return Domain(column, "number", _intervals(_edges(tests, 0), 0))


def _is_plain(test: Compare) -> bool:
    """Whether the test compares a column with a constant."""
    sides = test.left, test.right
    return any(isinstance(side, Column) for side in sides) and any(isinstance(side, Constant) for side in sides)


def _constants(tests: list[IsIn | Compare]) -> set[float]:
    found: set[float] = set()
    for test in tests:
        if isinstance(test, IsIn):
            found.update(float(value) for value in test.values if isinstance(value, int | float))
        else:
            found.update(float(side.value) for side in (test.left, test.right) if isinstance(side, Constant))
    return {value for value in found if math.isfinite(value)}


def _category_regions(column: str, numbers: list[float], texts: list[str]) -> tuple[Region, ...]:
    codes = known(column).codes
    values: list[Value] = [float(code) for code in codes] if codes else [*numbers, *dict.fromkeys(texts)]
    regions = [Region(value, label=f"{value:.15g}" if isinstance(value, float) else str(value)) for value in values]
    return tuple(regions) if codes else (*regions, Region(None, label=OTHER))


def _single_values(column: str, numbers: list[float], given: tuple[float, float] | None) -> tuple[Region, ...]:
    top = numbers[-1] + 1 if numbers else 4.0
    low = min([assumed_start(column, numbers[0] if numbers else 0.0), *numbers])
    low, high = given or (low, max(assumed_end(column, top), top))
    high = min(high, low + MAX_SINGLE_VALUES)
    return tuple(Region(float(v), float(v), float(v)) for v in range(int(low), int(high) + 1))


def _edges(tests: list[IsIn | Compare], step: float) -> list[float]:
    """Where a value begins to be tested differently; `step` leads to the next value (0: to the next float)."""
    edges: set[float] = set()
    for number in _constants([test for test in tests if isinstance(test, IsIn)]):
        edges |= {number, number + step if step else math.nextafter(number, math.inf)}
    for test in tests:
        if isinstance(test, Compare):
            for number in _constants([test]):
                edges.add(number + step if test.operator in (">", "<=") else number)
    return sorted(edges)


def _intervals(edges: list[float], step: float) -> tuple[Region, ...]:
    """What lies between the edges, and below and above them; an integer's interval ends a step before its edge."""
    regions = []
    for low, high in itertools.pairwise([-math.inf, *edges, math.inf]):
        last = high - step if math.isfinite(high) else high
        regions.append(Region(_inside(low, last, step), low, last))
    return tuple(regions)


def _inside(low: float, high: float, step: float) -> float:
    if math.isinf(low):
        return high - (1 - step) if math.isfinite(high) else 0.0
    if math.isinf(high):
        return low + 1
    return low if step else (low + high) / 2
