"""Writes a table of docs/workloads.md from the onnx package's own test cases: `python scripts/onnx_backend.py`.

Single operators, operators and models converted from PyTorch, and whole networks, each with inputs and the outputs that
are expected of them. With names of cases (`python scripts/onnx_backend.py test_add`) it says what becomes of these.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import re
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from archsim.errors import ArchsimError
from archsim.graph.onnx.load import from_proto
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "workloads.md"
BEGIN, END = "<!-- onnx: begin -->\n", "<!-- onnx: end -->\n"
KINDS = {
    "node": "single operators",
    "pytorch-converted": "layers, converted from PyTorch",
    "pytorch-operator": "operators, converted from PyTorch",
    "simple": "small models",
    "light": "whole networks",
}
State = Literal["right", "refused", "wrong", "crash"]
_SUGGESTED = re.compile(r"--value (\S+?)=")
"""In a message: the input whose value is asked for."""
_MOST_VALUES = 8
TOLERANCE = 1e-4
"""Of the largest magnitude of an output."""
_NARROW = {"float16": 2.0**-8, "bfloat16": 2.0**-5}
"""The same, of outputs in these formats: four units in the last place of the largest. Expected values were rounded by
half a unit after each of up to eight operators; the executor computes in float32 throughout."""
_SLOW = ("averagepool", "lppool", "maxpool")
_DIGITS = 4
"""Some cases write what is expected with so many decimals."""


@dataclass(frozen=True)
class Case:
    """A model with inputs and the outputs expected. operator: that which it is about, or the name of a model."""

    name: str
    kind: str
    operator: str
    model: Any
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


@dataclass(frozen=True)
class Result:
    """What became of a case. why: of one that is not right. values: inputs whose values were given at loading."""

    case: Case
    state: State
    why: str = ""
    values: tuple[str, ...] = ()


# Cases


@cache
def single_operators(*, quick: bool = False) -> tuple[Case, ...]:
    """Cases that the package makes in memory; one in which an operator is written out in others is about that one.

    quick: without those of pooling, which take longer to make than all others together.
    """
    from onnx.backend.test.case import node

    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.iter_modules(node.__path__) if quick else ():
            if module.name not in _SLOW:
                importlib.import_module(f"{node.__name__}.{module.name}")
        made = node._NodeTestCases if quick else node.collect_testcases(None)  # noqa: SLF001
    found: list[Any] = [each for each in made if not (quick and "pool" in each.name)]
    alone = {each.name: each.model.graph.node[0].op_type for each in found if len(each.model.graph.node) == 1}

    def operator(case: Any) -> str:  # noqa: ANN401 - the package's own type
        whole = re.sub("_expanded.*", "", case.name)
        return str(alone.get(case.name) or alone.get(whole) or case.model.graph.node[-1].op_type)

    return tuple(
        Case(each.name, "node", operator(each), each.model, tuple(inputs), tuple(outputs))
        for each in found
        for inputs, outputs in each.data_sets
    )


def stored(kind: str) -> Iterator[Case]:
    """Cases that lie in the package's folder of that name, with inputs and outputs beside the models."""
    import onnx
    from onnx.backend.test import loader

    folder = Path(loader.DATA_DIR) / kind
    if kind == "light":
        for path in sorted(folder.glob("*.onnx")):
            model = onnx.load(str(path))
            held = {each.name for each in model.graph.initializer}
            free = [each for each in model.graph.input if each.name not in held]
            outputs = [folder / f"{path.stem}_output_{at}.pb" for at in range(len(model.graph.output))]
            kinds = [each.type for each in model.graph.output]
            yield Case(
                path.stem,
                kind,
                path.stem,
                model,
                tuple(map(_counting, free)),
                tuple(map(_read, outputs, kinds)),
            )
        return
    for path in sorted(folder.glob("*/model.onnx")):
        for data in sorted(path.parent.glob("test_data_set_*")):
            model = onnx.load(str(path))
            given = [data / f"input_{at}.pb" for at in range(len(list(data.glob("input_*.pb"))))]
            outputs = [data / f"output_{at}.pb" for at in range(len(list(data.glob("output_*.pb"))))]
            yield Case(
                path.parent.name,
                kind,
                path.parent.name,
                model,
                tuple(_read(each, value.type) for each, value in zip(given, model.graph.input, strict=False)),
                tuple(_read(each, value.type) for each, value in zip(outputs, model.graph.output, strict=False)),
            )


def _counting(value: Any) -> NDArray[Any]:  # noqa: ANN401 - protobuf's own type
    """The input that the package itself gives to whole networks: 0 to 1 in equal steps."""
    shape = [one.dim_value or 1 for one in value.type.tensor_type.shape.dim]
    number = int(np.prod(shape))
    return (np.arange(number).reshape(shape) / number).astype(np.float32)


def _read(path: Path, kind: Any) -> Any:  # noqa: ANN401 - protobuf's own types, and lists of arrays
    import onnx
    from onnx import numpy_helper

    if kind.HasField("sequence_type"):
        sequence = onnx.SequenceProto()
        sequence.ParseFromString(path.read_bytes())
        return numpy_helper.to_list(sequence)
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(tensor)


# Running


def plain(value: Any) -> Any:  # noqa: ANN401 - of any type that a case may have
    """A tensor as an array of a type of numpy's own, except that lists and what is left out stay what they are."""
    from onnx import TensorProto, numpy_helper

    if value is None or isinstance(value, list):
        return value
    array = numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)
    if array.dtype.kind == "V":  # float8, int4 and their like
        return array.astype(np.int64 if "int" in array.dtype.name else np.float32)
    return array


