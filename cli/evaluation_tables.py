"""An evaluation in the terminal: the figures of each group, the worst ones of long groups."""

from collections.abc import Iterator, Sequence
from typing import Any

SHOWN = 12
BEYOND = "*"
WIDTH_WHEN_PIPED = 160
_ORDERED_BY = {"joints": "association_tvd"}
"""Groups of which the worst by this metric are shown."""
Figure = dict[str, Any]


def show_evaluation(found: dict[str, Any], paths: Sequence[object]) -> None:
    """Print every group as a table, then where the whole lies."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH_WHEN_PIPED
    console.print(f"{found['run']}: {_describe(found['records'])}", style="bold")
    for note in found["notes"]:
        console.print(note)
    if found["absent"]:
        console.print(f"not in the reference: {', '.join(found['absent'])}")
    for group, floor in found["method"]["floors"].items():
        figures = [figure for figure in found["figures"] if figure["group"] == group]
        console.print(f"\n{group} (floor: {floor})", style="bold")
        console.print(_table(found, group, figures))
    for figure in (f for f in found["figures"] if f["value"] is None):
        console.print(
            f"not computable: {figure['metric']} of {figure['entity']} {figure['subject']}: {figure['reason']}"
        )
    console.print(f"figure (noise floor); {BEYOND} beyond the floor's 95 % quantile")
    for path in paths:
        console.print(str(path))


def _describe(records: dict[str, dict[str, int]]) -> str:
    parts = [f"{size:,} {entity}" for entity, size in records["synthetic"].items()]
    others = [f"{size:,} {entity}" for entity, size in records["reference"].items()]
    return f"{', '.join(parts)} records against {', '.join(others)} of the reference"


def _table(found: dict[str, Any], group: str, figures: list[Figure]) -> Any:
    if group == "queries":
        return _query_table(found, figures)
    if group in ("marginals", "joints", "zones"):
        return _wide_table(found, group, figures)
    return _plain_table(found, figures)


def _wide_table(found: dict[str, Any], group: str, figures: list[Figure]) -> Any:
    """One row per subject, one column per metric, each figure followed by its floor."""
    metrics = list(dict.fromkeys(figure["metric"] for figure in figures))
    rows: dict[tuple[str, str], dict[str, Figure]] = {}
    for figure in figures:
        rows.setdefault((figure["entity"], figure["subject"]), {})[figure["metric"]] = figure
    keys = _worst(rows, _ORDERED_BY[group]) if group in _ORDERED_BY else list(rows)
    titles = [found["metrics"][name]["title"] for name in metrics]
    grid = _grid("entity", "subject", "targeted", *titles, caption=_caption(group, keys[:SHOWN], rows))
    for key in keys[:SHOWN] if group in _ORDERED_BY else keys:
        held = rows[key]
        aimed = "yes" if next(iter(held.values()))["targeted"] else "no"
        grid.add_row(*key, aimed, *(_with_floor(held.get(name)) for name in metrics))
    return grid


def _worst(rows: dict[tuple[str, str], dict[str, Figure]], metric: str) -> list[tuple[str, str]]:
    def badness(key: tuple[str, str]) -> float:
        figure = rows[key].get(metric)
        return -1.0 if figure is None or figure["value"] is None else figure["value"] - (figure["floor"] or 0.0)

    return sorted(rows, key=badness, reverse=True)


def _caption(group: str, shown: list[tuple[str, str]], rows: dict[tuple[str, str], Any]) -> str:
    return f"the {len(shown)} worst of {len(rows)}" if group in _ORDERED_BY and len(rows) > len(shown) else ""


def _query_table(found: dict[str, Any], figures: list[Figure]) -> Any:
    grid = _grid("query", "synthetic", "reference", "relative error", caption=", ".join(_group_means(found)))
    for figure in figures:
        answers = (_write(figure["synthetic"]), _write(figure["reference"]))
        grid.add_row(figure["note"] or figure["subject"], *answers, _with_floor(figure))
    return grid


def _group_means(found: dict[str, Any]) -> Iterator[str]:
    for group, means in found["query_groups"].items():
        yield f"{group} {_write(means['value'])} ({_write(means['floor'])})"


def _plain_table(found: dict[str, Any], figures: list[Figure]) -> Any:
    caption = _any_rule(found) if figures and figures[0]["group"] == "realism" else ""
    grid = _grid("entity", "subject", "metric", "figure (floor)", caption=caption)
    for figure in figures:
        title = found["metrics"][figure["metric"]]["title"]
        grid.add_row(figure["entity"], figure["subject"], title, _with_floor(figure))
    return grid


def _any_rule(found: dict[str, Any]) -> str:
    shares = found["any_rule"].items()
    parts = [f"{name} {_write(share['synthetic'])} ({_write(share['reference'])})" for name, share in shares]
    return f"any of the rules: {', '.join(parts)}"


def _with_floor(figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure["value"] is None:
        return "not computable"
    high = figure["floor_high"]
    mark = BEYOND if high is not None and _is_beyond(figure, high) else ""
    return f"{_write(figure['value'])}{mark} ({_write(figure['floor'])})"


def _is_beyond(figure: Figure, high: float) -> bool:
    return bool(figure["metric"] != "zones_met" and figure["value"] > high)


def _write(value: float | None) -> str:
    from adapters.evaluation_files import write_figure

    return write_figure(value)


def _grid(*columns: str, caption: str = "") -> Any:
    from rich import box
    from rich.table import Table

    grid = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, caption=caption or None, caption_justify="left")
    for column in grid.columns[1 if columns[0] == "query" else 3 :]:
        column.justify = "right"
    return grid
