"""`synthor evaluate`: a run's records against micro-data that the run never saw."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.existing import read_run
from cli.microdata import Ids, Mapping, Maps, Parents, read_files, read_joints, read_pairs
from cli.review import RunArgument
from schemas.errors import UserError

if TYPE_CHECKING:
    from adapters.microdata import MicroSources
    from adapters.object_path import Location
    from adapters.run_folder import RunFolder
    from schemas.model import Rule, Scenario
    from synthesis.assessments.assessment import Questions
    from synthesis.assessments.joints import Joint
    from synthesis.comparison import Comparison, ComparisonSettings
    from synthesis.metrics.queries import Query


def evaluate(
    run: RunArgument,
    reference: Annotated[
        list[str], typer.Option(help="Micro-data of an entity (CSV or parquet).", metavar="ENTITY=FILE")
    ],
    ids: Ids = None,
    parents: Parents = None,
    maps: Maps = None,
    mapping: Mapping = None,
    joint: Annotated[
        list[str] | None, typer.Option(help="Variables to be compared jointly; default: every pair.", metavar="A,B")
    ] = None,
    label: Annotated[list[str] | None, typer.Option(help="Category variable to be learnt (utility).")] = None,
    queries: Annotated[Path | None, typer.Option(help="YAML file of own queries and realism rules.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A group of figures; default: all.")] = None,
    random_seed: Annotated[int, typer.Option(min=0)] = 0,
    resamples: Annotated[int, typer.Option(min=2, max=1000, help="Bootstrap samples behind a noise floor.")] = 20,
    bins: Annotated[int, typer.Option(min=2, max=1000, help="Fixed bins of a number.")] = 20,
    max_records: Annotated[
        int, typer.Option(min=40, help="Root records of either side, at most; more are sampled.")
    ] = 100_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare a run's records with micro-data: each figure beside its noise floor."""
    from adapters.mapping_file import read_mapping
    from adapters.object_path import location

    place = location(run)
    record = read_run(place)
    groups = _groups(only)
    files = read_files(reference, "--reference")
    from adapters.evaluation_files import evaluation_record, write_evaluation
    from adapters.microdata import MicroSources
    from adapters.run_folder import RunFolder
    from synthesis.assessments.assessment import assess
    from synthesis.comparison import ComparisonSettings

    folder = RunFolder(place)
    scenario = folder.read_scenario()
    files = _ordered(files, scenario)
    mapped = read_mapping(mapping, list(files), list(read_pairs(maps, "--map").items()))
    zone = (scenario.zones.variable,) if scenario.zones else ()
    sources = MicroSources(files, read_pairs(ids, "--id"), read_pairs(parents, "--parent"), mapped, zone)
    settings = ComparisonSettings(random_seed, resamples, bins, max_records)
    comparison, notes = _compare(folder, scenario, sources, settings)
    asked = _questions(comparison, groups, read_joints(joint), label or [], queries)
    shown = {entity: path.name for entity, path in files.items()}
    if record.get("status") != "published":
        notes = (f"the run is not published (status: {record.get('status')}); its staged records are compared", *notes)
    found = evaluation_record(str(record["scenario"]["name"]), comparison, assess(comparison, asked), shown, notes)
    paths = write_evaluation(place, found)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _show(found, paths)


def _compare(
    folder: "RunFolder", scenario: "Scenario", sources: "MicroSources", settings: "ComparisonSettings"
) -> "tuple[Comparison, tuple[str, ...]]":
    from adapters.reference import read_reference, read_synthetic
    from synthesis.comparison import compare

    reference, notes = read_reference(sources, scenario)
    if not folder.records.exists():
        raise UserError(f"{folder.root}: holds no records")
    return compare(scenario, read_synthetic(folder.records, scenario), reference, settings), notes


def _groups(only: list[str] | None) -> tuple[str, ...]:
    from synthesis.assessments.assessment import GROUPS, NEED_SCIKIT_LEARN
    from synthesis.expressions import nearest

    groups = tuple(only) if only else GROUPS
    for name in groups:
        if name not in GROUPS:
            raise UserError(f"--only {name}: no such group{nearest(name, GROUPS)}")
    needing = [name for name in groups if name in NEED_SCIKIT_LEARN]
    if needing and find_spec("sklearn") is None:
        rest = " ".join(f"--only {name}" for name in GROUPS if name not in NEED_SCIKIT_LEARN)
        raise UserError(
            f"{' and '.join(needing)} need scikit-learn, the optional extra `evaluate` (pip install scikit-learn); "
            f"without it: {rest}"
        )
    return groups


def _ordered(files: dict[str, Path], scenario: "Scenario") -> dict[str, Path]:
    from synthesis.expressions import nearest

    known = [entity.name for entity in scenario.entities]
    for entity in files:
        if entity not in known:
            raise UserError(f"--reference {entity}=…: no such entity{nearest(entity, known)}")
    if scenario.root.name not in files:
        raise UserError(f"--reference: expected {scenario.root.name}=FILE, the root entity's records")
    return {entity: files[entity] for entity in known if entity in files}


def _questions(
    comparison: "Comparison",
    groups: tuple[str, ...],
    joints: list[tuple[str, ...]],
    labels: list[str],
    path: Path | None,
) -> "Questions":
    from synthesis.assessments.assessment import Questions
    from synthesis.assessments.labels import ecommerce_labels, named_labels

    queries, rules = _asked(comparison.scenario, path)
    found = tuple(_joint(comparison, names) for names in joints)
    tasks = ecommerce_labels(comparison) | named_labels(comparison, labels)
    return Questions(groups, found, queries, rules, tasks)


def _asked(scenario: "Scenario", path: Path | None) -> "tuple[tuple[Query, ...], tuple[Rule, ...]]":
    """Queries and rules of the user's file or else of the shipped packs that fit; the scenario's own rules first."""
    from adapters.query_packs import read_pack, shipped_packs

    packs = shipped_packs(scenario) if path is None else [read_pack(path, scenario)]
    queries = tuple(query for pack in packs for query in pack.queries)
    return queries, (*scenario.rules, *(rule for pack in packs for rule in pack.rules))


def _joint(comparison: "Comparison", names: tuple[str, ...]) -> "Joint":
    from synthesis.expressions import nearest

    root = comparison.scenario.root
    own = {entity.name: comparison.names(entity, with_derived=True) for entity in comparison.entities}
    known = [name for names_of in own.values() for name in names_of]
    for name in names:
        if name not in known:
            raise UserError(
                f"--joint {','.join(names)}: no variable {name!r} in run and reference{nearest(name, known)}"
            )
    entity = root if set(names) <= set(own[root.name]) else comparison.entities[-1]
    return entity, names


def _show(found: dict[str, Any], paths: "tuple[Location, Location]") -> None:
    from cli.evaluation_tables import show_evaluation

    show_evaluation(found, paths)
