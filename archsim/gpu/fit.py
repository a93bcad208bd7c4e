"""Fitting a GPU's efficiency on measured products, and its error on models that were kept aside."""

import csv
import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError, UsageError
from archsim.gpu.gpu import Efficiency, Gpu
from archsim.gpu.kernels import product

COLUMNS = ("gpu", "model", "M", "K", "N", "median_ms")
_SAMPLE = 2000
_STEPS = 400
_SPREADS = (0.4, -0.25, 0.15)
"""How far the search looks at first: it is begun again from what it found, lest it stop too soon."""
_START = {"compute": 0.72, "memory": 0.85, "launch": 4e-6, "edge": 0.2, "tail": 0.3, "write": 0.3}
_SHARES = ("compute", "memory", "tail", "write")
_OVERLAP = 2.5
"""Not fitted: one number serves the GPUs that were measured alike."""
_USUAL_ERROR = 0.07
"""Errors far above this weigh by their logarithm: a library's unlucky choice of a kernel is not to be fitted."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """Products [m, k] x [k, n] of fp16 and their seconds, and the model that each is of."""

    m: Floats
    n: Floats
    k: Floats
    seconds: Floats
    model: NDArray[np.str_]

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Measured":
        """Some of them."""
        return Measured(self.m[chosen], self.n[chosen], self.k[chosen], self.seconds[chosen], self.model[chosen])


@dataclass(frozen=True, slots=True)
class Fit:
    """An efficiency, and the relative errors of products: median and 90th percentile, fitted and kept aside."""

    efficiency: Efficiency
    kept_aside: tuple[str, ...]
    fitted: tuple[float, float]
    held_out: tuple[float, float]


def read_measured(path: Path, gpu: str) -> Measured:
    """Rows of a GPU in a CSV file (may be compressed) with `gpu,model,M,K,N,median_ms`; raises ArchsimError."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
            rows = csv.DictReader(stream)
            missing = set(COLUMNS) - set(rows.fieldnames or ())
            if missing:
                raise ArchsimError(f"{path}: has no column {min(missing)!r}; expected {', '.join(COLUMNS)}")
            found = list(_numbers(path, rows, gpu))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ArchsimError(f"{path}: cannot be read ({error})") from None
    if not found:
        raise ArchsimError(f"{path}: has no rows of gpu {gpu!r}")
    m, n, k, seconds = (np.array(column, np.float64) for column in zip(*(row[:4] for row in found), strict=True))
    return Measured(m, n, k, seconds, np.array([row[4] for row in found]))


def _numbers(path: Path, rows: "csv.DictReader[str]", gpu: str) -> Iterable[tuple[float, float, float, float, str]]:
    for row in rows:
        if row["gpu"].lower() == gpu.lower():
            try:
                values = [float(row[name]) for name in ("M", "N", "K", "median_ms")]
            except (TypeError, ValueError):
                raise ArchsimError(f"{path}:{rows.line_num}: found {row}; expected numbers") from None
            yield values[0], values[1], values[2], values[3] * 1e-3, row["model"]


def errors(gpu: Gpu, measured: Measured) -> Floats:
    """Relative error of each product."""
    found: Floats = np.abs(product(gpu, measured.m, measured.n, measured.k, "fp16") / measured.seconds - 1)
    return found


def _off(gpu: Gpu, measured: Measured) -> Floats:
    """Like errors, and half as much is as wrong as twice as much."""
    found: Floats = np.abs(np.log(product(gpu, measured.m, measured.n, measured.k, "fp16") / measured.seconds))
    return found


def fit(gpu: Gpu, measured: Measured, kept_aside: Sequence[str], seed: int = 1) -> Fit:
    """Fit on a sample of all models but those kept aside; the same data give the same fit."""
    try:
        from scipy.optimize import minimize
    except ImportError:
        raise UsageError("fitting needs SciPy: pip install 'archsim[scipy]'") from None
    unknown = set(kept_aside) - set(measured.model.tolist())
    if unknown:
        known = ", ".join(sorted(set(measured.model.tolist())))
        raise UsageError(f"no products of the model {min(unknown)!r}. There are: {known}")
    aside = np.isin(measured.model, list(kept_aside))
    if aside.all():
        raise UsageError("all models are kept aside; expected some to fit on")
    used = measured.only(~aside)
    draws = np.random.Generator(np.random.Philox(key=seed))
    sample = used.only(draws.permutation(len(used.m))[:_SAMPLE])

    def loss(point: Floats) -> float:
        wrong = _off(replace(gpu, efficiency=_efficiency(gpu, point)), sample)
        return float(np.log1p((wrong / _USUAL_ERROR) ** 2).mean() + 0.5 * np.minimum(wrong, 0.4).mean())

    point = np.array([_outwards(name, value) for name, value in _START.items()])
    for spread in _SPREADS:
        corners = np.vstack([point, point + spread * np.eye(len(point))])
        options = {"maxiter": _STEPS, "xatol": 1e-3, "fatol": 1e-5, "initial_simplex": corners}
        point = minimize(loss, point, method="Nelder-Mead", options=options).x
    efficiency = _efficiency(gpu, point)
    fitted = replace(gpu, efficiency=efficiency)
    return Fit(efficiency, tuple(kept_aside), _summary(fitted, used), _summary(fitted, measured.only(aside)))


def _outwards(name: str, value: float) -> float:
    """To where any number will do: shares lie between 0 and 1, the rest above 0."""
    return log(value / (1 - value)) if name in _SHARES else log(value)


def _efficiency(gpu: Gpu, point: Floats) -> Efficiency:
    values = zip(_START, point.tolist(), strict=True)
    found = {name: float(np.exp(-np.logaddexp(0, -value))) if name in _SHARES else exp(value) for name, value in values}
    return Efficiency(**found, overlap=_OVERLAP, gap=gpu.efficiency.gap)


def _summary(gpu: Gpu, measured: Measured) -> tuple[float, float]:
    if not len(measured.m):
        return 0.0, 0.0
    wrong = errors(gpu, measured)
    return float(np.median(wrong)), float(np.percentile(wrong, 90))
