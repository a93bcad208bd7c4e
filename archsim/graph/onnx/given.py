"""Inputs of an ONNX file whose values a user gives before the run, such as those by which sizes are decided."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError


def give_values(model: Any, values: Mapping[str, NDArray[Any]]) -> None:  # noqa: ANN401 - protobuf's own type
    """Make constants of inputs; a list of numbers takes on the sizes that the file says.

    Parameters
    ----------
    model
        Protobuf's model. It is changed.
    values
        By the input's name.

    Raises
    ------
    ArchsimError
        For names that are no inputs, and for numbers that do not fit their sizes.
    """
    from onnx import helper, numpy_helper

    held = {each.name for each in model.graph.initializer}
    inputs = {each.name: each for each in model.graph.input if each.name not in held}
    for name, given in values.items():
        if name not in inputs or not inputs[name].type.HasField("tensor_type"):
            raise ArchsimError(f"--value {name}: no such input. Inputs: {', '.join(sorted(inputs))}")
        kind = inputs[name].type.tensor_type
        sizes = [one.dim_value if one.HasField("dim_value") else -1 for one in kind.shape.dim]
        value = np.asarray(given)
        if kind.HasField("shape") and len(sizes) != value.ndim and sizes.count(-1) < 2:  # noqa: PLR2004
            free = -1 in sizes
            fits = value.size % max(1, -int(np.prod(sizes))) == 0 if free else value.size == int(np.prod(sizes))
            if not fits:
                raise ArchsimError(f"--value {name}: found {value.size} numbers; expected {sizes}")
            value = value.reshape(sizes)
        if len(sizes) == value.ndim and any(size not in (-1, n) for size, n in zip(sizes, value.shape, strict=True)):
            raise ArchsimError(f"--value {name}: found {list(value.shape)}; expected {sizes}")
        value = value.astype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
        model.graph.initializer.append(numpy_helper.from_array(value, name))
        model.graph.input.remove(inputs[name])
