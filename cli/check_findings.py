"""Findings of `synthor check`, as a person reads them and as JSON."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"refused": "bold red", "reconciled": "yellow", "noted": "cyan"}
SHOWN_PAIRS = 5
MARKS = {"refused": "✗", "reconciled": "!", "noted": "·"}


def show_findings(console: "Console", findings: list[dict[str, Any]]) -> None:
    """What, how much, where and what a run does about it, finding by finding; then what each policy does."""
    from rich.padding import Padding
    from rich.text import Text

    def show(text: Text, indent: int = 0) -> None:
        if console.is_terminal:
            console.print(Padding(text, (0, 0, 0, indent)))
        else:
            console.print(" " * indent + text.plain, soft_wrap=True)

    for found in findings:
        style = STYLES[found["outcome"]]
        show(Text.assemble((f"{MARKS[found['outcome']]} {found['kind']}: ", style), found["what"]))
        for detail in (magnitude(found), ", ".join(found["at"])):
            if detail:
                show(Text(detail, style="dim"), 2)
        if found["policy"]:
            show(Text.assemble(("→ ", style), found["policy"]), 2)
    used = dict.fromkeys((found["policy"], found["remedy"]) for found in findings if found["policy"])
    for name, remedy in used:
        show(Text.assemble((f"→ {name}", "bold"), f": {remedy}"))


def verdict(findings: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    """The last line, and its style."""
    outcomes = [found["outcome"] for found in findings]
    if "refused" in outcomes:
        count = outcomes.count("refused")
        return f"not runnable: {count} finding{'s are' if count > 1 else ' is'} not reconciled", "bold red"
    reconciled = outcomes.count("reconciled")
    if reconciled:
        return f"runnable: {reconciled} finding{'s' if reconciled > 1 else ''} reconciled as stated", "green"
    return "runnable", "green"


def magnitude(found: Mapping[str, Any]) -> str:
    """`12,600 records (31 standard errors) in 377 of 522 bg, most in 50007 (1,200)`."""
    if not found["records"]:
        return ""
    errors = found["standard_errors"]
    text = f"{found['records']:,.0f} records" + ("" if errors is None else f" ({errors:.1f} standard errors)")
    if found["zones"] and found["zone_level"]:
        text += f" in {found['zones']:,} of {found['zones_total']:,} {found['zone_level']}"
        if found["worst_zone"]:
            text += f", most in {found['worst_zone']} ({found['worst_records']:,.0f})"
    return text


def summarise_evidence(evidence: Mapping[str, Any]) -> str:
    """What the tables say of pairs of variables, in a line."""
    pairs = evidence["pairs"]
    counts = [
        f"{sum(pair['evidence'] == kind for pair in pairs)} {kind}" for kind in ("controlled", "implied", "prior only")
    ]
    alone = [f"{pair['one']} × {pair['other']}" for pair in pairs if pair["evidence"] == "prior only"]
    more = f" and {len(alone) - SHOWN_PAIRS} more" if len(alone) > SHOWN_PAIRS else ""
    rest = f"; no table speaks of {', '.join(alone[:SHOWN_PAIRS])}{more}" if alone else ""
    return f"evidence: {', '.join(counts)} of {len(pairs)} pairs of variables{rest}"
