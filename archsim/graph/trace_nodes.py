"""From a line of a trace of operators to nodes: exact where sizes say what is computed, else without values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from archsim.graph.axes import Axis, Dim, Shape, dim
from archsim.graph.builder import Builder
from archsim.graph.nodes import Normalise, Unknown
from archsim.graph.views import Repeat
from archsim.parts.quantity import Count, Name

PRODUCTS = ("scores", "context")
LEAVE_ONE: Mapping[str, Literal["maximum", "mean", "argmax"]] = {
    "maxpool": "maximum",
    "avgpool": "mean",
    "argmax": "argmax",
}
"""Operators that leave one value of a row."""
_NORMS: Mapping[str, Literal["softmax", "layernorm", "rmsnorm"]] = {
    "softmax": "softmax",
    "layernorm": "layernorm",
    "rmsnorm": "rmsnorm",
}
_EPSILON = 1e-5
_OF_ONE = ("gelu", "silu", "relu", "relu6", "tanh", "sigmoid", "exp", "hardswish")
_OF_MANY = ("add", "mul")
_OF_TWO = ("sub", "div")


class Line(BaseModel):
    """One operator at each of `positions`.

    op: `linear` (with in, out), `scores` or `context` (with heads, head_dim, keys), else work on `rows` of `width`.
    inputs: names of operators that it waits for: the same position of one with as many positions, else all.
    layer: those of a layer share its units; if not given, that of the projection before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    name: Name
    op: Name
    inputs: list[Name] = Field(default_factory=list)
    positions: Count = 1
    layer: Name | None = None
    in_features: Count | None = Field(default=None, alias="in")
    out_features: Count | None = Field(default=None, alias="out")
    rows: Count = 1
    width: Count | None = None
    heads: Count | None = None
    head_dim: Count | None = None
    keys: Count | None = None

    @property
    def gives(self) -> int:
        """Values at a position."""
        if self.op == "linear":
            return self.out_features or 1
        if self.op in PRODUCTS:
            return (self.heads or 1) * ((self.keys if self.op == "scores" else self.head_dim) or 1)
        return self.rows if self.op in LEAVE_ONE else self.rows * (self.width or 1)


