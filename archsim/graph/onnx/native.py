"""ONNX's own C++ code, asked in a process of its own: a broken file may end that one, and not archsim's."""

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import prod
from threading import Lock
from typing import Any

from archsim.graph.onnx import native_worker

_LARGEST = 1 << 18
"""Numbers of a weight that is sent along: sizes follow from small ones alone."""

_PATIENCE = 5
"""Seconds for a process that ends to be gone."""


class NativeError(ValueError):
    """What ONNX says against a model; or that it ended, or came to no end."""


def infer_shapes(model: Any, *, data_prop: bool = False) -> Any:  # noqa: ANN401 - protobuf's own type
    """A model with the sizes of its tensors, as far as they can be known.

    Parameters
    ----------
    model
        Protobuf's model.
    data_prop
        Whether whole numbers are worked out that sizes depend on.

    Raises
    ------
    NativeError
        Where a model is so broken that they cannot be inferred.
    """
    return _of_model(model, "infer", {"data_prop": data_prop})


def check_shapes(model: Any) -> None:  # noqa: ANN401
    """Raise NativeError with what ONNX's strict inference says against the sizes and types of a model."""
    _of_model(model, "check")


def inline_functions(model: Any, *, convert: bool) -> Any:  # noqa: ANN401
    """A model with its functions written out. convert: those of other versions of operators are turned into its own."""
    return _of_model(model, "inline", convert)


def body_of(schema: Any, version: int, node: bytes, types: Sequence[bytes]) -> bytes:  # noqa: ANN401
    """The function that ONNX defines for a node with operands of these types, in a version of ONNX's operators."""
    return _ask("body", schema.name, schema.since_version, schema.domain, version, node, types)


def start() -> None:
    """Start the process, so that it is there when it is needed."""
    with _LOCK:
        if os.getpid() not in WORKERS:
            WORKERS[os.getpid()] = _Worker()


def _of_model(model: Any, name: str, *options: Any) -> Any:  # noqa: ANN401
    """Ask about a model without its large weights, and put them into what comes of it."""
    from onnx import ModelProto

    large = [tensor for tensor in model.graph.initializer if prod(tensor.dims) > _LARGEST]
    numbers = {tensor.name: tensor.raw_data for tensor in large if tensor.HasField("raw_data")}
    for tensor in large:
        tensor.ClearField("raw_data")
    raw = model.SerializeToString()
    _give_numbers(model, numbers)
    result = ModelProto.FromString(_ask(name, raw, *options))
    _give_numbers(result, numbers)
    return result


def _give_numbers(model: Any, numbers: Mapping[str, bytes]) -> None:  # noqa: ANN401
    for tensor in model.graph.initializer if numbers else ():
        if tensor.name in numbers and not tensor.HasField("raw_data"):
            tensor.raw_data = numbers[tensor.name]


def _ask(name: str, *arguments: Any) -> bytes:  # noqa: ANN401
    start()
    well, reply = WORKERS[os.getpid()].ask(name, arguments)
    if isinstance(reply, str) or not well:
        raise NativeError(reply)
    return reply


@dataclass
class _Worker:
    """The process, and who may ask it; without one, where none can be started, this process does it."""

    process: subprocess.Popen[bytes] | None = None
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.process = None
        command = [sys.executable, "-P", "-W", "ignore", native_worker.__file__]
        with suppress(OSError):
            self.process = subprocess.Popen(  # noqa: S603 - archsim's own file
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            native_worker.send(self.process.stdin, sys.path)  # type: ignore[arg-type]

    def ask(self, name: str, arguments: Sequence[Any]) -> tuple[bool, bytes | str]:
        """Whether it went well; and what came of it, or what was wrong."""
        with self.lock:
            if self.process is None:
                return native_worker.answer(name, arguments)
            try:
                native_worker.send(self.process.stdin, (name, arguments))  # type: ignore[arg-type]
                return tuple(native_worker.receive(self.process.stdout))  # type: ignore[arg-type]
            except (EOFError, OSError):
                code = self.end(patience=_PATIENCE)
                self.__post_init__()
            except BaseException:  # an interrupt: what is answered later answers nothing
                self.end()
                self.__post_init__()
                raise
        if code == -signal.SIGPROF:
            return False, "it takes too long"
        return False, "ONNX's own code ended on it"

    def end(self, patience: float = 0) -> int:
        """End the process, after so many seconds in which it may end by itself; its exit status."""
        if self.process is None:
            return 0
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(patience)
        self.process.kill()  # forked processes may hold its pipes open
        return self.process.wait()


_LOCK = Lock()
WORKERS: dict[int, _Worker] = {}
"""By the process that asks: one that was forked has another."""


@atexit.register
def end() -> None:
    """Let the process of this one end."""
    worker = WORKERS.get(os.getpid())
    if worker is not None:
        worker.end()
