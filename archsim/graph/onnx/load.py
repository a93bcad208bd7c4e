"""ONNX files as models, with their weights or without."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from archsim.errors import ArchsimError, Fault, UsageError, quoted
from archsim.graph.graph import Graph, make_graph
from archsim.graph.onnx import (
    casts,
    convolutions,
    einsum,
    elementwise,
    maps,
    picking,
    products,
    quantised,
    recurrent,
    reductions,
    resizing,
    rows,
    views,
)
from archsim.graph.onnx.arranged import arranged
from archsim.graph.onnx.constants import Reader
from archsim.graph.onnx.counts import require_few
from archsim.graph.onnx.expansion import write_out
from archsim.graph.onnx.file import HOST_DOMAINS, Sizes, survey
from archsim.graph.onnx.formed import require_formed, require_inside
from archsim.graph.onnx.functions import inlined
from archsim.graph.onnx.fusions import fuse
from archsim.graph.onnx.given import give_values
from archsim.graph.onnx.importer import Importer
from archsim.graph.onnx.native import NativeError, infer_shapes, start
from archsim.graph.onnx.node_checks import consistent, forget_negative, require_nodes, require_order, require_ranks
from archsim.graph.onnx.rewritten import rewrite
from archsim.graph.onnx.unknown import UNDECIDED, approximated, require_known
from archsim.graph.weights import Arrays

_LARGEST = 1 << 31  # bytes, protobuf's own limit
_LONGEST_VECTOR = 1 << 16
_SHOWN = 200  # characters of what ONNX's own inference says
HANDLERS = {
    "Conv": convolutions.conv,
    "MatMul": products.matmul,
    "Gemm": products.gemm,
    "Einsum": einsum.einsum,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), recurrent.recurrent),
    **rows.HANDLERS,
    **reductions.HANDLERS,
    **elementwise.HANDLERS,
    **casts.HANDLERS,
    **views.HANDLERS,
    **maps.HANDLERS,
    **picking.HANDLERS,
    **quantised.HANDLERS,
    **resizing.HANDLERS,
    **UNDECIDED,
}
"""By operator; what is not here is not known."""


def load_onnx(
    path: Path,
    shapes: Mapping[str, Sizes],
    *,
    values: Mapping[str, NDArray[Any]] | None = None,
    approximate: bool = False,
) -> Graph:
    """Make a Graph of an ONNX file.

    Parameters
    ----------
    path
        Of the file; files with weights beside it need not be there.
    shapes
        Of tensors whose sizes the file leaves open.
    values
        Of inputs that are to be known before the run, such as those by which sizes are decided.
    approximate
        Whether operators that are not known cost one operation for each value of their result.

    Raises
    ------
    ArchsimError
        With what is wrong, or with what the file lacks.
    """
    return load_onnx_arrays(path, shapes, values=values, approximate=approximate)[0]


def load_onnx_arrays(
    path: Path,
    shapes: Mapping[str, Sizes] | None = None,
    *,
    values: Mapping[str, NDArray[Any]] | None = None,
    approximate: bool = False,
) -> tuple[Graph, Arrays]:
    """As `load_onnx`, and the numbers of the Graph's weights, which are read when they are asked for."""
    try:
        model = _read(path)
        require_formed(model)
        require_inside(path.parent, model)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        require_nodes(model, HANDLERS)
        require_order(model)
        require_ranks(model)
        forget_negative(model)
        with consistent(model):
            return from_proto(
                model, path.stem, digest, shapes or {}, values=values, folder=path.parent, approximate=approximate
            )
    except UsageError:
        raise
    except ArchsimError as error:
        raise ArchsimError(*(Fault(f"{path}: {fault.message}") for fault in error.faults)) from None


def from_proto(
    model: Any,  # noqa: ANN401 - protobuf's own type
    name: str,
    digest: str,
    shapes: Mapping[str, Sizes],
    *,
    values: Mapping[str, NDArray[Any]] | None = None,
    folder: Path = Path(),
    readers: Mapping[str, Reader] | None = None,
    parameters: frozenset[str] | None = None,
    notes: Sequence[str] = (),
    approximate: bool = False,
) -> tuple[Graph, Arrays]:
    """Make a Graph of a ModelProto in memory, which is changed on the way.

    Parameters
    ----------
    model, name, digest
        Protobuf's model; name and digest of the Graph.
    shapes, values, approximate
        As of `load_onnx`.
    folder
        Of files with weights.
    readers
        By name: give the numbers of weights that are neither in the model nor in a file.
    parameters
        Names of the tensors that are trained, where that is known.
    notes
        What was taken for granted before.

    Returns
    -------
    tuple[Graph, Arrays]
        With the numbers of its weights, which are read when they are asked for.

    Raises
    ------
    ArchsimError
        With what is wrong, or with what the model lacks.
    """
    give_values(model, values or {})
    _give_shapes(model, shapes)
    model = _inferred(model)
    rewrite(model)
    written = write_out(model, frozenset(shapes), HANDLERS, folder, readers or {}, _inferred)
    model = written.model
    require_nodes(model, HANDLERS)
    file = replace(survey(model, frozenset(shapes), written.fixed), meanings=written.meanings, bits=written.bits)
    numbers = {**(readers or {}), **written.readers}
    importer = Importer(file, folder, HANDLERS, approximated, quantised.MEANINGS, numbers, parameters, approximate)
    _require_tensors(model, file.outside)
    _require_sizes(importer, frozenset(shapes))
    fuse(importer)
    require_known(importer)
    importer.run()
    outputs = arranged(importer)
    builder = importer.builder
    read = {each for node in builder.nodes for each in node.inputs} | set(outputs)
    places = {each: at for at, each in enumerate(file.inputs)}
    graph = make_graph(
        name,
        f"ONNX graph {model.graph.name}",
        sorted(
            (each for each in builder.inputs if each.name in read), key=lambda each: places.get(each.name, len(places))
        ),
        builder.nodes,
        list(builder.weights.values()),
        outputs,
        digest=digest,
        notes=[*notes, *written.notes, *importer.notes()],
        stored=importer.stored,
    )
    return graph, Arrays(importer.arrays)


