"""Recipes on numbers in plain numpy, from what each part's documentation says: nothing of this is archsim's.

Numbers are float64 arrays; a logarithm is a pair (sign, magnitude) with sign 0 for zero. Steps are those of a machine's
file: a function, its operands by name, and who does it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erf, fsum
from typing import Any

import numpy as np

Numbers = Any
"""An array, or a pair of arrays."""
Exact = Callable[..., Numbers]


def _erf(x: np.ndarray) -> np.ndarray:
    return np.array([erf(one) for one in x.ravel()]).reshape(x.shape)


def _total(x: np.ndarray) -> np.ndarray:
    rows = x.reshape(-1, x.shape[-1])
    return np.array([fsum(row) for row in rows]).reshape(*x.shape[:-1], 1)


def _add(x: Numbers, y: Numbers, by: int = 1) -> Numbers:
    if not isinstance(x, tuple) and not isinstance(y, tuple):
        return x + by * y
    (one, first), (other, second) = (of if isinstance(of, tuple) else (np.ones(1), of) for of in (x, y))
    return one * other, first + by * second


def _log(x: np.ndarray) -> Numbers:
    return np.sign(x), np.log(np.where(x == 0, 1, np.abs(x)))


def _exp(x: Numbers) -> np.ndarray:
    return np.asarray(x[0] * np.exp(x[1]) if isinstance(x, tuple) else np.exp(x))


FUNCTIONS: dict[str, Exact] = {
    "exp": _exp,
    "log": _log,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "gelu": lambda x: 0.5 * x * (1 + _erf(x / np.sqrt(2))),
    "silu": lambda x: x * (1 / (1 + np.exp(-x))),
    "relu": lambda x: np.maximum(x, 0),
    "absolute": np.abs,
    "add": _add,
    "subtract": lambda x, y: _add(x, y, -1),
    "multiply": lambda x, y: x * y,
    "sum": _total,
    "mean": lambda x: _total(x) / x.shape[-1],
    "multiply_accumulate": lambda x, y: _total(x * y),
    "argmax": lambda x: x.argmax(axis=-1)[..., None].astype(float),
}
LEAVES_ONE = ("sum", "mean", "maximum", "argmax", "multiply_accumulate")


@dataclass(frozen=True)
class Plain:
    """A recipe.

    steps: (text, who). inputs: names. epsilon, factor, bounds: of the operator. units: who -> (name, operands, spans,
    exact) -> result. log_result: whether it is left as a logarithm.
    """

    steps: Sequence[tuple[str, str]]
    inputs: Sequence[str]
    units: dict[str, Callable[..., Numbers]]
    epsilon: float
    factor: float
    bounds: tuple[float, float]

    def run(self, given: Sequence[Numbers]) -> Numbers:
        """Ranges by an exact run, then in the units' arithmetic."""
        spans: list[Any] = []
        self._go(given, None, spans)
        return self._go(given, spans, [])

    def _go(self, given: Sequence[Numbers], spans: Sequence[Any] | None, seen: list[Any]) -> Numbers:
        tensors, names = list(given), list(self.inputs)
        full = [one not in ("weight", "bias", "cosine", "sine") for one in names]
        seen.extend(map(_numbers, given))
        for text, who in self.steps:
            name, *operands = text.split()
            reads = [self._find(one, names) for one in operands] or self._usual(name, full, len(self.inputs))
            values = [tensors[at] if isinstance(at, int) else np.float64(at) for at in reads]
            if name not in ("exp", "add", "subtract", "log", "write"):
                values = [of[1] if isinstance(of, tuple) else of for of in values]
            exact = self._exact(name, len(values))
            if spans is None:
                result = exact(*values)
            else:
                ranges = [spans[at] if isinstance(at, int) else np.array([at]) for at in reads]
                result = self.units[who](name, values, ranges, exact)
            names.append(name if name not in names else f"{name}.{1 + sum(x.split('.')[0] == name for x in names)}")
            reduces = name in LEAVES_ONE and not (name == "maximum" and len(values) > 1)
            full.append(not reduces and any(full[at] for at in reads if isinstance(at, int)))
            tensors.append(result)
            seen.append(_numbers(result))
        return tensors[-1]

    def _exact(self, name: str, operands: int) -> Exact:
        own: dict[str, Exact] = {
            "rsqrt": lambda x: 1 / np.sqrt(x + self.epsilon),
            "scale": lambda x: x * self.factor,
            "clip": lambda x: np.clip(x, *self.bounds),
            "maximum": np.maximum if operands > 1 else lambda x: x.max(axis=-1, keepdims=True),
            "minimum": np.minimum,
        }
        return own[name] if name in own else FUNCTIONS[name]

    @staticmethod
    def _find(operand: str, names: Sequence[str]) -> int | float:
        return names.index(operand) if operand in names else float(operand)

    @staticmethod
    def _usual(name: str, full: Sequence[bool], inputs: int) -> list[int]:
        """The first step: the first inputs; later ones the result before, two the last full row and that."""
        last = len(full) - 1
        two = name in ("add", "subtract", "multiply", "multiply_accumulate")
        if last < inputs:
            return [0, 1] if two else [0]
        return [max(at for at in range(last) if full[at]), last] if two else [last]


