"""What is asked of ONNX's own C++ code about a model, and the process that answers.

A broken model may end the process in which that code runs, or never end. This one is started by `native`, as a file.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

SECONDS = 2
"""Of processor time for one answer, and a second more for each `_BYTES_A_SECOND` of a model."""
_BYTES_A_SECOND = 4 << 20
_MEMORY, _MEMORY_A_BYTE = 100 << 20, 32
"""Bytes by which an answer may make the process larger, and as many more for each byte of a model."""
_LONGEST = 1_000
"""Characters of a message."""
_LENGTH = 8
"""Bytes of the length of what follows."""


def infer(raw: bytes, options: Mapping[str, bool]) -> bytes:
    """A model with the sizes of its tensors, as far as they can be known."""
    from onnx import shape_inference

    return bytes(shape_inference.infer_shapes(raw, **options).SerializeToString())


def check(raw: bytes) -> bytes:
    """Nothing; raises what is wrong with the sizes and types of a model."""
    from onnx import shape_inference

    shape_inference.infer_shapes(raw, check_type=True, strict_mode=True)
    return b""


def inline(raw: bytes, convert: bool) -> bytes:  # noqa: FBT001 - comes by its place
    """A model with its functions written out. convert: those of other versions of operators are turned into its own."""
    from onnx import ModelProto, inliner

    model = inliner.inline_local_functions(ModelProto.FromString(raw), convert_version=convert)
    return bytes(model.SerializeToString())


def body(operator: str, version: int, domain: str, of: int, node: bytes, types: Sequence[bytes]) -> bytes:
    """The function that ONNX defines for a node with operands of these types, in version `of` of ONNX's operators."""
    from onnx import defs

    schema: Any = defs.get_schema(operator, version, domain)
    return bytes(schema.get_context_dependent_function_with_opset_version(of, node, list(types)))


OPERATIONS: Mapping[str, Callable[..., bytes]] = {"infer": infer, "check": check, "inline": inline, "body": body}


def answer(name: str, arguments: Sequence[Any]) -> tuple[bool, bytes | str]:
    """Whether it went well; and what came of it, or what was wrong."""
    try:
        return True, OPERATIONS[name](*arguments)
    except MemoryError:
        return False, "it takes too much memory"
    except Exception as error:  # noqa: BLE001 - a broken file may make it raise anything
        return False, " ".join(str(error).split())[:_LONGEST]


def send(stream: BinaryIO, message: Any) -> None:  # noqa: ANN401
    """Write JSON, in which places stand for bytes, and then the bytes, each with its length before it."""
    parts: list[bytes] = []

    def place(part: bytes) -> dict[str, int]:
        parts.append(part)
        return {"bytes": len(parts) - 1}

    text = json.dumps(message, default=place)
    for part in (text.encode(), *parts):
        stream.write(len(part).to_bytes(_LENGTH))
        stream.write(part)
    stream.flush()


def receive(stream: BinaryIO) -> Any:  # noqa: ANN401
    """Read what `send` wrote; tuples come as lists. Raises EOFError where the other side has ended."""
    places: list[dict[str, Any]] = []

    def place(read: dict[str, Any]) -> dict[str, Any]:
        if read.keys() == {"bytes"}:
            places.append(read)
        return read

    message = json.loads(_part(stream), object_hook=place)
    parts = [_part(stream) for _ in places]
    return _with_bytes(message, parts)


def _with_bytes(message: Any, parts: Sequence[bytes]) -> Any:  # noqa: ANN401
    if isinstance(message, list):
        return [_with_bytes(one, parts) for one in message]
    if isinstance(message, dict) and message.keys() == {"bytes"}:
        return parts[message["bytes"]]
    return message


def _part(stream: BinaryIO) -> bytes:
    head = stream.read(_LENGTH)
    part = stream.read(int.from_bytes(head))
    if len(head) < _LENGTH or len(part) < int.from_bytes(head):
        raise EOFError
    return part


def serve() -> None:
    """Answer requests from standard input, the first of which are the folders of Python's modules, until it ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError):
        sys.path[:] = receive(sys.stdin.buffer)
        from onnx import inliner, shape_inference  # noqa: F401 - before its memory is measured

        usual = _memory()
        while True:
            name, arguments = receive(sys.stdin.buffer)
            _bound(usual, sum(len(each) for each in arguments if isinstance(each, bytes)))
            reply = answer(name, arguments)
            _bound(usual, None)
            send(replies, reply)


def _bound(usual: int, size: int | None) -> None:
    """Bound time, whose end ends the process, and memory, where the system can. size: of a model; None: no bounds."""
    if not hasattr(signal, "setitimer"):
        return
    import resource

    signal.setitimer(signal.ITIMER_PROF, 0 if size is None else SECONDS + size / _BYTES_A_SECOND)
    if usual:
        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        bound = most if size is None else usual + _MEMORY + _MEMORY_A_BYTE * size
        resource.setrlimit(resource.RLIMIT_DATA, (bound if most == resource.RLIM_INFINITY else min(bound, most), most))


def _memory() -> int:
    """Bytes that the process has for data; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


if __name__ == "__main__":
    serve()
