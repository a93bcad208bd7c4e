"""PyTorch models by `torch.export`: PyTorch itself writes them as ONNX, which is imported."""

from __future__ import annotations

import hashlib
import io
import logging
import re
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError, UsageError
from archsim.graph.onnx.load import from_proto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from archsim.graph.graph import Graph
    from archsim.graph.weights import Arrays

_FAILED = re.compile(r"target=torch\.ops\.(\w+)\.(\w+)\.(\w+)\]")
"""In the exporter's messages: the operator of a node that it cannot write."""


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
        with _quiet():
            exported = torch.export.export(module.eval(), example_inputs)
    except Exception as error:  # noqa: BLE001 - a module may raise anything
        raise ArchsimError(f"torch.export fails: {_first_line(error)}") from None
    digest = hashlib.sha256(str(exported.graph).encode()).hexdigest()
    return _imported(torch, exported, name or type(module).__name__, digest, approximate=approximate)


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
        with _quiet():
            exported = torch.export.load(str(path))
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes it raise
        raise ArchsimError(f"{path}: is no exported PyTorch model ({_first_line(error)})") from None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        return _imported(torch, exported, path.stem, digest, approximate=approximate)
    except UsageError:
        raise
    except ArchsimError as error:
        raise ArchsimError(*(f"{path}: {fault.message}" for fault in error.faults)) from None


def _torch() -> Any:  # noqa: ANN401
    try:
        import torch
        import torch.export
    except ImportError:
        raise _missing() from None
    return torch


def _missing() -> UsageError:
    return UsageError("PyTorch models need torch, onnx and onnxscript: pip install 'archsim[torch]'")


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


@contextmanager
def _quiet() -> Iterator[None]:
    """PyTorch warns, logs and prints about what a user of archsim cannot change."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)


def _imported(torch: Any, exported: Any, name: str, digest: str, *, approximate: bool) -> tuple[Graph, Arrays]:  # noqa: ANN401
    """Floating-point numbers stay PyTorch's, and are read when they are asked for."""
    program = _as_onnx(torch, exported)
    from onnx import TensorProto

    initializers = program.model.graph.initializers
    numbers = {key: tensor for key, tensor in exported.state_dict.items() if tensor.is_floating_point()}
    outside = [
        TensorProto(
            name=key,
            dims=numbers[key].shape,
            data_type=int(initializers.pop(key).dtype),
            data_location=TensorProto.EXTERNAL,
        )
        for key in list(initializers)
        if key in numbers
    ]
    with _quiet():
        model = program.model_proto
    model.graph.initializer.extend(outside)
    model.graph.name = name
    shapes, free = _shapes(exported)
    return from_proto(
        model,
        name,
        digest,
        {each.name: shapes[each.name] for each in model.graph.input if each.name in shapes},
        readers={key: _reader(tensor) for key, tensor in numbers.items()},
        parameters=frozenset(exported.graph_signature.parameters),
        notes=[f"open sizes are those of the example, of {', '.join(free)}"] if free else [],
        approximate=approximate,
    )


def _shapes(exported: Any) -> tuple[dict[str, tuple[int, ...]], list[str]]:  # noqa: ANN401
    """Of what comes in; and the names of what may have other sizes."""
    values = {
        node.name: node.meta["val"]
        for node in exported.graph.nodes
        if node.name in exported.graph_signature.user_inputs and hasattr(node.meta.get("val"), "shape")
    }
    shapes = {name: tuple(int(size) for size in value.shape) for name, value in values.items()}
    return shapes, [name for name, value in values.items() if any(not isinstance(size, int) for size in value.shape)]


def _reader(tensor: Any) -> Callable[[], NDArray[Any]]:  # noqa: ANN401
    def read() -> NDArray[Any]:
        found: NDArray[Any] = tensor.detach().cpu().float().numpy()
        return found

    return read


# What PyTorch cannot write as ONNX


def _as_onnx(torch: Any, exported: Any) -> Any:  # noqa: ANN401
    """ONNX as PyTorch writes it, not optimised: that would drop parameters that are 0 and join those that are equal.

    Operators that it cannot write become nodes of a domain of their own, of which the importer says that it does not
    know them.
    """
    try:
        import onnx  # noqa: F401 - what exports and imports needs it
        import onnxscript  # noqa: F401
    except ImportError:
        raise _missing() from None
    _copy_before_views(torch.ops.aten, torch.contiguous_format, exported.graph_module)
    unknown: dict[Any, Any] = {}
    while True:
        try:
            with _quiet():
                return torch.onnx.export(
                    exported, dynamo=True, verbose=False, optimize=False, custom_translation_table=unknown
                )
        except Exception as error:  # noqa: BLE001 - the exporter may raise anything
            target, cause = _failed(torch, error)
            if target is None or target in unknown:
                raise ArchsimError(f"PyTorch cannot write it as ONNX: {_first_line(cause)}") from None
            unknown[target] = _unknown(target)


def _copy_before_views(aten: Any, contiguous: Any, module: Any) -> None:  # noqa: ANN401
    """What a view reads is copied: whether it is possible depends on products, which PyTorch then writes in others."""
    views = (aten.contiguous.default, aten.reshape.default, aten.view.default, aten.flatten.using_ints)
    for node in [each for each in module.graph.nodes if each.target in views]:
        source = node.args[0]
        with module.graph.inserting_before(node):
            copy = module.graph.call_function(aten.clone.default, (source,), {"memory_format": contiguous})
        copy.meta = dict(source.meta)
        node.replace_input_with(source, copy)
    module.recompile()


def _failed(torch: Any, error: BaseException) -> tuple[Any, BaseException]:  # noqa: ANN401
    """The operator that an export stopped at, if it was one; and the first cause."""
    target = None
    while True:
        match = _FAILED.search(str(error))
        if match:
            library, kind, overload = match.groups()
            target = getattr(getattr(getattr(torch.ops, library), kind), overload)
        if error.__cause__ is None:
            return target, error
        error = error.__cause__


def _unknown(target: Any) -> Callable[..., Any]:  # noqa: ANN401
    """Writes an operator as a node of its name, which reads its tensors."""
    from onnx.defs import OpSchema
    from onnxscript import values

    any_number = OpSchema.FormalParameterOption.Variadic
    schema = OpSchema(
        str(target._schema.name).rpartition("::")[2],  # noqa: SLF001 - the only way to its name and results
        "torch",
        1,
        inputs=[OpSchema.FormalParameter("operands", "T", param_option=any_number, is_homogeneous=False)],
        outputs=[OpSchema.FormalParameter(f"result_{at}", "T") for at in range(len(target._schema.returns))],  # noqa: SLF001
        type_constraints=[("T", ["tensor(float)"], "")],
    )
    operator = values.Op(values.Opset("torch", 1), schema.name, schema)

    def write(*args: Any, **given: Any) -> Any:  # noqa: ANN401
        flat = [
            each
            for one in (*args, *given.values())
            for each in (one if isinstance(one, (list, tuple)) else (one,))
            if hasattr(each, "producer")
        ]
        return operator(*flat)

    return write