def _numbers(x: Numbers) -> np.ndarray:
    """What a range is taken of: all numbers, of logarithms those of numbers that are not zero."""
    if not isinstance(x, tuple):
        return np.asarray(x).ravel()
    sign, magnitude = np.broadcast_arrays(*x)
    return np.asarray(magnitude[sign != 0]).ravel()


def float32(name: str, operands: Sequence[Numbers], spans: Sequence[Any], exact: Exact) -> Numbers:  # noqa: ARG001
    """A digital unit."""

    def rounded(x: Numbers) -> Numbers:
        if isinstance(x, tuple):
            return x[0], rounded(x[1])
        return np.asarray(np.asarray(x, np.float32), np.float64)

    return rounded(exact(*(rounded(x) for x in operands)))


def _limit(span: np.ndarray, top: int) -> float:
    """Of the largest magnitude, 100, 95 ... 25 %: what leaves the least squared error."""
    numbers = np.append(span, (span.min(), span.max()))
    largest, low = np.abs(span).max(), -top if span.min() < 0 else 0

    def error(percent: int) -> float:
        step = largest * percent / 100 / top
        return float(((np.clip(np.rint(numbers / step), low, top) * step - numbers) ** 2).sum())

    return float(largest * (min(range(100, 20, -5), key=error) / 100))


def whole(bits: int) -> Callable[..., Numbers]:
    """A digital unit with whole numbers; its sums fit."""
    top = 2 ** (bits - 1) - 1

    def unit(name: str, operands: Sequence[Numbers], spans: Sequence[Any], exact: Exact) -> Numbers:  # noqa: ARG001
        def taken(x: Numbers, span: np.ndarray) -> Numbers:
            if isinstance(x, tuple):
                return x[0], taken(x[1], span)
            step = _limit(span, top) / top
            return np.clip(np.rint(x / step), -top, top) * step

        return exact(*map(taken, operands, spans))

    return unit


def _curve(name: str, exact: Exact) -> Exact:
    return (lambda x: _log(x)[1]) if name == "log" else exact


def _nearest(x: np.ndarray, low: float, high: float, levels: int) -> np.ndarray:
    codes = np.floor((x - low) / (high - low) * levels + 0.5)
    return low + (high - low) * codes / levels


def cam(bits: int) -> Callable[..., Numbers]:
    """An analog CAM large enough for any table: the nearest of 2^bits results over the operand's range."""
    levels = 2**bits - 1

    def stored(name: str, x: np.ndarray, start: float, stop: float, exact: Exact) -> np.ndarray:
        if start == stop:
            return np.full(x.shape, _curve(name, exact)(np.array([start]))[0])
        function = _curve(name, exact)
        ends = function(np.linspace(start, stop, 200_001))
        return _nearest(function(np.clip(x, start, stop)), ends.min(), ends.max(), levels)

    def unit(name: str, operands: Sequence[Numbers], spans: Sequence[Any], exact: Exact) -> Numbers:
        x, span = operands[0], spans[0]
        if name == "log":
            size = np.abs(span[span != 0])
            start = min(_log_begin(size, levels), size.max() / 2)
            step = np.log(size.max() / start) / levels
            sign = np.where(np.abs(x) < start * np.exp(-step / 2), 0, np.sign(x))
            return sign, stored(name, np.abs(x), start, size.max(), exact)
        if isinstance(x, tuple):
            return x[0] * stored(name, x[1], span.min(), span.max(), np.exp)
        begin = span[span > 0].min() if name in ("reciprocal", "rsqrt") else span.min()
        return stored(name, x, begin, span.max(), exact)

    return unit


def _log_begin(size: np.ndarray, levels: int) -> float:
    """Of 3 to 20 nats below the largest, what leaves the least squared error."""

    def error(nats: int) -> float:
        begin = np.log(size.max()) - nats
        codes = np.rint((np.log(size) - begin) * levels / nats)
        return float(((np.where(codes < 0, 0, np.exp(begin + codes * nats / levels)) - size) ** 2).sum())

    return float(np.exp(np.log(size.max()) - min(range(3, 21), key=error)))


def race(name: str, operands: Sequence[Numbers], spans: Sequence[Any], exact: Exact) -> Numbers:
    """A RACE unit with room for all: products of signed 8-bit codes; functions of an 8-bit code."""
    if name == "multiply":
        steps = [_limit(span, 127) / 127 for span in spans]
        codes = [np.clip(np.rint(x / step), -127, 127) for x, step in zip(operands, steps, strict=True)]
        return codes[0] * codes[1] * (steps[0] * steps[1])
    span = spans[0]
    begin, end = (span[span > 0].min() if name in ("reciprocal", "rsqrt") else span.min()), span.max()
    points = exact(np.linspace(begin, end, 256))
    codes = np.rint((np.clip(operands[0], begin, end) - begin) / (end - begin) * 255).astype(int)
    return _nearest(points[codes], points.min(), points.max(), 255)
