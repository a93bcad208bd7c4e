"""Operators of a Graph, one after the other, each with the shape of its result; sizes that do not fit are refused."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Literal

from archsim.errors import ArchsimError
from archsim.graph.axes import Axis, Dim, Shape, dim, shown, size_of, sizes_of
from archsim.graph.draft import Draft
from archsim.graph.nodes import Contraction, Elementwise, Mask, Normalise, Pool, Reduce, Reduction
from archsim.graph.windows import SAME, Interval

_LETTERS = "abcdefghjklmnpqrstuvwxyz"
"""Of dimensions, but i and o, the inputs and outputs of a projection."""
_OUTPUTS = 1 << 16
"""Order of axes of outputs: where a reshape makes positions of them, they are counted after those that were there."""
Sizes = Sequence[int | None]


class Builder(Draft):
    """A draft to which operators are added: products, and work on rows and single numbers."""

    def contraction(
        self,
        name: str,
        first: str,
        second: str,
        letters: str,
        *,
        sizes: Mapping[str, int] | None = None,
        windows: Sequence[tuple[str, str, Interval, int]] = (),
        axes: Mapping[str, Axis] | None = None,
        bias: str | None = None,
        scale: float = 1.0,
        cap: float | None = None,
        mask: Mask | None = None,
        kind: str | None = None,
    ) -> str:
        """A product in Einstein's notation, such as `si,oi->so`. Raises ArchsimError for sizes that do not fit.

        Parameters
        ----------
        name
            Of the node; made unique.
        first, second
            Names of the operands; the second may be weights.
        letters
            Of their dimensions, and of the result's.
        sizes
            Of weights: indices of letters into which they are reshaped.
        windows
            (letter of first, letter of its taps in second, interval, indices of the result).
        axes
            By letter, for dimensions of the result that are new.
        """
        operands, _, result = letters.partition("->")
        one, _, other = operands.partition(",")
        stationary = second in self.weights
        key = f"{self.layer}/{self.name(name)}"
        sizes = dict(sizes or {})
        own = self._second_sizes(key, second, other, sizes) if stationary else ()
        there = (
            dict(zip(other, own, strict=True))
            if stationary
            else dict(zip(other, sizes_of(self.of(second)), strict=True))
        )
        here = dict(zip(one, self.of(first), strict=True)) if len(one) == len(self.of(first)) else None
        if here is None or any(x in there and there[x] != size_of(each) for x, each in here.items()):
            found = f"{key}: {shown(self.of(first))} of {first!r} and {shown(self.of(second))} of {second!r}"
            raise ArchsimError(f"{found} do not fit: expected the same number of inputs in both")
        spans = {x: (interval, size) for x, _, interval, size in windows}

        def made(x: str) -> Dim:
            if x in (axes or {}):
                return dim((axes or {})[x])
            if x in spans and spans[x] != (SAME, size_of(here[x])):
                return dim(Axis(f"{key}:{x}", spans[x][1], here[x][0].axis.order if here[x] else 0))
            if x in here:
                return here[x]
            if stationary:
                return dim(Axis(f"{key}:{x}", there[x], _OUTPUTS))
            kept = self.of(second)[other.index(x)]
            if x in one or any(factor.axis.seen for factor in kept):
                return kept
            # keys may be counted as the queries are: in the result they are another axis
            return dim(Axis(f"{key}:{x}", size_of(kept))) if kept else ()

        layer, _, own_name = key.rpartition("/")
        return self.add(
            Contraction(
                layer=layer,
                name=own_name,
                kind=kind or ("linear" if stationary else "matmul"),
                inputs=(first, second) if bias is None else (first, second, bias),
                shape=tuple(made(x) for x in result),
                first=one,
                second=other,
                result=result,
                stationary=stationary,
                second_sizes=own,
                windows=tuple((x, tap, interval) for x, tap, interval, _ in windows),
                scale=scale,
                cap=cap,
                mask=mask,
            )
        )

    def _second_sizes(self, key: str, name: str, letters: str, sizes: Mapping[str, int]) -> tuple[int, ...]:
        shape = self.weights[name].shape
        if not sizes and len(letters) == len(shape):
            return shape
        own = tuple(sizes[x] for x in letters)
        if prod(own) != prod(shape):
            raise ArchsimError(
                f"{key}: weights {name!r} are {list(shape)}; expected {prod(own):,} numbers, {list(own)}"
            )
        return own

    def linear(
        self,
        name: str,
        x: str,
        outputs: int,
        *,
        bias: bool = True,
        trained_bias: int | None = None,
        tied: str | None = None,
        weight: str | None = None,
        scale: float = 1.0,
        cap: float | None = None,
    ) -> str:
        """A projection of the last dimension: weights (outputs, inputs) of the node's name, and a bias.

        trained_bias: trained numbers of the bias, if not as many as it has. tied: the weight whose numbers it has.
        scale, cap: of the result.
        """
        key = f"{self.layer}/{name}"
        shape = self.of(x)
        inputs = size_of(shape[-1]) or 1
        matrix = self.weight(weight or f"{key}.weight", (outputs, inputs), tied=tied)
        vector = self.weight(f"{key}.bias", (outputs,), trained=trained_bias) if bias else None
        rows = _LETTERS[: len(shape) - 1]
        return self.contraction(name, x, matrix, f"{rows}i,oi->{rows}o", bias=vector, scale=scale, cap=cap)

    def norm(
        self,
        name: str,
        x: str,
        function: Literal["layernorm", "rmsnorm"],
        *,
        epsilon: float,
        shape: Sequence[int] | None = None,
        trained: int | None = None,
        scaled: bool = True,
        shifted: bool | None = None,
    ) -> str:
        """A norm of the last dimension, with a scale and, of a layer norm, a shift, of the shape of a row.

        shape, trained: of the scale, if it is another for each head. scaled, shifted: if not as usual.
        """
        key = f"{self.layer}/{name}"
        row = tuple(shape or (size_of(self.of(x)[-1]) or 1,))
        shifted = function == "layernorm" if shifted is None else shifted
        vectors = [self.weight(f"{key}.scale", row, trained=trained)] if scaled else []
        vectors += [self.weight(f"{key}.shift", row, trained=trained)] if shifted else []
        return self.add(
            Normalise(
                layer=self.layer,
                name=self.name(name),
                kind=function,
                inputs=(x, *vectors),
                shape=self.of(x),
                function=function,
                dims=(len(self.of(x)) - 1,),
                epsilon=epsilon,
                scaled=scaled,
                shifted=shifted,
            )
        )

    def softmax(
        self,
        name: str,
        x: str,
        at: int = -1,
        function: Literal["softmax", "log_softmax"] = "softmax",
        sinks: str | None = None,
    ) -> str:
        """Over a dimension. sinks: weights, one more number of each row, by the first dimensions."""
        shape = self.of(x)
        return self.add(
            Normalise(
                layer=self.layer,
                name=self.name(name),
                kind="softmax",
                inputs=(x,) if sinks is None else (x, sinks),
                shape=shape,
                function=function,
                dims=(at % len(shape),),
                sinks=sinks is not None,
            )
        )

    def elementwise(self, name: str, kind: str, *xs: str, function: str = "", parameters: Sequence[float] = ()) -> str:
        """A function of numbers at the same index. Raises ArchsimError where shapes do not go together."""
        key = f"{self.layer}/{name}"
        return self.add(
            Elementwise(
                layer=self.layer,
                name=self.name(name),
                kind=kind,
                inputs=xs,
                shape=self._together(key, [self.of(x) for x in xs], [x in self.weights for x in xs]),
                function=function or kind,
                parameters=tuple(parameters),
            )
        )

    def _together(self, key: str, shapes: Sequence[Shape], constant: Sequence[bool]) -> Shape:
        """The dimensions of the first operand that has more than one index there; of weights only where none has."""
        dims = max(map(len, shapes))
        ordered = [shape for _, shape in sorted(zip(constant, shapes, strict=True), key=lambda each: each[0])]
        padded = [((),) * (dims - len(shape)) + shape for shape in ordered]
        found: list[Dim] = []
        for here in zip(*padded, strict=True):
            wide = [each for each in here if size_of(each) != 1]
            if any(size_of(each) != size_of(wide[0]) for each in wide):
                sizes = " and ".join(map(shown, shapes))
                raise ArchsimError(f"{key}: shapes {sizes} do not go together; expected the same sizes, or 1")
            found.append(wide[0] if wide else here[0])
        return tuple(found)

    def reduce(
        self,
        name: str,
        kind: str,
        x: str,
        function: Reduction,
        dims: Sequence[int],
        *,
        kept: bool = False,
    ) -> str:
        """One number of each row, which these dimensions make."""
        shape = self.of(x)
        rows = tuple(sorted(at % len(shape) for at in dims))
        left = tuple(() if at in rows else one for at, one in enumerate(shape) if kept or at not in rows)
        return self.add(
            Reduce(
                layer=self.layer,
                name=self.name(name),
                kind=kind,
                inputs=(x,),
                shape=left,
                function=function,
                dims=rows,
                kept=kept,
            )
        )

    def pool(
        self,
        name: str,
        kind: str,
        x: str,
        function: Literal["maximum", "mean", "sum"],
        windows: Sequence[tuple[int, Interval, int]],
        *,
        padding_counts: bool = False,
    ) -> str:
        """The largest, the mean or the sum under windows: (dimension, interval, indices of the result)."""
        layer, own = self.layer, self.name(name)
        shape = list(self.of(x))
        for at, _, size in windows:
            order = shape[at][0].axis.order if shape[at] else 0
            shape[at] = dim(Axis(f"{layer}/{own}:{at}", size, order))
        return self.add(
            Pool(
                layer=layer,
                name=own,
                kind=kind,
                inputs=(x,),
                shape=tuple(shape),
                function=function,
                windows=tuple((at, interval) for at, interval, _ in windows),
                padding_counts=padding_counts,
            )
        )