def _inferred(model: Any) -> Any:  # noqa: ANN401
    """With operators that the file describes itself written out, and sizes, as far as they can be known."""
    try:
        plain = infer_shapes(inlined(model))
        # whole numbers that are worked out on the way are kept for each number of a vector, however many there are
        values = (*plain.graph.input, *plain.graph.value_info, *plain.graph.output)
        shapes = [each.type.tensor_type.shape.dim for each in values]
        if any(len(dims) == 1 and dims[0].dim_value > _LONGEST_VECTOR for dims in shapes):
            return plain
        return infer_shapes(plain, data_prop=True)
    except NativeError as error:
        raise ArchsimError(f"its shapes cannot be inferred ({str(error)[:_SHOWN]})") from None


def _read(path: Path) -> Any:  # noqa: ANN401 - protobuf's own types
    start()  # while this process imports what it needs
    try:
        import onnx
    except ImportError:
        raise UsageError("ONNX files need the onnx package: pip install 'archsim[onnx]'") from None
    from google.protobuf.message import DecodeError

    if path.stat().st_size >= _LARGEST:
        raise ArchsimError("is of 2 GiB or more; expected less, with weights in a file beside it")
    require_few(path)
    try:
        model = onnx.load(str(path), load_external_data=False)  # weights are read when they are needed
    except (DecodeError, ValueError) as error:
        raise ArchsimError(f"is no ONNX model ({' '.join(str(error).split())[:80]})") from None
    if not model.graph.node:
        raise ArchsimError("has no operators; expected an ONNX model")
    if model.graph.sparse_initializer:
        raise ArchsimError("has sparse weights, which archsim does not know")
    return model


def _give_shapes(model: Any, shapes: Mapping[str, Sizes]) -> None:  # noqa: ANN401
    """Sizes that were given, in place of those that are open; an open first size of an input is a batch of one."""
    inputs = {each.name: each for each in model.graph.input}
    known = {each.name for each in model.graph.initializer}
    produced = {name for node in model.graph.node for name in node.output}
    for name, shape in shapes.items():
        if name not in inputs and name not in produced:
            free = ", ".join(sorted(set(inputs) - known))
            raise ArchsimError(f"--shape {name}: no such tensor. Inputs: {free}")
        value = inputs.get(name) or model.graph.value_info.add(name=name)
        dims = value.type.tensor_type.shape.dim
        if name in inputs and dims and len(dims) != len(shape):
            raise ArchsimError(f"--shape {name}: found {len(shape)} sizes; the input has {len(dims)}")
        value.type.tensor_type.elem_type = value.type.tensor_type.elem_type or 1
        del dims[:]
        for size in shape:
            dims.add(dim_value=size)
    for value in inputs.values():
        dims = value.type.tensor_type.shape.dim
        if value.name not in known and len(dims) > 1 and dims[0].dim_value <= 0 and not dims[0].HasField("dim_value"):
            dims[0].dim_value = 1


def _require_tensors(model: Any, outside: frozenset[str]) -> None:  # noqa: ANN401
    """Results are tensors, but for those of a host."""
    for each in model.graph.output:
        kind = each.type.WhichOneof("value") or "tensor_type"
        if kind != "tensor_type" and each.name not in outside:
            found = f"result {quoted(each.name)} is of type {kind.removesuffix('_type')}"
            raise ArchsimError(f"{found}; expected a tensor")


def _require_sizes(importer: Importer, given: frozenset[str]) -> None:
    """Inputs that archsim reads need sizes; what was given for a tensor of the host makes it an input."""
    file = importer.file
    readers = {
        name: [node for node in file.readers.get(name, ()) if node.domain not in HOST_DOMAINS] for name in file.inputs
    }
    for name in file.inputs:
        if name in file.empty and readers[name]:
            found = f"{quoted(name)} has sizes {list(file.empty[name])}, so no numbers"
            raise ArchsimError(f"{found}; expected some. Try --value {name}= if none are meant.")
    missing = [name for name, sizes in file.inputs.items() if sizes is None and readers[name]]
    if missing:
        found = f"sizes of {len(missing)} tensors are not known, such as {', '.join(missing[:3])}"
        raise ArchsimError(f"{found}. Try --shape INPUT=1x3x224x224.")
    for name in given:
        if name in file.makers and file.outside.intersection(file.makers[name].inputs):
            importer.enter(name, file.sizes[name])
