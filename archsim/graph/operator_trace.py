"""Traces of operators: one a line, with shapes and what each waits for, so that any framework can have its work run.

JSON lines (version 1): a first line {"schema": "archsim.operators/1", "name": …}, then an object for each operator.
CSV: a header with the same keys; inputs are separated by spaces.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from archsim.errors import ArchsimError, Fault, Place, did_you_mean, quoted
from archsim.graph.graph import Graph
from archsim.graph.operators import Edge, Linear, Matmul, Operator, Rowwise
from archsim.graph.streams import Stream
from archsim.machine.source import Document
from archsim.machine.wording import validate
from archsim.parts.quantity import Count, Name
from archsim.vocabulary import OPERATORS

SCHEMA = "archsim.operators/1"
SUFFIXES = (".jsonl", ".csv")
_PRODUCTS = ("scores", "context")
_KINDS = (*(name for name in OPERATORS if name != "matmul"), *_PRODUCTS)
_LEAVE_ONE = ("maxpool", "avgpool", "argmax")
_LONGEST_LINE = 1 << 20
_MOST = 100_000
_SHOWN = 5


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


def load_operators(path: Path) -> Graph:
    """Read a trace and make a Graph of it; raises ArchsimError with the first wrong lines, and how many there are."""
    digest = hashlib.sha256()
    name, lines = path.stem, list[tuple[int, Line]]()
    faults: list[Fault] = []
    wrong = 0
    for number, data in _objects(path, digest):
        place = Place(str(path), number, 1)
        if isinstance(data, Fault):
            found = [data]
        elif "schema" in data and "op" not in data:
            found, name = _heading(data, place), str(data.get("name") or name)
        else:
            found = []
            line = validate(Line, data, Document(str(path), data, {(): place}, {}), (), found)
            if line is not None and not found:
                found += [Fault(text, place) for text in _wanting(line)]
                lines.append((number, line))
        wrong += bool(found)
        faults += found[: max(0, _SHOWN - len(faults))]
        if len(lines) > _MOST:
            raise ArchsimError(f"{path}: more than {_MOST:,} operators; expected fewer")
    if wrong:
        more = [f"{path}: {wrong} lines are wrong in all"] if wrong > _SHOWN else []
        raise ArchsimError(*faults, *more)
    if not lines:
        raise ArchsimError(f"{path}: has no operators; expected a line for each")
    return Graph(
        name=name,
        description="trace of operators",
        source=None,
        operators=tuple(_operators(path, lines)),
        feedback=None,
        max_positions=1,
        digest=digest.hexdigest(),
    )


def _heading(data: dict[str, Any], place: Place) -> list[Fault]:
    schema = str(data["schema"])
    return [] if schema == SCHEMA else [Fault(f"found schema {quoted(schema)}; expected {quoted(SCHEMA)}", place)]


def _objects(path: Path, digest: Any) -> Iterator[tuple[int, dict[str, Any] | Fault]]:  # noqa: ANN401 - hashlib's own type
    """Each line's number and data, all its scalars as text."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:

        def read() -> Iterator[str]:
            number = 0
            while line := stream.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE:
                    place = Place(str(path), number, 1)
                    raise ArchsimError(Fault(f"a line of more than {_LONGEST_LINE:,} characters", place))
                digest.update(line.encode())
                yield line

        if path.suffix == ".csv":
            rows = csv.DictReader(read())
            try:
                for row in rows:
                    cells = {key: text for key, text in row.items() if key is not None and text not in (None, "")}
                    yield rows.line_num, {**cells, **({"inputs": cells["inputs"].split()} if "inputs" in cells else {})}
            except csv.Error as error:
                raise ArchsimError(Fault(str(error), Place(str(path), rows.line_num, 1))) from None
            return
        for number, line in enumerate(read(), start=1):
            if line.strip():
                yield number, _object(line, Place(str(path), number, 1))


def _object(line: str, place: Place) -> dict[str, Any] | Fault:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return Fault(f"found {quoted(line.strip())}; expected a JSON object", place)
    if not isinstance(data, dict):
        return Fault("expected a JSON object", place)
    return {
        key: [str(each) for each in value] if isinstance(value, list) else str(value) for key, value in data.items()
    }


