"""`synthor schema`: the JSON Schema of scenario.yaml, for editors."""

import json
from typing import Any

import typer


def schema() -> None:
    """Print the JSON Schema of scenario.yaml."""
    typer.echo(json.dumps(build_schema(), indent=2, ensure_ascii=False))


def build_schema() -> dict[str, Any]:
    """The schema, generated from the models that read the file."""
    from schemas.scenario import ScenarioSpec

    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | ScenarioSpec.model_json_schema() | {"title": "scenario.yaml of synthor"}
