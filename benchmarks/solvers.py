"""Which solver allocates fastest, by the size of the problem: cells and plan rows.

    python benchmarks/solvers.py [--cells 60 240 1000 3000 10000] [--rows 2000 20000 200000] [--members]

Random plan rows of seven variables in zones of some sixty cells each, with tables over all zones besides, are counted
in a reweighted copy of themselves, so that every cell can be met. Raking, exact coordinate ascent on the dual, Newton
with a formed Hessian, with a sparse factorisation and with conjugate gradients, and L-BFGS start from the same
weights; each is told with its CPU seconds and the exact cell that it misses most, in records.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy import optimize, sparse
from scipy.sparse.linalg import splu

from schemas.model import FloatArray
from synthesis.allocation import RAKING_SWEEPS, VARIANCES, _variances
from synthesis.condensing import condense
from synthesis.dual import Dual, dual_of
from synthesis.newton import conjugate, factorised, newton
from synthesis.raking import rake
from synthesis.system import Block, System

SIZES = (2, 3, 4, 5, 6, 8, 10)
CELLS_PER_ZONE = sum(SIZES) + 1
WIDE_TABLES = ((5, 6), (4, 5), (3, 6))
COORDINATE_SWEEPS = 30
MAX_WORK = 3e8
"""Cells times plan rows beyond which the slow ones are left out."""
Solver = Callable[[System, FloatArray], FloatArray]


def problem(cells: int, rows: int, has_members: bool, rng: np.random.Generator) -> tuple[System, FloatArray]:
    """A system of about so many cells that can be met, and the prior of its plan rows."""
    zones = max(1, cells // (CELLS_PER_ZONE + 20))
    zone, latent = rng.integers(0, zones, rows), rng.integers(0, 4, rows)
    codes = [
        np.where(rng.random(rows) < 0.4, (latent * 7 + i) % k, rng.integers(0, k, rows)) for i, k in enumerate(SIZES)
    ]
    parts, blocks, start = [], [], 0
    for i, size in enumerate((1, *SIZES)):
        of_members = has_members and i >= 6
        code = zone * size + (codes[i - 1] if i else 0)
        often = (1.0 + (codes[0] + i) % 3) if of_members else np.ones(rows)
        parts.append(sparse.csr_matrix((often, (np.arange(rows), code)), (rows, zones * size)))
        for unit in range(zones):
            is_root = not of_members
            blocks.append(Block(f"v{i}", unit, start, start + size, False, is_root, is_root))
            start += size
    for first, second in WIDE_TABLES:
        size = SIZES[first] * SIZES[second]
        if start + size > 1.1 * cells + 40:
            break
        code = codes[first] * SIZES[second] + codes[second]
        parts.append(sparse.csr_matrix((np.ones(rows), (np.arange(rows), code)), (rows, size)))
        blocks.append(Block(f"w{first}{second}", 0, start, start + size, False, True, True))
        start += size
    matrix = sparse.hstack(parts).tocsr()
    true = np.exp(rng.normal(size=rows) * 0.5 + 0.3 * (latent == 1))
    system = System(matrix, tuple(blocks), matrix.T @ true, np.zeros(start))
    return system, np.full(rows, true.sum() / rows)


def raked(system: System, prior: FloatArray) -> FloatArray:
    """Iterative proportional fitting, to its end."""
    return rake(system, prior, 400)


def ascended(system: System, prior: FloatArray) -> FloatArray:
    """Exact coordinate ascent on the dual: per cell the factor r with sum(a w r^a) = target."""
    columns, weights = system.matrix.tocsc(), prior.copy()
    for _ in range(COORDINATE_SWEEPS):
        for cell, aim in enumerate(system.aim):
            part = slice(columns.indptr[cell], columns.indptr[cell + 1])
            rows, adds = columns.indices[part], columns.data[part]
            if len(rows) and aim > 0:
                weights[rows] *= _factor(np.bincount(adds.astype(int), weights[rows]), aim) ** adds
    return weights


def _factor(sums: FloatArray, aim: float) -> float:
    times, factor = np.arange(len(sums)), 1.0
    for _ in range(30):
        off = float((times * sums * factor**times).sum() - aim)
        if abs(off) < 1e-9 * aim:
            break
        slope = float((times**2 * sums * factor ** (times - 1.0)).sum())
        factor = max(factor - off / slope, factor / 2)
    return factor


def by_newton(way: Callable[[Dual, FloatArray, FloatArray], FloatArray]) -> Solver:
    """Raking sweeps, then Newton with directions found in some way."""

    def solve(system: System, prior: FloatArray) -> FloatArray:
        start = rake(system, prior, RAKING_SWEEPS)
        dual = dual_of(system, _variances(system, start, *VARIANCES[0]), is_formed=way is factorised)
        return newton(dual, start, 40, way).weights

    return solve


def sparsely_factorised(dual: Dual, weights: FloatArray, gradient: FloatArray) -> FloatArray:
    """The Newton direction by a sparse factorisation of the Hessian (no share blocks)."""
    scaled = dual.matrix.copy()
    scaled.data = scaled.data * np.repeat(weights, np.diff(scaled.indptr))
    hessian = dual.adjoint @ scaled + sparse.diags(dual.variance)
    scale = sparse.diags(1 / np.sqrt(np.maximum(hessian.diagonal(), 1e-12)))
    ridge = (scale @ hessian @ scale + 1e-10 * sparse.identity(len(gradient))).tocsc()
    options = {"SymmetricMode": True}
    factor = splu(ridge, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
    return -(scale @ factor.solve(scale @ gradient))


def by_lbfgs(system: System, prior: FloatArray) -> FloatArray:
    """L-BFGS on the dual, its variables scaled by the Hessian's diagonal."""
    dual = dual_of(system, _variances(system, prior, *VARIANCES[0]))
    scale = 1 / np.sqrt(np.maximum(dual.diagonal(prior), 1e-9))

    def value(u: FloatArray) -> tuple[float, FloatArray]:
        weights = prior * np.exp(np.clip(dual.exponents(u * scale), -50, 50))
        return dual.value(weights, u * scale), dual.gradient(weights, u * scale) * scale

    options = {"maxiter": 400, "maxfun": 2000, "maxcor": 20, "gtol": 1e-6, "ftol": 1e-15}
    found = optimize.minimize(value, np.zeros(len(scale)), jac=True, method="L-BFGS-B", options=options)
    return prior * np.exp(dual.exponents(found.x * scale))


