"""Files that users give are read within bounded memory, whatever they hold: what is larger is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import ScenarioError

MAX_BYTES = 500_000_000
MAX_LINE = 5_000_000
MAX_ROWS = 10_000_000
MAX_TEXT = 100_000
MAX_PARQUET_BYTES = 2_000_000_000
ROWS_AT_ONCE = 4096


def check_size(path: Path, shown: str, most: int = MAX_BYTES) -> None:
    """Refuse a file that is too large."""
    size = path.stat().st_size
    if size > most:
        raise ScenarioError(f"the file has {size} bytes, expected at most {most}", shown)


def bounded_lines(file: TextIO, shown: str) -> Iterator[str]:
    """The lines; the first that is too long is refused, and so are too many."""
    for number in range(1, MAX_ROWS + 1):
        line = file.readline(MAX_LINE)
        if not line:
            return
        if len(line) == MAX_LINE:
            raise ScenarioError(f"a line of {MAX_LINE} characters or more", shown, number)
        yield line
    raise ScenarioError(f"more than {MAX_ROWS} lines", shown)


def bounded_parquet(path: Path, shown: str) -> dict[str, list[str]]:
    """The columns as text. A small file may stand for very many or very long values: both are counted as they come."""
    with pq.ParquetFile(path) as file:
        rows, groups = file.metadata.num_rows, range(file.metadata.num_row_groups)
        size = sum(file.metadata.row_group(i).total_byte_size for i in groups)
        names = list(file.schema_arrow.names)
        texts = [f.name for f in file.schema_arrow if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    if rows > MAX_ROWS or size > MAX_PARQUET_BYTES:
        message = f"{rows} rows of {size} bytes once unpacked, expected at most {MAX_ROWS} and {MAX_PARQUET_BYTES}"
        raise ScenarioError(message, shown)
    columns: dict[str, list[str]] = {name: [] for name in names}
    left = MAX_PARQUET_BYTES
    with pq.ParquetFile(path, read_dictionary=texts) as file:  # a text that is repeated is held once
        for batch in file.iter_batches(ROWS_AT_ONCE):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                values = column.dictionary if pa.types.is_dictionary(column.type) else column
                longest = max((len(str(value)) for value in values.to_pylist()), default=0)
                left -= longest * len(column)
                if longest > MAX_TEXT or left < 0:
                    raise ScenarioError("texts too long, or too many of them, to be a table", shown)
                columns[name] += ["" if value is None else str(value).strip() for value in column.to_pylist()]
    return columns
