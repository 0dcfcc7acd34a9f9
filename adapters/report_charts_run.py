"""Geometry of the charts about the run itself: discrepancy by round, rejections, where the time went."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.report_numbers import plural, write_count, write_percent, write_seconds, write_tvd
from adapters.report_run import Duration, RuleCount

PLOT_TOP, PLOT_BOTTOM, ZERO_GAP = 18, 206, 26
PLOT_LEFT, PLOT_RIGHT = 12.0, 97.0
LOG_RATIO = 30.0  # a linear axis hides what is thirty times smaller than the maximum
CALLS_HEIGHT = 56
SERIES = {"max_tvd": "worst table", "mean_tvd": "mean over tables"}


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps a distance to pixels; zero has its own line under a logarithmic axis."""

    low: float
    high: float
    is_log: bool
    has_zero: bool

    def y(self, value: float) -> float:
        """Pixels from the top."""
        floor = PLOT_BOTTOM - (ZERO_GAP if self.is_log and self.has_zero else 0)
        if self.is_log and value <= 0:
            return float(PLOT_BOTTOM)
        where = value / self.high
        if self.is_log:
            where = math.log10(value / self.low) / math.log10(self.high / self.low)
        return round(floor - (floor - PLOT_TOP) * where, 1)


@dataclass(frozen=True, slots=True)
class Series:
    """One line: dots are (x percent, y, tooltip); segments join them."""

    name: str
    label: str
    dots: tuple[tuple[float, float, str], ...]

    @property
    def segments(self) -> list[tuple[float, float, float, float]]:
        """Lines between neighbouring dots."""
        return [(a[0], a[1], b[0], b[1]) for a, b in zip(self.dots, self.dots[1:], strict=False)]


@dataclass(frozen=True, slots=True)
class RoundChart:
    """Discrepancy by round; lines are (y, label), ticks are (x percent, label)."""

    height: int
    is_log: bool
    lines: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str], ...]
    series: tuple[Series, ...]
    calls: tuple["CallBar", ...] = ()
    """Below the rounds, where a language model was asked."""


@dataclass(frozen=True, slots=True)
class CallBar:
    """What was asked in one round: a bar of its calls around x (percent)."""

    x: float
    height: float
    label: str
    tooltip: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of a stacked bar, x and width in percent."""

    label: str
    value: str
    share: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class CountBar:
    """One rule: its bar in percent of the longest."""

    y: int
    label: str
    value: str
    width: float


def chart_rounds(rounds: Sequence[Mapping[str, Any]], asked: Sequence[Mapping[str, Any]] = ()) -> RoundChart | None:
    """Mean and largest TVD by round, logarithmic where they span a wide range, above the calls; None without any."""
    values = {key: [_known(one.get(key)) for one in rounds] for key in SERIES}
    known = [value for column in values.values() for value in column if value is not None]
    if not known:
        return None
    scale = _scale(known)
    positions = [_x(place, len(rounds)) for place in range(len(rounds))]
    names = [str(one.get("round", place + 1)) for place, one in enumerate(rounds)]
    series = tuple(_series(key, values[key], positions, names, scale) for key in SERIES)
    ticks = [f"round {name}" if place == 0 else name for place, name in enumerate(names)]
    every = -(-len(rounds) // 12)
    shown = tuple(zip(positions, ticks, strict=True))[::every]
    calls = tuple(_chart_calls(dict(zip(names, positions, strict=True)), asked))
    height = PLOT_BOTTOM + 24 + (CALLS_HEIGHT + 34 if calls else 0)
    return RoundChart(height, scale.is_log, tuple(_lines(scale)), shown, series, calls)


def _chart_calls(positions: Mapping[str, float], asked: Sequence[Mapping[str, Any]]) -> Iterator[CallBar]:
    """One bar per round that asked; a replayed round has no calls, so its requests are drawn."""
    counts = [int(one.get("calls") or one.get("requests") or 0) for one in asked]
    for one, count in zip(asked, counts, strict=True):
        x = positions.get(str(one.get("round")))
        if x is not None and count:
            what = "call" if one.get("calls") else "request"
            tokens = f", {write_count(one['tokens'])} tokens" if one.get("tokens") else ""
            label = plural(count, what)
            yield CallBar(
                x, round(CALLS_HEIGHT * count / max(counts), 1), label, f"Round {one['round']}: {label}{tokens}"
            )


def _known(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) and value >= 0 else None


def _x(place: int, count: int) -> float:
    middle = (PLOT_LEFT + PLOT_RIGHT) / 2
    return middle if count == 1 else round(PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * place / (count - 1), 2)


def _series(key: str, values: list[float | None], xs: list[float], names: list[str], scale: Scale) -> Series:
    dots = [
        (x, scale.y(value), f"Round {name}: {SERIES[key]}, TVD {write_tvd(value)}")
        for x, value, name in zip(xs, values, names, strict=True)
        if value is not None
    ]
    return Series(key, SERIES[key], tuple(dots))


def _scale(values: Sequence[float]) -> Scale:
    positive = [value for value in values if value > 0]
    if not positive:
        return Scale(0.0, 1.0, is_log=False, has_zero=True)
    low, high = min(positive), max(positive)
    if high / low > LOG_RATIO:
        decades = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
        return Scale(*decades, is_log=True, has_zero=len(positive) < len(values))
    step = 10.0 ** math.floor(math.log10(high))
    return Scale(0.0, step * math.ceil(high / step), is_log=False, has_zero=True)


def _lines(scale: Scale) -> list[tuple[float, str]]:
    if not scale.is_log:
        return [(scale.y(scale.high * part / 4), _axis_label(scale.high * part / 4)) for part in range(5)]
    first, last = round(math.log10(scale.low)), round(math.log10(scale.high))
    every = max(1, (last - first) // 6)
    lines = [(scale.y(10.0**power), _axis_label(10.0**power)) for power in range(first, last + 1, every)]
    return [*lines, (scale.y(0.0), "0")] if scale.has_zero else lines


def _axis_label(value: float) -> str:
    return f"{value:.8f}".rstrip("0").rstrip(".")


def chart_durations(durations: Sequence[Duration]) -> list[Segment]:
    """The stacked bar of the wall time."""
    total = sum(one.seconds for one in durations)
    if total <= 0:
        return []
    segments, x = [], 0.0
    for one in durations:
        share = one.seconds / total
        value, width = write_seconds(one.seconds), round(100 * share, 2)
        segments.append(Segment(one.label, value, write_percent(share), round(x, 2), width))
        x += 100 * share
    return segments


def chart_counts(counts: Sequence[RuleCount]) -> list[CountBar]:
    """Bars of rejections by rule."""
    longest, total = max((one.count for one in counts), default=0) or 1, sum(one.count for one in counts) or 1
    return [
        CountBar(
            34 * place, one.rule, f"{write_count(one.count)} ({write_percent(one.count / total)})",
            round(100 * one.count / longest, 2),
        )
        for place, one in enumerate(counts)
    ]  # fmt: skip
