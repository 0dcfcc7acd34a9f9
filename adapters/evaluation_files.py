"""evaluation.json and evaluation.html of a run: every figure with its metric's declaration and how it was made."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from adapters.object_path import Location
from adapters.storage import replacing, write_json
from synthesis.assessments.assessment import Assessment
from synthesis.assessments.figure import Figure
from synthesis.comparison import Comparison

HERE = Path(__file__).parent
JSON_NAME, PAGE_NAME = "evaluation.json", "evaluation.html"
FLOORS = {
    "marginals": "two bootstrap samples of the reference, as large as the synthetic records and as the reference",
    "C2ST": "one half of the reference against the other",
    "realism": "the reference itself",
    "utility": "the same model trained on the other half of the reference",
    "privacy": "other real records: one half of the reference against the other",
    "diversity": "as many reference records",
}
FLOORS |= dict.fromkeys(("joints", "zones", "queries"), FLOORS["marginals"])
BINNING = (
    "fixed by the variables' declared ranges, never by the values: integers of few values one bin each; up to a width "
    "of 10,000 equal bins; wider ranges bins that widen upwards (equal on an asinh scale)"
)


def evaluation_record(
    run: str, comparison: Comparison, assessment: Assessment, reference: Mapping[str, str], notes: Sequence[str]
) -> dict[str, Any]:
    """The evaluation as plain JSON, without NaN: what cannot be computed has a null value and a reason."""
    settings = comparison.settings
    metrics = {figure.metric.name: figure.metric.declaration() for figure in assessment.figures}
    return {
        "run": run,
        "reference": dict(reference),
        "records": {"synthetic": _sizes(comparison, True), "reference": _sizes(comparison, False)},
        "absent": list(comparison.absent),
        "notes": list(notes),
        "method": {
            "random_seed": settings.random_seed,
            "resamples": settings.resamples,
            "bins": settings.bins,
            "max_records": settings.max_records,
            "binning": BINNING,
            "floors": {group: FLOORS[group] for group in dict.fromkeys(f.group for f in assessment.figures)},
        },
        "metrics": metrics,
        "query_groups": {name: dict(means) for name, means in assessment.query_groups.items()},
        "any_rule": {
            entity: {"synthetic": shares[0], "reference": shares[1]} for entity, shares in assessment.any_rule.items()
        },
        "figures": [_plain(figure) for figure in assessment.figures],
    }


def write_evaluation(run: Location, record: Mapping[str, Any]) -> tuple[Location, Location]:
    """Paths of the two files, written beside the run's others."""
    write_json(run / JSON_NAME, record)
    with replacing(run / PAGE_NAME) as partial:
        partial.write_text(render_page(record), encoding="utf-8")
    return run / JSON_NAME, run / PAGE_NAME


def render_page(record: Mapping[str, Any]) -> str:
    """The page as text: one file, no script, nothing fetched."""
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["figure"] = write_figure
    groups = {name: [f for f in record["figures"] if f["group"] == name] for name in record["method"]["floors"]}
    style = Markup((HERE / "report.css").read_text(encoding="utf-8"))
    page = environment.get_template("evaluation_template.html")
    return page.render(record=record, groups=groups, style=style)


def write_figure(value: float | None) -> str:
    """A figure as people read it: four significant digits, thousands separators, a dash for none."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    text = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}" if abs(value) >= 1e-4 else f"{value:.1e}"
    return text.replace("-", "−") if value < 0 else text


def _sizes(comparison: Comparison, is_synthetic: bool) -> dict[str, int]:
    side = comparison.synthetic if is_synthetic else comparison.reference
    sizes = {comparison.scenario.root.name: side.count}
    if comparison.scenario.member is not None and side.members:
        sizes[comparison.scenario.member.name] = side.member_count
    return sizes


def _plain(figure: Figure) -> dict[str, Any]:
    plain = {
        "group": figure.group,
        "metric": figure.metric.name,
        "entity": figure.entity,
        "subject": figure.subject,
        "value": figure.value,
        "floor": figure.floor,
        "floor_high": figure.floor_high,
        "synthetic": figure.synthetic,
        "reference": figure.reference,
        "targeted": figure.is_targeted,
        "binning": figure.binning,
        "note": figure.note,
    }
    return plain if figure.value is not None else plain | {"reason": figure.reason}