SOLVERS: dict[str, tuple[Solver, float]] = {
    "raking": (raked, MAX_WORK),
    "coordinates": (ascended, MAX_WORK),
    "Newton, formed": (by_newton(factorised), MAX_WORK / 10),
    "Newton, sparse": (by_newton(sparsely_factorised), np.inf),
    "Newton, CG": (by_newton(conjugate), np.inf),
    "L-BFGS": (by_lbfgs, MAX_WORK),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="+", default=[60, 240, 1000, 3000, 10_000])
    parser.add_argument("--rows", type=int, nargs="+", default=[2000, 20_000, 200_000])
    parser.add_argument("--members", action="store_true", help="two of the tables count members")
    asked = parser.parse_args()
    print(f"{'cells':>7}{'rows':>9}  " + "".join(f"{name:>24}" for name in SOLVERS) + "   (CPU s, worst miss)")
    for cells in asked.cells:
        for rows in asked.rows:
            system, prior = problem(cells, rows, asked.members, np.random.default_rng(0))
            condensed = condense(system, prior)
            line = f"{len(system.aim):7}{rows:9}  "
            for solve, most in SOLVERS.values():
                if len(system.aim) * rows > most:
                    line += f"{'–':>24}"
                    continue
                started = time.process_time()
                weights = solve(condensed.system, condensed.sums(prior))
                seconds = time.process_time() - started
                missed = np.abs(condensed.system.matrix.T @ weights - system.aim)[system.exact].max()
                line += f"{f'{seconds:.2f}, {missed:.1e}':>24}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
