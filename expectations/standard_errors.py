"""Cells in standard errors of their published figures, where a margin of error was published."""

from typing import Any

import numpy as np
import pandas as pd

from schemas.model import FloatArray

MARGIN_OF_ERROR_Z = 1.645
"""Margins of error are published at 90 % (ACS General Handbook, chapter 7)."""


def worst_in_standard_errors(cells: pd.DataFrame) -> dict[str, Any] | None:
    """The cell that is off by most standard errors, with target and count; None where no margin of error is known."""
    if not {"moe", "target"} <= set(cells.columns):
        return None
    errors = _standard_errors(cells)
    if np.isnan(errors).all():
        return None
    worst = int(np.nanargmax(np.abs(errors)))
    cell = cells.iloc[worst]
    return {
        "zone": None if pd.isna(cell["zone"]) else str(cell["zone"]),
        "cell": str(cell["cell"]),
        "reconciled": float(cell["reconciled"]),
        "synthetic": float(cell["synthetic"]),
        "standard_errors": float(errors[worst]),
        "cells": int(np.isfinite(errors).sum()),
        "cells_beyond_two": int((np.abs(errors) > 2).sum()),
    }


def _standard_errors(cells: pd.DataFrame) -> FloatArray:
    """Aim minus synthetic in standard errors, scaled as the cells of their zone were; NaN where none is known."""
    columns = ("moe", "target", "reconciled", "synthetic")
    moe, target, reconciled, synthetic = (cells[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in columns)
    zones = pd.factorize(cells["zone"], use_na_sentinel=False)[0]
    published, aimed = (np.bincount(zones, values)[zones] for values in (target, reconciled))
    scale = np.divide(aimed, published, out=np.zeros(len(cells)), where=published > 0)
    error = moe / MARGIN_OF_ERROR_Z * scale
    is_known = np.isfinite(error) & (error > 0)
    return np.divide(reconciled - synthetic, error, out=np.full(len(cells), np.nan), where=is_known)
