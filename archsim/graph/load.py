"""From a model file to a Graph."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray
from pydantic import BaseModel

from archsim import resources
from archsim.errors import ArchsimError, Fault
from archsim.graph.bounds import too_large
from archsim.graph.graph import Graph
from archsim.machine.bibliography import unknown_source
from archsim.machine.overlay import read_whole
from archsim.machine.source import Document, read
from archsim.machine.wording import validate

M = TypeVar("M", bound=BaseModel)


def load_model(
    name_or_path: str | Path,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    *,
    values: Mapping[str, NDArray[Any]] | None = None,
    approximate: bool = False,
    trust: bool = False,
) -> Graph:
    """Load a model by its name in `workloads/models`, or by the path of its file.

    That is a file of archsim's own, a Hugging Face config.json, an ONNX file (.onnx), an exported
    PyTorch model (.pt2), a trace of operators (.jsonl, .csv), a GGUF file, or a checkpoint of llama2.c.
    shapes: of inputs that an ONNX file leaves open; values: of inputs of one that are to be known before the run, such
    as those that decide sizes; approximate: let its unknown operators cost an operation a value.
    trust: open files that can run code as they are loaded (.pt2); else they are refused.
    Raises ArchsimError with all that is wrong.
    """
    from archsim.graph.gguf_header import MAGIC, from_gguf
    from archsim.graph.hf.config import from_config, is_config
    from archsim.graph.llama2c import beginning, from_checkpoint

    path = resources.locate("workloads/models", str(name_or_path))
    if path.suffix == ".onnx":
        from archsim.graph.onnx.load import load_onnx

        return load_onnx(path, shapes or {}, values=values, approximate=approximate)
    if path.suffix == ".pt2":
        from archsim.graph.torch_export import load_exported

        return load_exported(path, approximate=approximate, trust=trust)
    if path.suffix in (".jsonl", ".csv"):
        from archsim.graph.operator_trace import load_operators

        return load_operators(path)
    binary = beginning(path)
    if binary is None:
        document = read(path)
    else:
        document = from_gguf(path) if binary.startswith(MAGIC) else from_checkpoint(path, binary)
    if isinstance(document.data, dict) and "extends" in document.data:
        document = read_whole(path, folder="workloads/models")
    if is_config(document):
        document = from_config(document, path.parent.name if path.stem == "config" else path.stem)
    return build(document)


def build(document: Document) -> Graph:
    """Check a document and make a Graph of it; raises ArchsimError with every fault found."""
    try:
        return _built(document)
    except ArchsimError as error:
        start = document.place(())
        raise ArchsimError(*(Fault(each.message, each.place or start) for each in error.faults)) from None


def _built(document: Document) -> Graph:
    text = json.dumps(document.data, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    if isinstance(document.data, dict) and document.data.get("schema") == "archsim.network/1":
        from archsim.graph.layers import LayerError, Network
        from archsim.graph.network import network

        described = _checked(Network, document)
        try:
            return network(described, digest)
        except LayerError as error:
            raise ArchsimError(Fault(str(error), document.place(("layers",)))) from None
    from archsim.graph.preset import Preset
    from archsim.graph.transformer import transformer

    return transformer(_checked(Preset, document), digest)


def _checked(model: type[M], document: Document) -> M:
    faults: list[Fault] = []
    made = validate(model, document.data, document, (), faults)
    source = getattr(made, "source", None)
    wrong = unknown_source(source) if source is not None else None
    if wrong is not None:
        faults.append(Fault(f"source: {wrong}", document.place(("source",))))
    if isinstance(made, model):
        faults += too_large(made, document)
    if not isinstance(made, model) or faults:
        raise ArchsimError(*faults)
    return made
