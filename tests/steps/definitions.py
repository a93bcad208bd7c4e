"""Operators by their definitions, number by number in plain Python: nothing of this is archsim's."""

from collections.abc import Callable, Sequence
from math import erfc, exp, log1p, prod, sqrt, tanh

import numpy as np

EPSILON = 0.02
WIDTH = 7
POWER = (1.5, 0.1, -0.6)
BOUNDS = (-1.25, 2.5)
NEIGHBOURS = 5
Row = Sequence[float]


def _softmax(x: Row) -> list[float]:
    return [1 / sum(exp(other - one) for other in x) for one in x]


def _layernorm(x: Row, weight: Row, bias: Row) -> list[float]:
    mean = sum(x) / len(x)
    deviation = sqrt(sum((one - mean) ** 2 for one in x) / len(x) + EPSILON)
    return [(one - mean) / deviation * scale + shift for one, scale, shift in zip(x, weight, bias, strict=True)]


def _rmsnorm(x: Row, weight: Row) -> list[float]:
    root = sqrt(sum(one * one for one in x) / len(x) + EPSILON)
    return [one / root * scale for one, scale in zip(x, weight, strict=True)]


def _lrn(x: Row) -> list[float]:
    bias, factor, exponent = POWER
    half = NEIGHBOURS // 2
    squares = [sum(one * one for one in x[max(0, at - half) : at + half + 1]) for at in range(len(x))]
    return [one * (bias + factor * square) ** exponent for one, square in zip(x, squares, strict=True)]


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def _hardswish(x: float) -> float:
    return 0.0 if x < -3 else x if x > 3 else x * (x + 3) / 6


CURVES: dict[str, Callable[[float], float]] = {
    "gelu": lambda x: x * erfc(-x / sqrt(2)) / 2,
    "silu": lambda x: x * _sigmoid(x),
    "relu": lambda x: x if x > 0 else 0.0,
    "tanh": tanh,
    "sigmoid": _sigmoid,
    "relu6": lambda x: 0.0 if x < 0 else min(x, 6.0),
    "clip": lambda x: min(max(x, BOUNDS[0]), BOUNDS[1]),
    "exp": exp,
    "hardswish": _hardswish,
    "softplus": lambda x: max(x, 0) + log1p(exp(-abs(x))),
    "softsign": lambda x: x / (1 + abs(x)),
    "mish": lambda x: x * tanh(max(x, 0) + log1p(exp(-abs(x)))),
}
PAIRS: dict[str, Callable[[float, float], float]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
}
LEAVE_ONE: dict[str, Callable[[Row], float]] = {
    "maxpool": max,
    "avgpool": lambda x: sum(x) / len(x),
    "argmax": lambda x: float(list(x).index(max(x))),
}
ROWS: dict[str, Callable[..., list[float]]] = {
    "softmax": _softmax,
    "layernorm": _layernorm,
    "rmsnorm": _rmsnorm,
    "lrn": _lrn,
    "embedding": lambda *of: [sum(numbers) for numbers in zip(*of, strict=True)],
    "batchnorm": lambda *of: [x * scale + shift for x, scale, shift in zip(*of, strict=True)],
    "rotary": lambda *of: [x * cosine + turned * sine for x, turned, cosine, sine in zip(*of, strict=True)],
}
PRODUCTS = ("matmul", "scores", "context", "linear", "dense", "depthwise")


def result(operator: str, inputs: list[np.ndarray]) -> np.ndarray:
    """Of an operator, for each row of its inputs."""
    if operator in PRODUCTS:
        rows, columns = inputs[0].reshape(-1, WIDTH), inputs[1].reshape(-1, WIDTH)
        sums = [[sum(map(prod, zip(row, column, strict=True))) for column in columns] for row in rows]
        return np.array(sums)[..., None]
    same = np.broadcast_arrays(*inputs)
    flat = [x.reshape(-1, WIDTH).tolist() for x in same]
    of_rows = np.array([_of_row(operator, list(of)) for of in zip(*flat, strict=True)])
    return of_rows.reshape(*same[0].shape[:-1], -1)


def _of_row(operator: str, of: list[list[float]]) -> list[float]:
    if operator in CURVES:
        return [CURVES[operator](x) for x in of[0]]
    if operator in PAIRS:
        return [PAIRS[operator](x, y) for x, y in zip(*of, strict=True)]
    if operator in LEAVE_ONE:
        return [LEAVE_ONE[operator](of[0])]
    return ROWS[operator](*of)
