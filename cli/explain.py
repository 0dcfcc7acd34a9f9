"""`synthor explain`: where a record comes from, what fills a cell, what a rule rejected."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import complete_run
from schemas.errors import UserError

if TYPE_CHECKING:
    from rich.tree import Tree

    from adapters.run_folder import RunFolder

Facts = Mapping[str, Any]
PIPED_WIDTH = 1000
"""A line is a line where it goes into a file or another command."""


def explain(
    run: Annotated[str, typer.Argument(help="Run folder.", show_default=False, autocompletion=complete_run)],
    record: Annotated[
        str | None, typer.Option(metavar="ID", help="A record's id, or ENTITY:ID.", show_default=False)
    ] = None,
    cell: Annotated[
        str | None, typer.Option(metavar="LABELS", help='As in "age=65+,county=50007".', show_default=False)
    ] = None,
    table: Annotated[str | None, typer.Option(help="Of --cell: this target table alone.", show_default=False)] = None,
    rejected: Annotated[bool, typer.Option("--rejected", help="The kept sample of rejected records.")] = False,
    rule: Annotated[str | None, typer.Option(help="Of --rejected: this rule alone.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Where a record comes from, what fills a cell, what a rule rejected."""
    from adapters.object_path import location
    from adapters.run_folder import RunFolder

    if (record is not None) + (cell is not None) + rejected != 1:
        raise UserError("explain: expected one of --record ID, --cell LABELS or --rejected")
    folder = RunFolder(location(run).absolute())
    folder.read_run()
    if record is not None:
        found: Any = _record(folder, record)
        trees = [_record_tree(found)]
    elif cell is not None:
        from tasks.explain import explain_cells

        found = explain_cells(folder.root, _labels(cell), table)
        trees = [_cell_tree(one) for one in found]
    else:
        found = _rejected(folder, rule)
        trees = [_rejected_tree(one) for one in found]
    _show(found, trees, as_json)


def _record(folder: "RunFolder", asked: str) -> Facts:
    from adapters.lineage import explain_record
    from synthesis.expressions import nearest

    scenario = folder.read_scenario()
    entity, _, number = asked.rpartition(":")
    names = [one.name for one in scenario.entities]
    if entity and entity not in names:
        raise UserError(f"--record {asked}: no entity {entity!r}{nearest(entity, names)}")
    if not number.isdigit():
        raise UserError(f"--record {asked}: expected a whole number, as in the column {names[0]}_id")
    return explain_record(folder, scenario, entity or names[0], int(number))


def _rejected(folder: "RunFolder", rule: str | None) -> list[dict[str, Any]]:
    from adapters.lineage import read_rejected
    from synthesis.expressions import nearest

    scenario = folder.read_scenario()
    known = {one.name: one for one in scenario.rules}
    if rule is not None and rule not in known:
        raise UserError(f"--rule {rule}: no such rule{nearest(rule, known) if known else ' (the scenario has none)'}")
    found = read_rejected(folder, rule)
    return [{**one, "text": known[one["rule"]].text, "reason": known[one["rule"]].reason} for one in found]


def _labels(text: str) -> dict[str, str]:
    """`{"age": "65+", "county": "50007"}`; labels may hold commas inside brackets, as in `income=[0, 10)`."""
    labels: dict[str, str] = {}
    name = ""
    for part in text.split(","):
        head, sign, label = part.partition("=")
        if sign and not head.strip().startswith(("[", "(")):
            name = head.strip()
            labels[name] = label.strip()
        elif name:
            labels[name] += f",{part}"
    if not labels or not all(labels.values()):
        raise UserError(f"--cell {text!r}: expected NAME=LABEL pairs, as in 'age=65+,county=50007'")
    return labels


def _show(found: Any, trees: list["Tree"], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))
        return
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
    if not trees:
        console.print("no record was rejected")
    for tree in trees:
        console.print(tree)


def _records(count: int) -> str:
    return f"{count:,} record{'s' * (count != 1)}"


