"""PopulationSim's input files as they are: settings.yaml, the controls, control totals, the crosswalk."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from adapters.bounded_files import MAX_LINE, bounded_lines, check_size
from adapters.located_yaml import not_utf8, one_line
from adapters.target_files import Rows
from schemas.errors import ScenarioError, UserError
from synthesis.expressions import nearest

MAX_SETTINGS_BYTES = 1_000_000
CONTROL_COLUMNS = ("target", "geography", "seed_table", "control_field", "expression")


@dataclass(frozen=True, slots=True)
class Settings:
    """What of settings.yaml matters here."""

    geographies: tuple[str, ...] = ()
    seed_geography: str | None = None
    control_file: str = "controls.csv"
    files: Mapping[str, str] = field(default_factory=dict)
    """File by table name, such as geo_cross_walk or TAZ_control_data."""
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """New column names by table name."""
    weight_columns: tuple[str, ...] = ()
    total_target: str | None = None
    is_given: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """A PopulationSim folder: its settings, and where its data files may lie."""

    folder: Path
    settings: Settings
    controls: Rows
    places: tuple[Path, ...]

    def crosswalk(self) -> Rows:
        """The geographic crosswalk."""
        name = self.settings.files.get("geo_cross_walk", "geo_cross_walk.csv")
        return read_loose_csv(self._find(name), self.settings.renamed.get("geo_cross_walk", {}))

    def totals(self, geography: str, fields: Sequence[str]) -> Rows:
        """The control totals of a geography: as settings name the file, else the one that holds these fields."""
        table = f"{geography}_control_data"
        renamed = self.settings.renamed.get(table, {})
        if table in self.settings.files:
            return read_loose_csv(self._find(self.settings.files[table]), renamed)
        for path in self._candidates(geography):
            rows = read_loose_csv(path, renamed)
            if geography in rows.columns and all(name in rows.columns for name in fields):
                return rows
        return self._explain(geography, fields)

    def _candidates(self, geography: str) -> list[Path]:
        """CSV files, the one named after the geography first."""
        paths = sorted({path for place in self.places for path in place.glob("*.csv")})
        return sorted(paths, key=lambda path: path.name.lower() != f"control_totals_{geography.lower()}.csv")

    def _explain(self, geography: str, fields: Sequence[str]) -> Rows:
        with_column = [r for p in self._candidates(geography) if geography in (r := read_loose_csv(p, {})).columns]
        best = max(with_column, key=lambda rows: sum(name in rows.columns for name in fields), default=None)
        if best is None:
            shown = ", ".join(str(place) for place in self.places)
            raise UserError(
                f"{shown}: no control totals for geography {geography!r}, expected a CSV file with its column"
            )
        missing = next(name for name in fields if name not in best.columns)
        hint = nearest(missing, best.columns)
        raise ScenarioError(f"no column {missing!r}, which controls of {geography} name{hint}", best.path, 1)

    def _find(self, name: str) -> Path:
        for place in self.places:
            if (place / name).is_file():
                return place / name
        shown = ", ".join(str(place) for place in self.places)
        beside = [path.name for place in self.places for path in place.glob("*.csv")]
        raise UserError(f"{shown}: no file {name!r}{nearest(name, beside) if beside else ''}")


def read_inputs(folder: Path) -> Inputs:
    """The inputs in a folder that holds everything, or has PopulationSim's configs and data below it."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder, expected one with PopulationSim's controls.csv")
    settings = _read_settings(folder)
    data = settings.files.get("", "data")
    places = tuple(place for place in (folder, folder / data, folder / "configs") if place.is_dir())
    inputs = Inputs(folder, settings, Rows("", {}, []), places)
    controls = read_loose_csv(inputs._find(settings.control_file), {})
    for name in CONTROL_COLUMNS:
        if name not in controls.columns:
            raise ScenarioError(f"missing column {name!r}{nearest(name, controls.columns)}", controls.path, 1)
    if not controls.lines:
        raise ScenarioError("no controls, expected one row each", controls.path, 1)
    return Inputs(folder, settings, controls, places)


