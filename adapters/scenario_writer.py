"""Writes an imported scenario: all of it or nothing, and only if it can be read back."""

import csv
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from adapters.scenario_files import read_scenario
from adapters.storage import make_folder
from schemas.errors import UserError
from schemas.imports import Draft, DraftTable, Finding
from schemas.model import Scenario

NOTES = "IMPORT.md"
FINDINGS = "import.json"
"""The same for programs: `synthor check` tells it beside what it finds itself."""
_HEADINGS = {
    "left out": "Left out",
    "repaired": "Repaired",
    "doubtful": "Doubtful, carried as published",
    "assumed": "The importer's assumptions",
    "noted": "Notes",
}


def check_free(out: Path) -> None:
    """Refuse a folder that holds something already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out}: exists and is not empty, expected a new folder")
    if any(parent.exists() and not parent.is_dir() for parent in out.absolute().parents):
        raise UserError(f"--out {out}: lies under a file, expected a folder")


def write_scenario(draft: Draft, out: Path) -> Scenario:
    """The scenario as read back from `out`, which appears by one rename."""
    check_free(out)
    make_folder(out.absolute().parent)
    staged = Path(tempfile.mkdtemp(prefix=".import-", dir=out.absolute().parent))
    try:
        write_files(draft, staged)
        staged.chmod(0o755)
        scenario = read_scenario(staged)
        if out.exists():
            out.rmdir()
        staged.rename(out)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return scenario


def write_files(draft: Draft, folder: Path) -> None:
    """scenario.yaml, its tables and the notes."""
    for table in draft.tables:
        write_table(table, folder)
    (folder / "scenario.yaml").write_text(to_yaml(draft.document), encoding="utf-8")
    (folder / NOTES).write_text(notes(draft.title, draft.findings), encoding="utf-8")
    said = [asdict(finding) for finding in draft.findings]
    (folder / FINDINGS).write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_table(table: DraftTable, folder: Path) -> None:
    """One CSV file."""
    path = folder / table.file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.header)
        writer.writerows(table.rows)


def notes(title: str, findings: Sequence[Finding]) -> str:
    """IMPORT.md: what was left out, repaired, doubted and assumed."""
    parts = [f"# {title}\n"]
    for kind, heading in _HEADINGS.items():
        lines = [f"- **{f.subject}**: {f.text}{f' ({f.where})' if f.where else ''}" for f in findings if f.kind == kind]
        if lines:
            parts.append(f"## {heading}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


class _Dumper(yaml.SafeDumper):
    """Short lists stay on one line, long text is folded, blocks are set apart."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def write_line_break(self, data: str | None = None) -> None:
        super().write_line_break(data)
        if len(self.indents) == 1:
            super().write_line_break()


def _sequence(dumper: yaml.SafeDumper, items: list[object]) -> yaml.Node:
    is_short = all(not isinstance(item, dict | list) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=is_short)


_Dumper.add_representer(list, _sequence)


def to_yaml(document: dict[str, object]) -> str:
    """The document in the order of its keys."""
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return str(text)