def run(case: Case) -> Result:
    """Load a case and execute it, twice side by side; inputs whose values archsim asks for are given at loading."""
    held = {each.name for each in case.model.graph.initializer}
    free = [each.name for each in case.model.graph.input if each.name not in held or case.kind == "node"]
    inputs = {name: plain(x) for name, x in zip(free, case.inputs, strict=False)}
    values: dict[str, Any] = {}
    while True:
        model = type(case.model)()
        model.CopyFrom(case.model)
        try:
            graph, arrays = from_proto(model, case.name, "", {}, values=values)
        except ArchsimError as error:
            asked = _SUGGESTED.search(str(error))
            name = asked.group(1) if asked else ""
            if name not in inputs or name in values or len(values) == _MOST_VALUES:
                return Result(case, "refused", str(error))
            values[name] = inputs[name]
            continue
        except Exception as error:  # noqa: BLE001 - that there is none is what is tested
            return Result(case, "crash", f"{type(error).__name__}: {error}")
        break
    times = 1 if case.kind == "light" else 2
    try:
        given = {each.name: np.stack([inputs[each.name]] * times) for each in graph.inputs}
        made = Executor(graph, arrays, FloatArithmetic()).run(given)
    except Exception as error:  # noqa: BLE001
        state: State = "wrong" if isinstance(error, ArchsimError) else "crash"
        return Result(case, state, f"{type(error).__name__}: {error}")
    if len(graph.outputs) != len(case.outputs):
        return Result(case, "wrong", f"{len(graph.outputs)} outputs; expected {len(case.outputs)}")
    for name, wanted in zip(graph.outputs, case.outputs, strict=True):
        fault = different(made[name], wanted)
        if fault:
            return Result(case, "wrong", f"{name}: {fault}", tuple(values))
    return Result(case, "right", "", tuple(values))


def different(made: NDArray[Any], wanted: Any) -> str:  # noqa: ANN401 - of any type that a case may have
    """How a batch of one output differs from what is expected; nothing where it does not."""
    from onnx import TensorProto, numpy_helper

    array = numpy_helper.to_array(wanted) if isinstance(wanted, TensorProto) else np.asarray(wanted)
    tolerance = _NARROW.get(array.dtype.name, TOLERANCE)
    expected = plain(wanted)
    if isinstance(expected, list) or expected.dtype.kind not in "fiub":
        return "expected no tensor of numbers"
    if made.shape[1:] != expected.shape:
        return f"sizes {list(made.shape[1:])}; expected {list(expected.shape)}"
    if (made.dtype.kind == "f") != (expected.dtype.kind == "f"):
        return f"numbers of type {made.dtype}; expected {expected.dtype}"
    if expected.dtype.kind == "f":
        return _apart(made.astype(np.float64), expected, tolerance)
    expected = expected.astype(object)
    return "" if all((each.astype(object) == expected).all() for each in made) else "other whole numbers"


def _apart(made: NDArray[Any], expected: NDArray[Any], tolerance: float) -> str:
    finite = np.isfinite(expected)
    wide = expected.astype(np.float64)
    rounded = np.array_equal(np.round(wide[finite], _DIGITS).astype(expected.dtype), expected[finite])
    expected = wide
    most = max(1e-6, np.abs(expected[finite]).max(initial=0))
    allowed = tolerance * most + (0.5 * 10.0**-_DIGITS if rounded else 0)
    for each in made:
        if not np.array_equal(each[~finite], expected[~finite], equal_nan=True):
            return "other numbers where infinite or none are expected"
        error = np.abs(each[finite] - expected[finite]).max(initial=0)
        if not error <= allowed:
            return f"error {error / most:.1e} of the largest; expected at most {allowed / most:.1e}"
    return ""


def run_all(cases: Iterable[Case]) -> list[Result]:
    """In order."""
    return [run(case) for case in cases]


# The table


def summary(results: Mapping[str, Sequence[Result]]) -> list[str]:
    """Lines of a table by kind."""
    lines = ["| what | cases | right | of these with values given | refused |", "|---|---|---|---|---|"]
    return [*lines, *(_line(KINDS[kind], found) for kind, found in results.items())]


def by_operator(results: Sequence[Result]) -> list[str]:
    """Lines of a table by operator."""
    lines = ["| operator | cases | right | of these with values given | refused |", "|---|---|---|---|---|"]
    names = sorted({each.case.operator for each in results}, key=str.lower)
    return [*lines, *(_line(name, [each for each in results if each.case.operator == name]) for name in names)]


def _line(name: str, results: Sequence[Result]) -> str:
    states = Counter(each.state for each in results)
    given = sum(each.state == "right" and bool(each.values) for each in results)
    return f"| {name} | {len(results)} | {states['right'] or ''} | {given or ''} | {states['refused'] or ''} |"


def main() -> None:
    """Renew the tables, or say what becomes of some cases."""
    wanted = sys.argv[1:]
    results = {
        kind: run_all(
            case
            for case in (single_operators() if kind == "node" else stored(kind))
            if not wanted or any(word in case.name for word in wanted)
        )
        for kind in KINDS
    }
    for each in (each for found in results.values() for each in found):
        if wanted or each.state in ("wrong", "crash"):
            print(each.case.name, each.state, " ".join(each.why.split())[:200], ", ".join(each.values))
    print("\n".join(summary(results)))
    if not wanted:
        table = "\n".join([*summary(results), "", *by_operator(results["node"])]) + "\n"
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(before + BEGIN + table + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