def read_loose_csv(path: Path, renamed: Mapping[str, str]) -> Rows:
    """A CSV file as pandas would read it: `#` comments left out, unnamed columns too, columns renamed."""
    shown, rows, lines = str(path), [], []
    try:
        check_size(path, shown)
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(bounded_lines(file, shown), skipinitialspace=True)
            header = _next_row(reader)
            while row := _next_row(reader):
                _check_length(row, header, shown, reader.line_num)
                rows.append(row)
                lines.append(reader.line_num)
    except UnicodeDecodeError as exc:
        with path.open("rb") as file:
            raise not_utf8(iter(lambda: file.readline(MAX_LINE), b""), shown) from exc
    except csv.Error as exc:
        raise ScenarioError(f"not readable as CSV: {exc}", shown) from exc
    except OSError as exc:
        raise ScenarioError(one_line(f"cannot read the file: {exc.strerror or exc}"), shown) from exc
    if not any(header):
        raise ScenarioError("expected a header line, got an empty file", shown, 1)
    values = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    columns = {name.strip(): column for name, column in zip(header, values, strict=True) if name.strip()}
    return Rows(shown, _renamed(columns, renamed), lines)


def _renamed(columns: dict[str, tuple[str, ...]], renamed: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The columns under their new names, which win over columns that bear them already."""
    new = {renamed[name]: values for name, values in columns.items() if name in renamed}
    return {name: values for name, values in columns.items() if name not in renamed and name not in new} | new


def _next_row(reader: Any) -> list[str]:
    """The next row that is neither empty nor a comment; empty at the end."""
    for row in reader:
        if row and any(value.strip() for value in row) and not row[0].lstrip().startswith("#"):
            return [value.strip() for value in row]
    return []


def _check_length(row: Sequence[str], header: Sequence[str], shown: str, line: int) -> None:
    if len(row) != len(header):
        raise ScenarioError(f"row has {len(row)} fields, expected {len(header)} as in the header", shown, line)


def _read_settings(folder: Path) -> Settings:
    path = next((p for p in (folder / "settings.yaml", folder / "configs" / "settings.yaml") if p.is_file()), None)
    if path is None:
        return Settings()
    try:
        check_size(path, str(path), MAX_SETTINGS_BYTES)
        value = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_SettingsLoader)
    except (yaml.YAMLError, ValueError, LookupError, RecursionError) as exc:
        raise ScenarioError(one_line(f"not readable as YAML: {str(exc).splitlines()[0]}"), str(path)) from exc
    if not isinstance(value, dict):
        raise ScenarioError("expected PopulationSim's settings, a mapping", str(path), 1)
    tables = [
        table for table in _items(value.get("input_table_list")) if isinstance(table, dict) and "tablename" in table
    ]
    files = {str(table["tablename"]): Path(str(table["filename"])).name for table in tables if "filename" in table}
    renamed = {str(t["tablename"]): _texts(t.get("rename_columns")) for t in tables}
    return Settings(
        geographies=tuple(str(name) for name in _items(value.get("geographies"))),
        seed_geography=str(value["seed_geography"]) if value.get("seed_geography") else None,
        control_file=Path(str(value.get("control_file_name") or "controls.csv")).name,
        files=files | {"": str(value.get("data_dir") or "data")},
        renamed=renamed,
        weight_columns=(str(value["household_weight_col"]),) if value.get("household_weight_col") else (),
        total_target=str(value["total_hh_control"]) if value.get("total_hh_control") else None,
        is_given=True,
    )


class _SettingsLoader(yaml.SafeLoader):
    """Refuses aliases: a few of them can stand for more than memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not supported, expected the value written out")
        return super().compose_node(parent, index)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(mapping: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in mapping.items()} if isinstance(mapping, dict) else {}