@dataclass
class Tracing:
    """Nodes of lines, in an order in which every input comes first.

    places: by name, where a line stands. keys: of nodes, by name. lines: so far.
    """

    builder: Builder
    places: Mapping[str, str]
    keys: dict[str, str] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)

    def take(self, line: Line) -> None:
        """Make the nodes of a line."""
        self.builder.layer = line.layer or line.name
        if line.op == "linear":
            key = self.builder.linear(line.name, self._joined(line), line.out_features or 1, bias=False)
        elif line.op in PRODUCTS:
            key = self._product(line)
        else:
            key = self._rows(line)
        self.keys[line.name], self.lines[line.name] = key, line

    def _joined(self, line: Line) -> str:
        """Values of the same position side by side; all those of what has other positions."""
        builder, name = self.builder, f"{line.name} inputs"
        parts = []
        for source in line.inputs:
            x, there = self._flat(source), self.lines[source]
            if there.positions != line.positions:
                x = builder.reshape(x, (1, there.positions * there.gives), name)
                shape = (_positions(line.positions), builder.of(x)[1])
                if line.positions > 1:
                    x = builder.add(Repeat(layer=builder.layer, name=builder.name(name), inputs=(x,), shape=shape))
            parts.append(x)
        if not parts:
            return self._outside(line, line.in_features or 1)
        return parts[0] if len(parts) == 1 else builder.concat(parts, 1, name)

    def _product(self, line: Line) -> str:
        """Of heads: a row of the first operand with all of the second."""
        heads, size, keys = line.heads or 1, line.head_dim or 1, line.keys or 1
        scored = line.op == "scores"
        first = self._operand(line, line.inputs[:1], line.positions, heads, size if scored else keys, 0)
        second = self._operand(line, line.inputs[1:], keys, heads, size, 1 if scored else 2)
        letters = "phd,khd->phk" if scored else "phk,khd->phd"
        return self.builder.contraction(line.name, first, second, letters)

    def _operand(self, line: Line, sources: Sequence[str], positions: int, heads: int, size: int, part: int) -> str:
        """[positions, heads, values of a head]: what a source gives, or a third of it (queries, keys and values)."""
        builder, wide = self.builder, heads * size
        name = f"{line.name} {'second' if part else 'first'}"
        there = self.lines[sources[0]] if len(sources) == 1 else None
        if not sources:
            x = self._outside(line, wide, positions, name)
        elif there is not None and (there.positions, there.gives) == (positions, wide):
            x = self._flat(there.name)
        elif there is not None and (there.positions, there.gives) == (positions, 3 * wide):
            x = builder.slice(self._flat(there.name), 1, part * wide, wide, name=name)
        else:
            why = f"its inputs do not give {wide:,} values at {positions:,} positions, or three times as many"
            x = self._unknown(line, name, "view", sources, (positions, wide), why)
        return builder.reshape(x, (positions, heads, size), name)

    def _rows(self, line: Line) -> str:
        """Rows of so many values."""
        builder, wide = self.builder, line.rows * (line.width or 1)
        given = [(each.positions, each.gives) for each in (self.lines[name] for name in line.inputs)]
        here = (line.positions, wide)
        fits = here in given and set(given) <= {here, (1, wide)}
        if fits and ((len(given) == 2 and line.op in _OF_TWO) or (len(given) > 1 and line.op in _OF_MANY)):  # noqa: PLR2004
            return builder.elementwise(line.name, line.op, *map(self._flat, line.inputs))
        alone = line.op in _NORMS or line.op in _OF_ONE or line.op in LEAVE_ONE
        if alone and not given:
            return self._alone(line, self._outside(line, wide))
        if alone and given == [here]:
            return self._alone(line, self._flat(line.inputs[0]))
        if line.op in LEAVE_ONE and line.positions == 1 and given == [(line.width, line.rows)]:
            x = self._flat(line.inputs[0])
            return builder.reduce(line.name, line.op, x, LEAVE_ONE[line.op], (0,), kept=True)
        if alone or line.op in (*_OF_TWO, *_OF_MANY):
            why = f"its inputs do not give {wide:,} values at {line.positions:,} positions for each operand"
        else:
            why = f"what {line.op} computes is not said"
        shape = (line.positions, line.gives)
        return self._unknown(line, line.name, line.op, line.inputs, shape, why, (line.rows, line.width or 1))

    def _alone(self, line: Line, x: str) -> str:
        """What takes one operand."""
        builder = self.builder
        if line.op in _OF_ONE:
            return builder.elementwise(line.name, line.op, x)
        x = builder.reshape(x, (line.positions, line.rows, line.width or 1), f"{line.name} rows")
        if line.op in LEAVE_ONE:
            return builder.reduce(line.name, line.op, x, LEAVE_ONE[line.op], (2,))
        return builder.add(
            Normalise(
                layer=builder.layer,
                name=builder.name(line.name),
                kind=line.op,
                inputs=(x,),
                shape=builder.of(x),
                function=_NORMS[line.op],
                dims=(2,),
                epsilon=0.0 if line.op == "softmax" else _EPSILON,
            )
        )

    def _flat(self, name: str) -> str:
        """What a line gives, as [positions, values]."""
        line = self.lines[name]
        return self.builder.reshape(self.keys[name], (line.positions, line.gives), f"{line.name} values")

    def _outside(self, line: Line, values: int, positions: int | None = None, name: str = "") -> str:
        """What comes in, where no line gives it."""
        shape = _shape(name or f"{line.name} input", positions or line.positions, values)
        return self.builder.input(name or f"{line.name} input", shape, positions=1)

    def _unknown(
        self,
        line: Line,
        name: str,
        kind: str,
        sources: Sequence[str],
        sizes: tuple[int, int],
        why: str,
        work: tuple[int, int] | None = None,
    ) -> str:
        builder = self.builder
        own = builder.name(name)
        return builder.add(
            Unknown(
                layer=builder.layer,
                name=own,
                kind=kind,
                inputs=tuple(map(self._flat, sources)),
                shape=_shape(f"{builder.layer}/{own}", *sizes),
                why=f"{self.places[line.name]}: {line.name} ({line.op}): {why}",
                work=work,
            )
        )


def _positions(number: int) -> Dim:
    """Lines with as many positions have them in common; a single one needs no axis."""
    return () if number == 1 else dim(Axis(f"{number} positions", number))


def _shape(name: str, positions: int, values: int) -> Shape:
    return (_positions(positions), dim(Axis(f"{name}:values", values)))
