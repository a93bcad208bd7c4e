"""One changed file: loaded, checked, run on a small machine and executed, and what came of it."""

from __future__ import annotations

import math
import resource
import signal
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.cli.check import _check
from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.axes import sizes_of
from archsim.graph.job import make_job
from archsim.machine import load_machine
from archsim.simulation import simulate
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.opened import open_model
from archsim.values.tasks import load_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archsim.graph import Graph
    from archsim.machine import Machine
    from tests.fuzz.seeds import Seed

SECONDS = 5
"""Of processor time for one file."""
MOST_MEMORY = 300_000
"""KiB by which one file may make a process larger."""
REFUSED_SECONDS, REFUSED_MEMORY = 2, 200_000
"""The same of one that is refused."""
_LONGEST_MESSAGE = 2_500
_MOST_TASKS = 3_000
"""Of a run; larger ones are as sound, and take longer."""
_MOST_NUMBERS = 300_000
"""Weights and inputs of a model that is executed."""


@dataclass(frozen=True)
class Outcome:
    """What came of a file.

    Parameters
    ----------
    word
        `refused`, `loaded`, `ran` or `computed` where all is well; else `traceback`, `hang`, `slow`, `memory`,
        `figure`, or `message`.
    key
        Which fault it is: that of others with the same key is likely the same.
    seconds, memory
        Processor time that it took, and KiB by which it made the process larger.
    """

    word: str
    key: str = ""
    seconds: float = 0.0
    memory: int = 0

    @property
    def fault(self) -> bool:
        """Whether archsim is at fault."""
        return bool(self.key)


class _HangError(BaseException):
    """Too long; no handler of Exception stops it."""


def bounded(gibibytes: int = 4) -> None:
    """Bound the memory of this process, and let an alarm end what takes too long."""
    resource.setrlimit(resource.RLIMIT_AS, (gibibytes << 30, gibibytes << 30))

    def ring(_number: int, _frame: object) -> None:
        raise _HangError

    signal.signal(signal.SIGPROF, ring)


def attempt(seed: Seed, path: Path, machine: Machine) -> Outcome:
    """Do all with a file that can be done with its kind."""
    before, began = _memory(anew=True), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        outcome = _KINDS[seed.kind](path, machine)
    except ArchsimError as error:
        outcome = _message(error)
    except _HangError as error:
        outcome = Outcome("hang", _where(error))
    except MemoryError as error:
        outcome = Outcome("memory", _where(error))
    except Exception as error:  # noqa: BLE001 - what is looked for
        outcome = Outcome("traceback", f"{type(error).__name__} {_where(error)} {str(error)[:100]!r}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return _within(replace(outcome, seconds=time.process_time() - began, memory=_memory() - before))


def _within(outcome: Outcome) -> Outcome:
    """The same, or the fault that it took too much."""
    refused = outcome.word == "refused"
    if not outcome.fault and outcome.memory > (REFUSED_MEMORY if refused else MOST_MEMORY):
        found = f"more than {outcome.memory // 100_000 * 100} MB for a file that is {outcome.word}"
        return replace(outcome, word="memory", key=found)
    if refused and outcome.seconds > REFUSED_SECONDS:
        return replace(outcome, word="slow", key=f"more than {REFUSED_SECONDS} s for a file that is refused")
    return outcome


def _where(error: BaseException) -> str:
    """The innermost line of archsim."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "/archsim/" in one.filename]
    last = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename.rpartition('archsim/')[2]}:{last.lineno} {last.name}"


def _memory(*, anew: bool = False) -> int:
    """KiB that the process has had at most since this was called with `anew`."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


def _message(error: ArchsimError) -> Outcome:
    for fault in error.faults:
        lines = str(fault).splitlines()
        if len(lines) != 1 or len(lines[0]) > _LONGEST_MESSAGE:
            return Outcome("message", f"{_where(error)} {'long' if len(lines) == 1 else len(lines)}")
    return Outcome("refused")


# What is done with a file of each kind


def _model(path: Path, machine: Machine) -> Outcome:
    """Loaded, as far as it goes with what is not known approximated, and run."""
    try:
        graph = load_model(path)
    except ArchsimError as error:
        if "--approximate" not in str(error):
            raise
        graph = load_model(path, approximate=True)
    return _run(graph, machine)


def _onnx(path: Path, machine: Machine) -> Outcome:
    outcome = _model(path, machine)
    return outcome if outcome.fault else _values(path, outcome)


def _weights(path: Path, machine: Machine) -> Outcome:
    outcome = _values(path, Outcome("loaded"))
    return _run(open_model(path).graph, machine) if outcome.word == "computed" else outcome


def _values(path: Path, otherwise: Outcome) -> Outcome:
    """Loaded with its weights, and executed on zeros where it is small."""
    opened = open_model(path)
    graph = opened.graph
    few = min(3, graph.max_positions)
    sizes = {each: [size or few for size in sizes_of(each.shape)] for each in graph.inputs}
    shapes = [*sizes.values(), *(weight.shape for weight in graph.weights.values())]
    if sum(map(math.prod, shapes)) > _MOST_NUMBERS or _tasks(graph) > _MOST_TASKS:
        return otherwise
    given = {each.name: np.zeros((1, *sizes[each]), "f4" if each.whole is None else "i8") for each in sizes}
    Executor(graph, opened.arrays, FloatArithmetic()).run(given)
    return Outcome("computed")


def _tokens(path: Path, _machine: Machine) -> Outcome:
    load_task(path.parent / "plain.bin", path)
    return Outcome("loaded")


def _own_machine(path: Path, _machine: Machine) -> Outcome:
    """A machine by which a small network is run."""
    return _run(load_model(path.with_name("network.yaml")), load_machine(path))


def _checked(path: Path, _machine: Machine) -> Outcome:
    _check(str(path), trust=False)
    return Outcome("loaded")


def _tasks(graph: Graph) -> int:
    """About as many as a run of eight positions has."""
    return sum(operator.stream.length or 8 for operator in graph.operators)


def _run(graph: Graph, machine: Machine) -> Outcome:
    """Figures of a model, and those of a run of a few positions."""
    phase = "prefill" if graph.feedback is None else "generate"
    seq = None if graph.length is not None else max(1, min(4, graph.max_positions - 1))
    job = make_job(graph, phase, seq, 0 if phase == "prefill" else 1, 1)
    figures: dict[str, Any] = {"parameters": graph.parameters}
    word = "loaded"
    if _tasks(graph) <= _MOST_TASKS:
        result = simulate(machine, graph, phase=phase, seq=seq, new_tokens=job.new_tokens, engine=None)
        figures |= {"macs": job.macs(graph), **result.to_dict()}
        word = "ran"
    for place, number in _numbers(figures, ""):
        if not math.isfinite(number) or number < 0:
            return Outcome("figure", f"{place} is {number}")
    return Outcome(word)


def _numbers(value: Any, place: str) -> Iterator[tuple[str, float]]:  # noqa: ANN401 - of any type
    """All numbers in a result, and where they stand, without the names of layers."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, f"{place}.{key}" if place.count(".") < 3 else place)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner, place)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, float(value)


_KINDS = {
    "onnx": _onnx,
    "config": _model,
    "model": _model,
    "weights": _weights,
    "tokens": _tokens,
    "machine": _own_machine,
    "mapping": _checked,
    "study": _checked,
}
