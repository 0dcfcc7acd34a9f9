"""What micro-data columns are: categories, integers or numbers, with their ranges, and what was inferred about each."""

import keyword
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adapters.microdata import MISSING, as_text
from adapters.scenario_entities import MAX_INTEGER, TABLE_COLUMNS
from schemas.errors import UserError
from schemas.model import Axis, Variable
from synthesis.quantile_bins import Binning, bin_axis, quantile_binning
from synthesis.records import Array

MAX_CATEGORIES = 500


@dataclass(frozen=True, slots=True)
class BinSettings:
    """Quantile bins of numbers, sub-bins of a main bin, and how many main bins are cut (None: all)."""

    main: int
    sub: int
    cut: int | None


@dataclass(frozen=True, slots=True)
class Inferred:
    """A variable with its column (codes or values), the axes of its marginal and of joints, and how it came about."""

    variable: Variable
    column: Array
    fine: Axis
    main: Axis
    distinct: int
    note: str = ""


def infer_variable(name: str, series: "pd.Series[Any]", where: str, bins: BinSettings) -> Inferred:
    """The variable that a column holds; text is a category, and an empty text the category `missing`."""
    if pd.api.types.is_bool_dtype(series.dtype) or not pd.api.types.is_numeric_dtype(series.dtype):
        return _category(name, series, where)
    values = series.to_numpy(dtype=float, na_value=np.nan)
    empty = int(np.count_nonzero(~np.isfinite(values)))
    if empty:
        raise UserError(
            f"{where}: column {name!r} has {empty:,} empty values of {len(values):,}; say what they mean with "
            f"--mapping (missing: {{{name}: 0}}), or leave it out with --drop {name}"
        )
    if np.abs(values).max() > MAX_INTEGER:
        raise UserError(f"{where}: column {name!r} holds numbers beyond 2^53; leave it out with --drop {name}")
    return _number(name, values, bins)


def safe_name(name: str, entities: Collection[str], entity: str) -> str:
    """The name, or one made from it if scenarios reserve it."""
    taken = {"batch_id", "plan_row_id", *TABLE_COLUMNS, *(f"{each}_id" for each in entities)}
    return f"{entity}_{name}_value" if name in taken or keyword.iskeyword(name) else name


def _category(name: str, series: "pd.Series[Any]", where: str) -> Inferred:
    text = as_text(series)
    categories = tuple(sorted(text.unique()))
    if len(categories) > MAX_CATEGORIES:
        raise UserError(
            f"{where}: column {name!r} holds {len(categories):,} different texts, expected at most {MAX_CATEGORIES} "
            f"categories; leave it out with --drop {name}"
        )
    codes = pd.Index(categories).get_indexer(pd.Index(text)).astype(np.int32)
    empty = int(np.count_nonzero(codes == categories.index(MISSING))) if MISSING in categories else 0
    axis = Axis(name, categories)
    note = f"{empty:,} empty values are the category {MISSING!r}" if empty else ""
    return Inferred(Variable(name, "category", categories=categories), codes, axis, axis, len(categories), note)


def _number(name: str, values: np.ndarray, bins: BinSettings) -> Inferred:
    is_integer = bool((values == np.trunc(values)).all())
    binning = quantile_binning(values, is_integer, bins.main, bins.sub, bins.cut)
    low, high = binning.limits
    variable = Variable(name, "integer" if is_integer else "number", low=low, high=high)
    column = values.astype(np.int64) if is_integer else values
    fine, main = (bin_axis(name, edges, is_integer) for edges in (binning.fine, binning.main))
    return Inferred(variable, column, fine, main, len(np.unique(values)), _bins_note(binning))


def _bins_note(binning: Binning) -> str:
    if len(binning.main) == len(binning.fine):
        return f"{len(binning.main) - 1} bins"
    return f"{len(binning.main) - 1} main bins, {len(binning.fine) - 1} with sub-bins"
