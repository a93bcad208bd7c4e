"""Functions that a user writes, such as `x * sigmoid(x)`: a small grammar, never evaluated as code."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from math import e, pi
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import UsageError, did_you_mean, quoted
from archsim.steps.functions import CURVES, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST, _DEEPEST, _LARGEST = 500, 40, 1e300
VARIABLES = ("x", "y")
_CONSTANTS = {"pi": pi, "e": e}
_OF_ONE: Mapping[str, Callable[[Values], Values]] = {
    **CURVES,
    "exp": np.exp,
    "log": np.log,
    "log2": np.log2,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "square": np.square,
    "abs": np.abs,
    "sign": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "floor": np.floor,
    "round": np.rint,
}
_OF_TWO: Mapping[str, Callable[[Values, Values], Values]] = {"min": np.minimum, "max": np.maximum}
_OPERATORS: Mapping[type[ast.operator], Callable[[Values, Values], Values]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}


@dataclass(frozen=True, eq=False)
class Expression:
    """A function of one or two variables.

    Parameters
    ----------
    text
        As it was written.
    variables
        `x`, or `x` and `y`.
    tree
        Of nodes that have been checked.
    """

    text: str
    variables: tuple[str, ...]
    tree: ast.expr

    def apply(self, *values: Values) -> Values:
        """The function of numbers of any shapes that can be broadcast, float64."""
        given = dict(zip(self.variables, values, strict=True))
        with np.errstate(all="ignore"):
            result = _value(self.tree, given)
        return np.asarray(np.broadcast_to(result, np.broadcast_shapes(*(np.shape(x) for x in values))), np.float64)


def parse(text: str) -> Expression:
    """Read an expression: numbers, x, y, pi, e, + - * / **, brackets, and functions of one or two operands.

    Raises
    ------
    UsageError
        With the column, for anything else.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"--expression: found {len(text):,} characters; expected at most {_LONGEST}")
    try:
        tree = ast.parse(text.strip() or " ", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", None) or 1
        expected = "expected a formula of x (and y), such as x*sigmoid(x)"
        raise UsageError(f"--expression: column {column}: found {quoted(text)}; {expected}") from None
    names: set[str] = set()
    _check(tree, names, 0)
    if not names:
        raise UsageError(
            f"--expression: found {quoted(text)}, which is the same everywhere; expected one of x, or x and y"
        )
    if names == {"y"}:
        raise UsageError("--expression: found y without x; expected x for one variable")
    return Expression(text.strip(), tuple(sorted(names)), tree)


def _check(node: ast.expr, names: set[str], depth: int) -> None:
    """Raise UsageError for what is not of the grammar; variables are collected."""
    if depth > _DEEPEST:
        raise UsageError(f"--expression: column {node.col_offset + 1}: more than {_DEEPEST} deep in brackets")
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and _number(node.value) is not None:
        return
    if isinstance(node, ast.Name):
        if node.id not in (*VARIABLES, *_CONSTANTS):
            known = did_you_mean(node.id, (*VARIABLES, *_CONSTANTS, *_OF_ONE, *_OF_TWO))
            raise UsageError(f"--expression: column {node.col_offset + 1}: unknown name {quoted(node.id)}. {known}")
        names |= {node.id} & set(VARIABLES)
        return
    for inner in _operands(node):
        _check(inner, names, depth + 1)


def _number(value: float) -> float | None:
    """None for truth values, and for numbers that are too large."""
    return None if isinstance(value, bool) or not abs(value) < _LARGEST else value


def _operands(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return [node.operand]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        name, number = node.func.id, len(node.args)
        takes = 1 if name in _OF_ONE else 2 if name in _OF_TWO else 0
        if not takes:
            known = did_you_mean(name, (*_OF_ONE, *_OF_TWO))
            raise UsageError(f"--expression: column {node.col_offset + 1}: unknown function {quoted(name)}. {known}")
        if number != takes:
            found = f"found {number} operand{'s' * (number != 1)} of {name}; expected {takes}"
            raise UsageError(f"--expression: column {node.col_offset + 1}: {found}")
        return node.args
    expected = "expected numbers, x, y, + - * / **, brackets and functions"
    raise UsageError(f"--expression: column {node.col_offset + 1}: found {quoted(ast.unparse(node)[:60])}; {expected}")


def _value(node: ast.expr, given: Mapping[str, Values]) -> Values:
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, int | float)  # noqa: S101 (checked)
        return np.asarray(node.value, np.float64)
    if isinstance(node, ast.Name):
        return given[node.id] if node.id in given else np.asarray(_CONSTANTS[node.id])
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left, given), _value(node.right, given))
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, given)
        return -inner if isinstance(node.op, ast.USub) else inner
    assert isinstance(node, ast.Call)  # noqa: S101 (checked)
    assert isinstance(node.func, ast.Name)  # noqa: S101
    operands = [_value(argument, given) for argument in node.args]
    return _OF_TWO[node.func.id](*operands) if node.func.id in _OF_TWO else _OF_ONE[node.func.id](*operands)
