"""PyTorch models by `torch.export`: its graph of tensor operations, with the shapes of example inputs."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError, UsageError
from archsim.graph.graph import Graph, make_graph
from archsim.graph.torch_attention import PRODUCTS
from archsim.graph.torch_importer import Importer
from archsim.graph.torch_products import STATIONARY
from archsim.graph.torch_rows import ROWS
from archsim.graph.torch_views import VIEWS
from archsim.graph.weights import Arrays

if TYPE_CHECKING:
    from pathlib import Path


def from_torch(module: Any, example_inputs: tuple[Any, ...], *, name: str = "", approximate: bool = False) -> Graph:  # noqa: ANN401
    """Export a `torch.nn.Module` with example inputs (of one sequence or picture), and make a Graph of it.

    approximate: operators that are not known cost one operation for each value. Raises ArchsimError.
    """
    return with_weights(module, example_inputs, name=name, approximate=approximate)[0]


def with_weights(
    module: Any,  # noqa: ANN401
    example_inputs: tuple[Any, ...],
    *,
    name: str = "",
    approximate: bool = False,
) -> tuple[Graph, Arrays]:
    """The Graph of a module as of `from_torch`, and the numbers of its weights. Raises ArchsimError."""
    torch = _torch()
    try:
        with warnings.catch_warnings(action="ignore"):
            exported = torch.export.export(module.eval(), example_inputs)
    except Exception as error:  # noqa: BLE001 - a module may raise anything
        raise ArchsimError(f"torch.export fails: {_first_line(error)}") from None
    digest = hashlib.sha256(str(exported.graph).encode()).hexdigest()
    return _imported(exported, name or type(module).__name__, digest, approximate=approximate)


def load_exported(path: Path, *, approximate: bool = False, trust: bool = False) -> Graph:
    """Make a Graph of a file that `torch.export.save` wrote (.pt2).

    trust: whoever asks knows who made the file. Without, nothing of it is read. Raises ArchsimError.
    """
    return read_exported(path, approximate=approximate, trust=trust)[0]


def read_exported(path: Path, *, approximate: bool = False, trust: bool = False) -> tuple[Graph, Arrays]:
    """The Graph of a file as of `load_exported`, and the numbers of its weights. Raises ArchsimError."""
    if not trust:
        found = "found an exported PyTorch model (.pt2), which can run any code as it is loaded"
        raise UsageError(f"{path}: {found}. Try --trust (trust=True in Python) if you know who made it.")
    torch = _torch()
    try:
        with warnings.catch_warnings(action="ignore"):
            exported = torch.export.load(str(path))
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes it raise
        raise ArchsimError(f"{path}: is no exported PyTorch model ({_first_line(error)})") from None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        return _imported(exported, path.stem, digest, approximate=approximate)
    except ArchsimError as error:
        raise ArchsimError(*(f"{path}: {fault.message}" for fault in error.faults)) from None


def _torch() -> Any:  # noqa: ANN401
    try:
        import torch
        import torch.export
    except ImportError:
        raise UsageError("PyTorch models need PyTorch: pip install 'archsim[torch]'") from None
    return torch


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


def _imported(exported: Any, name: str, digest: str, *, approximate: bool) -> tuple[Graph, Arrays]:  # noqa: ANN401
    """Of a program in which no operator changes its operands."""
    with warnings.catch_warnings(action="ignore"):
        importer = Importer(exported.run_decompositions({}), {**VIEWS, **ROWS, **STATIONARY, **PRODUCTS})
    outputs = importer.run()
    if importer.unknown and not approximate:
        listed = ", ".join(
            f"{kind} ({number} times)" if number > 1 else kind for kind, number in importer.unknown.most_common()
        )
        raise ArchsimError(f"operators that archsim does not know: {listed}. Try approximate: one operation a value.")
    builder = importer.builder
    notes = [f"taken for an operation a value: {', '.join(importer.unknown)}"] if importer.unknown else []
    notes += [f"open sizes are those of the example, of {', '.join(importer.open)}"] if importer.open else []
    graph = make_graph(
        name,
        "graph of torch.export",
        builder.inputs,
        builder.nodes,
        list(builder.weights.values()),
        outputs,
        digest=digest,
        notes=notes,
    )
    return graph, Arrays(importer.arrays)