def _wanting(line: Line) -> Iterator[str]:
    """What an operator of its kind lacks."""
    if line.op not in _KINDS:
        yield f"op: found {quoted(line.op)}. {did_you_mean(line.op, _KINDS)}"
        return
    needed = {"linear": ("in", "out")} | dict.fromkeys(_PRODUCTS, ("heads", "head_dim", "keys"))
    given = line.model_dump(by_alias=True)
    for key in needed.get(line.op, ("width",)):
        if given[key] is None:
            yield f"{line.name}: is missing '{key}', which {line.op} needs"


def _operators(path: Path, lines: list[tuple[int, Line]]) -> Iterator[Operator]:
    """In an order in which every input comes first."""
    places = {line.name: Place(str(path), number, 1) for number, line in lines}
    by_name = {line.name: line for _, line in lines}
    faults = [
        Fault(f"{line.name}: waits for {quoted(source)}, which is not there. {did_you_mean(source, by_name)}", place)
        for line, place in ((line, places[line.name]) for line in by_name.values())
        for source in line.inputs
        if source not in by_name
    ]
    if len(by_name) < len(lines):
        number, line = next((number, line) for number, line in lines if line is not by_name[line.name])
        faults.append(
            Fault(
                f"{line.name}: stands again at line {places[line.name].line}; expected one name each",
                Place(str(path), number, 1),
            )
        )
    if faults:
        raise ArchsimError(*faults[:_SHOWN])
    wrong = [(line, text) for line in by_name.values() if (text := _unfit(line, by_name)) is not None]
    if wrong:
        raise ArchsimError(*(Fault(f"{line.name}: {text}", places[line.name]) for line, text in wrong[:_SHOWN]))
    try:
        order = list(TopologicalSorter({line.name: line.inputs for line in by_name.values()}).static_order())
    except CycleError as error:
        circle = " > ".join(quoted(each) for each in error.args[1][:10])
        raise ArchsimError(
            Fault(f"operators wait for each other in a circle: {circle}", places[error.args[1][0]])
        ) from None
    layers: dict[str, str] = {}
    last = "start"
    for line in by_name.values():  # layers go by the order of the file
        last = line.layer or (line.name if line.op == "linear" else last)
        layers[line.name] = last
    for name in order:
        yield _operator(by_name[name], layers, by_name)


def _gives(line: Line) -> int:
    """Values at a position."""
    if line.op == "linear":
        return line.out_features or 1
    if line.op in _PRODUCTS:
        return (line.heads or 1) * ((line.keys if line.op == "scores" else line.head_dim) or 1)
    return line.rows if line.op in _LEAVE_ONE else line.rows * (line.width or 1)


def _unfit(line: Line, by_name: dict[str, Line]) -> str | None:
    """A product takes in what its inputs give: of the same position, or of all."""
    if line.op != "linear" or not line.inputs:
        return None
    sources = [by_name[name] for name in line.inputs]
    given = sum(_gives(each) * (1 if each.positions == line.positions else each.positions) for each in sources)
    return None if given == line.in_features else f"'in' is {line.in_features:,}, but its inputs give {given:,} values"


def _operator(line: Line, layers: dict[str, str], by_name: dict[str, Line]) -> Operator:
    def edge(source: str, *, whole: bool = False) -> Edge:
        same = by_name[source].positions == line.positions and not whole
        return Edge(f"{layers[source]}/{source}", "same" if same else "all")

    stream = Stream(f"{line.positions} positions", length=line.positions)
    common: dict[str, Any] = {"layer": layers[line.name], "name": line.name, "stream": stream}
    if line.op == "linear":
        return Linear(
            **common,
            inputs=tuple(edge(source) for source in line.inputs),
            in_features=line.in_features or 1,
            out_features=line.out_features or 1,
            bias=False,
        )
    if line.op in _PRODUCTS:
        # the second operand is seen whole: its keys, or its values
        inputs = tuple(edge(source, whole=at > 0) for at, source in enumerate(line.inputs))
        heads, size = line.heads or 1, line.head_dim or 1
        return Matmul(
            **common,
            inputs=inputs,
            heads=heads,
            head_dim=size,
            stored=heads * size,
            scores=line.op == "scores",
            sees=Stream(f"{line.keys} positions", length=line.keys),
        )
    inputs = tuple(edge(source) for source in line.inputs)
    left = line.rows if line.op in _LEAVE_ONE else None
    return Rowwise(
        **common, kind=line.op, inputs=inputs, rows=line.rows, width=line.width or 1, out=left, operands=None
    )
