"""How the report writes numbers and labels: thousands separators, a true minus sign, units, ellipses."""

import math

MINUS = "−"
ABSENT = "–"


def write_count(value: float | None) -> str:
    """Text of a count; one decimal where it is not whole (what was aimed at may be fractional)."""
    if value is None or not math.isfinite(value):
        return ABSENT
    tenths = math.floor(abs(float(value)) * 10 + 0.5)  # halves away from zero, as report.js does
    text = f"{tenths // 10:,}" if tenths % 10 == 0 else f"{tenths / 10:,.1f}"
    return (MINUS if value < 0 and tenths else "") + text


def write_signed(value: float | None) -> str:
    """Text of a discrepancy: `+12`, `−3.5`, `0`."""
    text = write_count(value)
    return text if text in ("0", ABSENT) or text.startswith(MINUS) else "+" + text


def write_percent(share: float | None) -> str:
    """Text of a share: one decimal, two significant digits below one percent."""
    if share is None or not math.isfinite(share):
        return ABSENT
    percent = share * 100
    if percent == 0 or abs(percent) >= 0.95:
        return f"{percent:.1f}%"
    if abs(percent) < 0.001:
        return "<0.001%"
    return f"{percent:.{1 - math.floor(math.log10(abs(percent)))}f}%"


def write_tvd(value: float | None) -> str:
    """Text of a total variation distance: four decimals, exact zero as `0`."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    return "<0.0001" if value < 0.00005 else f"{value:.4f}"


def write_seconds(value: float | None) -> str:
    """Text of a duration: `0.42 s`, `12.3 s`, `3 min 24 s`, `1 h 02 min`."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if value < 1:
        return f"{value:.2f} s"
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def write_tolerance(value: float, kind: str) -> str:
    """Text of a tolerance, in the words of the scenario."""
    if kind == "share_tvd":
        return f"TVD {value:g}"
    return "exact" if value == 0 else f"±{write_count(value)} {'record' if value == 1 else 'records'}"


def write_published(value: float | None, measure: str) -> str:
    """Text of a published figure in its own measure (a count or a share)."""
    return write_percent(value) if measure == "share" else write_count(value)


def write_magnitude(value: object) -> str:
    """Text of how much a reconciliation moved, in whatever unit it states; text stays as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return str(value)
    return write_count(value) if abs(value) >= 10 else f"{value:.4g}"


def plural(number: float, one: str, many: str | None = None) -> str:
    """`1 zone`, `14 zones`, `3 households`."""
    return f"{write_count(number)} {one if number == 1 else many or one + 's'}"


def shorten(label: str, length: int) -> str:
    """A label cut to a length, with an ellipsis."""
    return label if len(label) <= length else label[: length - 1].rstrip() + "…"


FILTERS = {
    "count": write_count,
    "signed": write_signed,
    "percent": write_percent,
    "tvd": write_tvd,
    "seconds": write_seconds,
    "published": write_published,
    "magnitude": write_magnitude,
    "plural": plural,
}
