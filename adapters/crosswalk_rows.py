"""Rows of a crosswalk that repeat others as they are: read once, and remarked."""

from adapters.target_files import Rows
from schemas.model import CrosswalkRemark


def distinct_rows(rows: Rows) -> tuple[Rows, tuple[CrosswalkRemark, ...]]:
    """Every row once. A zone that is repeated with other levels or names is kept, for an error."""
    seen: dict[tuple[str, ...], int] = {}
    repeated = [i for i, row in enumerate(zip(*rows.columns.values(), strict=True)) if seen.setdefault(row, i) != i]
    if not repeated:
        return rows, ()
    kept = sorted(seen.values())
    columns = {name: [column[i] for i in kept] for name, column in rows.columns.items()}
    what = "1 row repeats another as it is" if len(repeated) == 1 else f"{len(repeated)} rows repeat others as they are"
    remark = CrosswalkRemark(f"{what}: read once", rows.path, tuple(rows.lines[i] for i in repeated))
    return Rows(rows.path, columns, [rows.lines[i] for i in kept]), (remark,)
