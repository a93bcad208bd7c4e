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

from archsim.errors import ArchsimError, Fault, Place, did_you_mean, quoted
from archsim.graph.builder import Builder
from archsim.graph.graph import Graph, make_graph
from archsim.graph.trace_nodes import PRODUCTS, Line, Tracing
from archsim.machine.source import Document
from archsim.machine.wording import validate
from archsim.vocabulary import OPERATORS

SCHEMA = "archsim.operators/1"
SUFFIXES = (".jsonl", ".csv")
_KINDS = (*(name for name in OPERATORS if name != "matmul"), *PRODUCTS)
_LONGEST_LINE = 1 << 20
_MOST = 100_000
_SHOWN = 5


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
    ordered = _ordered(path, lines)
    tracing = Tracing(Builder(), {line.name: f"line {number}" for number, line in lines})
    for line in ordered:
        tracing.take(line)
    builder = tracing.builder
    read = {source for line in ordered for source in line.inputs}
    return make_graph(
        name,
        "trace of operators",
        builder.inputs,
        builder.nodes,
        list(builder.weights.values()),
        [tracing.keys[line.name] for line in ordered if line.name not in read],
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
    needed = {"linear": ("in", "out")} | dict.fromkeys(PRODUCTS, ("heads", "head_dim", "keys"))
    given = line.model_dump(by_alias=True)
    for key in needed.get(line.op, ("width",)):
        if given[key] is None:
            yield f"{line.name}: is missing '{key}', which {line.op} needs"


def _ordered(path: Path, lines: list[tuple[int, Line]]) -> list[Line]:
    """In an order in which every input comes first, each with its layer."""
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
    last = "start"
    for name, line in by_name.items():  # layers go by the order of the file
        last = line.layer or (name if line.op == "linear" else last)
        by_name[name] = line.model_copy(update={"layer": last})
    return [by_name[name] for name in order]


def _unfit(line: Line, by_name: dict[str, Line]) -> str | None:
    """A product takes in what its inputs give: of the same position, or of all."""
    if line.op != "linear" or not line.inputs:
        return None
    sources = [by_name[name] for name in line.inputs]
    given = sum(each.gives * (1 if each.positions == line.positions else each.positions) for each in sources)
    return None if given == line.in_features else f"'in' is {line.in_features:,}, but its inputs give {given:,} values"
