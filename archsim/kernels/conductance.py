"""What is really in the cells: programming error, drift, stuck cells, a finite on/off ratio, IR drop."""

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.kernels.draws import generator
from archsim.kernels.encode import Cells
from archsim.kernels.ir_drop import drop
from archsim.kernels.spec import ArraySpec, Drift, Programming

Levels = NDArray[np.float64]

PCM_MICROSIEMENS = (0.26348, 1.9650, -1.1731)
PCM_LARGEST_MICROSIEMENS = 25.0
"""Deviation of a programmed phase-change cell: a polynomial of its conductance over the largest, in uS.

V. Joshi et al., Nature Communications 11 (2020) 2473, as fitted in AIHWKIT's PCMLikeNoiseModel.
"""


def deviation(model: Programming, level: Levels) -> Levels:
    """Standard deviation of programmed conductances; both as shares of the largest conductance."""
    if model.model == "additive":
        return np.full_like(level, model.sigma)
    if model.model == "proportional":
        return model.sigma * level
    if model.model == "pcm":
        a, b, c = PCM_MICROSIEMENS
        return np.maximum(a + b * level + c * level**2, 0) / PCM_LARGEST_MICROSIEMENS
    if model.model == "table":
        if not model.points:
            raise ArchsimError(
                "array: programming error by table has no points; expected (conductance, deviation) pairs"
            )
        at, values = zip(*sorted(model.points), strict=True)
        found: Levels = np.interp(level, at, values)
        return found
    return np.zeros_like(level)


def conductances(spec: ArraySpec, cells: Cells, seed: int, part: str) -> tuple[list[NDArray[np.float32]], float]:
    """Numbers that cells act as, float32 (slices, rows, cols), plus and minus apart; and the drift's compensation.

    A cell of number n ideally acts as n. What acts as more than its neighbours' share is in the same unit.
    """
    made, compensation = [], []
    for name, numbers in (("plus", cells.plus), ("minus", cells.minus)):
        if numbers is None:
            continue
        levels = numbers / spec.top_level
        programmed = _programmed(spec, levels, seed, f"{part}/{name}")
        drifted, scale = _drifted(spec.non_ideal.drift, programmed, seed, f"{part}/{name}")
        compensation.append(scale)
        made.append(_wired(spec, drifted).astype(np.float32))
    factor = sum(up for up, _ in compensation) / sum(down for _, down in compensation) if compensation else 1.0
    return made, factor if spec.non_ideal.drift.compensated else 1.0


def residual_conductances(
    spec: ArraySpec, cells: Cells, seed: int, part: str
) -> tuple[list[NDArray[np.float32]], float]:
    """As `conductances`, for analog slices: each pair of cells is given what those before it really left over."""
    units = [1 << (spec.cell_bits * place) for place in range(spec.n_slices)]
    left = sum((unit * digit for unit, digit in zip(units, cells.difference, strict=True)), np.zeros(()))
    plus: list[Levels] = []
    minus: list[Levels] = []
    before = after = 0.0
    for place in reversed(range(spec.n_slices)):
        wanted = np.clip(left / units[place], -spec.top_level, spec.top_level) / spec.top_level
        pair = []
        for name, level in (("plus", np.maximum(wanted, 0)), ("minus", np.maximum(-wanted, 0))):
            at = f"{part}/{name}/{place}"
            pair.append(_programmed(spec, level[None], seed, at))
            drifted, scale = _drifted(spec.non_ideal.drift, pair[-1], seed, at)
            before, after = before + scale[0], after + scale[1]
            (plus if name == "plus" else minus).append(_wired(spec, drifted)[0])
        left = left - units[place] * spec.top_level * (pair[0] - pair[1])[0]
    factor = before / after if spec.non_ideal.drift.compensated else 1.0
    return [np.stack(held[::-1]).astype(np.float32) for held in (plus, minus)], factor


def _programmed(spec: ArraySpec, levels: Levels, seed: int, part: str) -> Levels:
    """Conductances over the largest: never negative; some cells are stuck."""
    found = levels
    if spec.non_ideal.programming.model != "none":
        noise = generator(seed, part, "programming").standard_normal(levels.shape)
        found = np.maximum(found + deviation(spec.non_ideal.programming, levels) * noise, 0)
    if spec.non_ideal.stuck_on or spec.non_ideal.stuck_off:
        draw = generator(seed, part, "stuck").random(levels.shape)
        found = np.where(draw < spec.non_ideal.stuck_on, 1.0, found)
        found = np.where(draw >= 1 - spec.non_ideal.stuck_off, 0.0, found)
    return found


def _drifted(drift: Drift, levels: Levels, seed: int, part: str) -> tuple[Levels, tuple[float, float]]:
    """Conductances later on, and their sum before and after, by which outputs can be scaled back."""
    before = float(levels.sum())
    if drift.time_s <= drift.t0_s:
        return levels, (before or 1.0, before or 1.0)
    nu = np.maximum(generator(seed, part, "drift").normal(drift.nu, drift.nu_sigma, levels.shape), 0)
    later = levels * (drift.time_s / drift.t0_s) ** -nu
    return later, (before or 1.0, float(later.sum()) or 1.0)


def _wired(spec: ArraySpec, levels: Levels) -> Levels:
    """Numbers again: above the smallest conductance that a cell has, less what wires take of the voltage."""
    ratio = spec.non_ideal.on_off
    if ratio is not None:
        levels = 1 / ratio + levels * (1 - 1 / ratio)
    if spec.non_ideal.wire:
        levels = np.stack([drop(each, spec.non_ideal.wire, spec.non_ideal.activity) for each in levels])
    scale = spec.top_level if ratio is None else spec.top_level / (1 - 1 / ratio)
    return levels * scale
