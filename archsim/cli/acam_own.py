"""`archsim acam --expression` and `--points`: functions of one's own, of one variable or two."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from archsim.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from archsim.kernels.acam_study import Pairs, Row
    from archsim.kernels.acam_table import Table
    from archsim.kernels.expression import Expression
    from archsim.kernels.points import Points
    from archsim.steps.functions import Values

_USUAL = (-4.0, 4.0)
_PAIR_BITS, _DRAWN = 6, 600


@dataclass(frozen=True)
class Wanted:
    """What was asked for.

    Parameters
    ----------
    expression, points
        A formula, or a file of points; one of them.
    bits, out_bits
        Of a result, or, of two variables, of an operand and of a result.
    depth
        How often results are Gray-coded.
    coded
        Whether inputs of one variable are codes.
    span, span_y, out
        Ranges of x, y and of results, where they are given.
    """

    expression: str | None
    points: Path | None
    bits: int
    out_bits: int | None
    depth: int
    coded: bool
    span: tuple[float, float] | None
    span_y: tuple[float, float] | None
    out: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Study:
    """A function and how it is stored.

    Parameters
    ----------
    own
        The function.
    stored
        A table of one variable, or rectangles of two.
    size
        Of what is stored, with its error.
    against_bits
        Sizes and errors with other bits.
    against_noise
        Deviation of stored bounds, of the input's range, and the root mean square error.
    """

    own: Expression | Points
    stored: Table | Pairs
    size: Row
    against_bits: list[Row]
    against_noise: list[tuple[float, float]]

    def data(self) -> dict[str, Any]:
        """Errors as data."""
        noise = [{"sigma": sigma, "rms": rms} for sigma, rms in self.against_noise]
        return {
            "error": {"rms": self.size.rms, "largest": self.size.largest},
            "against_bits": [asdict(row) for row in self.against_bits],
            "against_noise": noise,
        }

    def curves(self) -> list[tuple[str, Values, Values, Values]]:
        """A label, inputs, exact and stored values: of one variable one curve, of two one for each of three y."""
        import numpy as np

        from archsim.kernels.acam_study import values_of
        from archsim.kernels.acam_table import Table

        if isinstance(self.stored, Table):
            x = np.linspace(self.stored.start, self.stored.stop, _DRAWN)
            return [("", x, self.own.apply(x), values_of(self.stored, x))]
        x = np.linspace(*self.stored.ends[0], _DRAWN)
        others = [np.full(x.shape, y) for y in np.linspace(*self.stored.ends[1], 3)]
        return [(f"y = {y[0]:g}", x, self.own.apply(x, y), values_of(self.stored, x, y)) for y in others]


def study(wanted: Wanted) -> Study:
    """Compile a function of one's own, and try it with other bits and with noise.

    Raises
    ------
    UsageError, ArchsimError
        For a function that cannot be read, or cannot be stored.
    """
    own = _own(wanted)
    return _of_one(own, wanted) if len(own.variables) == 1 else _of_two(own, wanted)


def _own(wanted: Wanted) -> Expression | Points:
    if wanted.expression is not None and wanted.points is not None:
        raise UsageError("found --expression and --points; expected one of them")
    if wanted.points is not None:
        from archsim.kernels.points import read_points

        return read_points(wanted.points)
    from archsim.kernels.expression import parse

    return parse(wanted.expression or "")


def _of_one(own: Expression | Points, wanted: Wanted) -> Study:
    from archsim.kernels.acam_functions import Function
    from archsim.kernels.acam_study import against_bits, against_noise, of_table
    from archsim.kernels.acam_table import compile_table

    for option, value in (("--range-y", wanted.span_y), ("--out-bits", wanted.out_bits), ("--out-range", wanted.out)):
        if value is not None:
            raise UsageError(f"found {option}, which is of functions of x and y; this one is of x alone")
    start, stop = wanted.span or _ends(own)[0]
    function = Function(own.text, own.apply, start, stop)
    table = compile_table(function, wanted.bits, depth=wanted.depth, coded=wanted.coded, start=start, stop=stop)
    noise = against_noise(function, table)
    return Study(own, table, of_table(function, table), against_bits(function, wanted.depth, start, stop), noise)


def _of_two(own: Expression | Points, wanted: Wanted) -> Study:
    from archsim.kernels.acam_study import compile_two, of_pairs, pairs_against_bits, pairs_against_noise

    if wanted.bits > _PAIR_BITS:
        found = f"found operands of {wanted.bits} bits; rectangles of two variables are looked for up to {_PAIR_BITS}"
        raise UsageError(f"{found}. Try --bits 4")
    span = wanted.span or _ends(own)[0]
    span_y = wanted.span_y or (_ends(own)[-1] if wanted.points is not None else span)
    for low, high in (span, span_y):
        if not low < high:
            raise UsageError(f"found the range {low:g} to {high:g}; expected one that grows")
    out_bits = wanted.out_bits or 2 * wanted.bits
    stored = compile_two(own.apply, wanted.bits, out_bits, (span, span_y), depth=wanted.depth, out=wanted.out)
    rows, noise = pairs_against_bits(own.apply, stored), pairs_against_noise(own.apply, stored)
    return Study(own, stored, of_pairs(own.apply, stored), rows, noise)


def _ends(own: Expression | Points) -> tuple[tuple[float, float], ...]:
    """Ranges of points are those of the file."""
    return getattr(own, "ends", (_USUAL, _USUAL))
