"""What an importer left out, repaired or doubted, as it stands beside an imported scenario."""

import json
from pathlib import Path

from schemas.errors import UserError
from schemas.finding import Finding, Outcome

FINDINGS = "import.json"
OUTCOMES: dict[str, Outcome] = {
    "left out": "reconciled",
    "repaired": "reconciled",
    "doubtful": "noted",
    "noted": "noted",
}
"""Assumptions are not findings: IMPORT.md lists them."""
REMEDIES = {
    "left out": "the importer did not carry it into the scenario",
    "repaired": "the importer read it as it says",
}


def import_findings(folder: Path) -> list[tuple[Finding, list[str]]]:
    """The findings of the import, each with its place; none for a scenario that was not imported."""
    path = folder / FINDINGS
    if not path.is_file():
        return []
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        kept = [one for one in said if one["kind"] in OUTCOMES]
        return [(_finding(one), [one["where"]] if one["where"] else []) for one in kept]
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise UserError(f"{path}: not readable as an importer's findings ({type(exc).__name__})") from exc


def _finding(one: dict[str, str]) -> Finding:
    kind = one["kind"]
    policy = kind.replace(" ", "_") if kind in REMEDIES else ""
    return Finding("import", OUTCOMES[kind], (), f"{one['subject']}: {one['text']}", policy, REMEDIES.get(kind, ""))
