"""Changes of ONNX files by their fields: any of any message may have another value, be there twice, or be gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, EncodeError
from onnx import ModelProto, TensorProto, numpy_helper

from tests.fuzz.mutations import FLOATS, WHOLE, WORDS, change_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

_OPERATORS = (
    "Add",
    "MatMul",
    "Concat",
    "Loop",
    "If",
    "Softmax",
    "Reshape",
    "Shape",
    "LSTM",
    "Resize",
    "Expand",
    "Range",
)
_LARGEST = 1 << 14
"""Numbers of a constant whose values are changed."""


def change_model(random: Random, raw: bytes) -> bytes:
    """One to three fields of a model changed."""
    model = ModelProto()
    try:
        model.ParseFromString(raw)
    except DecodeError:
        return change_bytes(random, raw)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        change = random.choice((_field, _field, _field, _node, _node, _constant, _size))
        try:
            change(random, model)
        except (ValueError, TypeError, IndexError, OverflowError, NotImplementedError):
            continue  # a value that protobuf does not take
    try:
        return bytes(model.SerializeToString())
    except EncodeError:
        return raw


def _messages(message: Any) -> Iterator[Any]:  # noqa: ANN401 - protobuf's own types
    """A message and all inside."""
    waiting = [message]
    while waiting:
        last = waiting.pop()
        yield last
        for field, value in last.ListFields():
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                waiting += value if field.is_repeated else [value]


def _field(random: Random, model: ModelProto) -> None:
    """Any field of any message."""
    messages = list(_messages(model))
    message = random.choice(messages)
    there = [field for field, _ in message.ListFields()]
    field = random.choice(there) if there and random.random() < 0.8 else random.choice(message.DESCRIPTOR.fields)
    name = field.name
    if random.random() < 0.15:
        message.ClearField(name)
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        alike = [other for other in messages if other.DESCRIPTOR is field.message_type]
        copied = field.message_type._concrete_class()  # noqa: SLF001 - the only way to a message's class
        if alike:
            copied.CopyFrom(random.choice(alike))
        if not field.is_repeated:
            getattr(message, name).CopyFrom(copied)
        elif random.random() < 0.5:
            del getattr(message, name)[random.randrange(len(getattr(message, name)))]
        else:
            getattr(message, name).add().CopyFrom(copied)
    elif field.is_repeated:
        values = getattr(message, name)
        match random.randrange(3):
            case 0:
                values[random.randrange(len(values))] = _scalar(random, field)
            case 1:
                del values[random.randrange(len(values))]
            case _:
                values.append(_scalar(random, field))
    else:
        setattr(message, name, _scalar(random, field))


def _scalar(random: Random, field: Any) -> Any:  # noqa: ANN401
    kind = field.cpp_type
    if kind in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return random.choice(FLOATS)
    if kind == FieldDescriptor.CPPTYPE_STRING:
        word = random.choice(WORDS)
        return word.encode() if field.type == FieldDescriptor.TYPE_BYTES else word
    return random.choice((*WHOLE, -(1 << 63), (1 << 63) - 1, *range(25)))


def _node(random: Random, model: ModelProto) -> None:
    """A node with another operator, other operands, or in another place."""
    nodes = model.graph.node
    node = random.choice(nodes)
    names = [name for other in nodes for name in (*other.input, *other.output)]
    match random.randrange(7):
        case 0:
            node.op_type = random.choice((*_OPERATORS, *(other.op_type for other in nodes)))
        case 1:
            node.input[random.randrange(len(node.input))] = random.choice((*names, ""))
        case 2:
            node.output[random.randrange(len(node.output))] = random.choice((*names, "", "new"))
        case 3:
            del node.input[random.randrange(len(node.input)) :]
        case 4:
            node.input.append(random.choice(names))
        case 5:
            node.domain = random.choice(("", "com.microsoft", "ai.onnx", "ai.onnx.ml", "com.microsoft.extensions", "x"))
        case 6:
            nodes.remove(node)


def _constant(random: Random, model: ModelProto) -> None:
    """Another number in a constant, or another type: of sizes, axes, indices, scales."""
    tensors = [one for one in _messages(model) if isinstance(one, TensorProto)]
    tensor = random.choice(tensors)
    if tensor.data_location == TensorProto.EXTERNAL or tensor.data_type not in TensorProto.DataType.values():
        raise ValueError
    values = numpy_helper.to_array(tensor).copy().reshape(-1)
    if not 0 < values.size <= _LARGEST or values.dtype.kind not in "iufb":
        raise ValueError
    new = random.choice(FLOATS if values.dtype.kind == "f" else (*WHOLE, -(1 << 63), *(-2, -3, 4, 5)))
    with np.errstate(all="ignore"):
        values[random.randrange(values.size)] = np.array(new).astype(values.dtype)
    tensor.CopyFrom(numpy_helper.from_array(values.reshape(list(tensor.dims)), tensor.name))


def _size(random: Random, model: ModelProto) -> None:
    """Another size of what comes in, or another rank."""
    dims = random.choice(model.graph.input).type.tensor_type.shape.dim
    match random.randrange(4):
        case 0:
            del dims[random.randrange(len(dims))]
        case 1:
            dims.add(dim_value=random.choice(WHOLE))
        case 2:
            dims[random.randrange(len(dims))].dim_param = random.choice(("n", "", "-1"))
        case _:
            dims[random.randrange(len(dims))].dim_value = random.choice((*WHOLE, 5, 6, -(1 << 63)))
