"""The mapping of micro-data columns to variables: a YAML file, and `--map column=variable` on top of it."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from adapters.located_yaml import line_of, one_line, read_located_yaml
from schemas.errors import ScenarioError, UserError
from schemas.mapping import EntityMapping, MappingSpec
from synthesis.expressions import nearest


def read_mapping(path: Path | None, entities: Sequence[str], pairs: Sequence[tuple[str, str]] = ()) -> MappingSpec:
    """The mapping; `pairs` are (column, variable) or (entity.column, variable) and win over the file."""
    spec = MappingSpec({}) if path is None else _read(path)
    for entity in spec.root:
        if entity not in entities:
            raise UserError(f"{path}: unknown entity {entity!r}{nearest(entity, entities)}")
    added: dict[str, dict[str, str]] = {entity: {} for entity in entities}
    for column, variable in pairs:
        entity, dot, own = column.partition(".")
        for name in [entity] if dot and entity in added else list(added):
            added[name][own if dot and entity in added else column] = variable
    return MappingSpec({entity: _merged(spec.of(entity), added[entity]) for entity in entities})


def _merged(mapping: EntityMapping, columns: dict[str, str]) -> EntityMapping:
    try:
        return EntityMapping.model_validate(mapping.model_dump() | {"columns": {**mapping.columns, **columns}})
    except ValidationError as exc:
        error = exc.errors()[0]
        raise UserError(
            f"--map: {error['input']!r} is no variable name, expected lower-case letters, digits, _"
        ) from exc


def _read(path: Path) -> MappingSpec:
    if not path.is_file():
        raise UserError(f"--mapping {path}: no such file")
    value, lines = read_located_yaml(path, str(path))
    try:
        return MappingSpec.model_validate(value)
    except ValidationError as exc:
        first = min(exc.errors(), key=lambda error: line_of(lines, error["loc"]) or 0)
        where = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(one_line(f"{where}: {first['msg']}"), str(path), line_of(lines, first["loc"])) from exc
