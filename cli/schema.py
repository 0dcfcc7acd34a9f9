"""`synthor schema`: the JSON Schemas of scenario.yaml and of a prior's files, for editors."""

import json
from typing import Annotated, Any

import typer


def schema(
    prior: Annotated[bool, typer.Option("--prior", help="That of the files of prior/ instead.")] = False,
) -> None:
    """Print the JSON Schema of scenario.yaml, or of a prior's files."""
    typer.echo(json.dumps(build_schema(prior), indent=2, ensure_ascii=False))


def build_schema(prior: bool = False) -> dict[str, Any]:
    """The schema, generated from the models that read the file."""
    from schemas.prior_file import PriorSpec
    from schemas.scenario import ScenarioSpec

    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    if prior:
        return dialect | PriorSpec.model_json_schema() | {"title": "prior/*.yaml of synthor"}
    return dialect | ScenarioSpec.model_json_schema() | {"title": "scenario.yaml of synthor"}