def _tree(title: str) -> "Tree":
    from rich.markup import escape
    from rich.tree import Tree

    return Tree(escape(title))


def _add(tree: "Tree", label: str, value: Any) -> "Tree":
    from rich.markup import escape

    return tree.add(f"[bold]{escape(label)}[/bold] {escape(str(value))}".rstrip())


def _record_tree(found: Facts) -> "Tree":
    tree = _tree(f"{found['entity']} {found['id']}")
    _add_values(_add(tree, "record", found["partition"]), found["values"])
    for name, others in found.items():
        if name not in ("values", "plan_row", "proposal", "exchange") and isinstance(others, (list, dict)):
            for other in others if isinstance(others, list) else [others]:
                _add(tree, name, _line(other))
    _add(tree, "batch", f"{found['batch']}, {found['file']}")
    _add_plan_row(tree, found["plan_row"])
    if found["proposal"] is not None:
        proposal = found["proposal"]
        node = _add(tree, "proposal", f"{proposal['proposal_id']} by {proposal['proposer']}")
        _add(node, "reason", proposal["reason"])
    if found["exchange"] is not None:
        exchange = found["exchange"]
        _add(tree, "exchange", f"{exchange['exchange_id']}, {_model(exchange)}")
    return tree


def _model(exchange: Facts) -> str:
    """The model as it names itself, or else as it was asked for."""
    return str((exchange.get("reply") or {}).get("model") or (exchange.get("sampling") or {}).get("model", ""))


def _add_plan_row(tree: "Tree", row: Facts) -> None:
    given = f"{row['plan_row_id']}: {_records(row['records'])} drawn, prior weight {row['prior_weight']:.4g}"
    node = _add(tree, "plan row", given)
    _add_values(node, _atoms(row))


def _add_values(tree: "Tree", values: Facts) -> None:
    for name, value in values.items():
        _add(tree, name, ", ".join(map(str, value)) if isinstance(value, list) else value)


def _cell_tree(cell: Facts) -> "Tree":
    from rich.markup import escape

    place = " ".join(str(part) for part in (cell["table"], cell["zone"] or "", cell["cell"]) if part)
    tree = _tree(place)
    unit = "records" if cell["binds"] == "count" else f"records (aims at its share, {cell['target_share']:.4f})"
    _add(tree, "published", f"{cell['target']:,.10g} ({cell['measure']})")
    _add(tree, "aimed at", f"{cell['reconciled']:,.1f} {unit}")
    state = "within" if cell["within"] else "outside"
    tolerance = f"{cell['tolerance']:g} {'records' if cell['tolerance_kind'] == 'records' else 'TVD of the table'}"
    _add(
        tree,
        "synthetic",
        f"{cell['synthetic']:,.10g}: {0.0 - cell['discrepancy']:+,.1f}, {state} tolerance ({tolerance})",
    )
    for proposal in cell.get("proposals", []):
        node = _add(tree, "proposal", f"{proposal['proposal_id']}: {_records(proposal['records'])}")
        _add(node, "reason", proposal["reason"])
    for row in cell.get("plan_rows", []):
        node = _add(tree, "plan row", f"{row['plan_row_id']}: {row['in_cell']:,} of them")
        node.add(escape(_line(_atoms(row))))
    return tree


def _rejected_tree(found: Facts) -> "Tree":
    tree = _tree(f"{found['rule']} ({found['stage']})")
    _add(tree, "rule", found["text"])
    if found["reason"]:
        _add(tree, "reason", found["reason"])
    for name, value in found["record"].items():
        if isinstance(value, list):
            for one in value:
                _add(tree, name, _line(one))
        else:
            _add(tree, name, value)
    return tree


def _atoms(row: Facts) -> dict[str, Any]:
    """What the plan row fixes of its records."""
    hidden = ("plan_row_id", "records", "prior_weight", "proposal_id", "in_cell")
    return {name: value for name, value in row.items() if name not in hidden}


def _line(values: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) if isinstance(values, dict) else str(values)
