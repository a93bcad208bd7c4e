"""ONNX's batch norm by numbers that are known only at run time, in simpler operators."""

import numpy as np

from archsim.graph.onnx.writing import Write, Writing

_TRAINING_RESULTS = 14
"""Version from which a batch norm says whether it takes its statistics of what it reads."""


def batch_norm(writing: Writing) -> None:
    """A scale and a shift of each channel, of statistics that come in, or of those of what is read."""
    node, constant = writing.node, writing.file.constant
    training = bool(node.whole("training_mode", 0)) and writing.file.opset >= _TRAINING_RESULTS
    if not node.whole("spatial", 1) or (
        not training and (any(node.outputs[1:]) or constant.issuperset(node.inputs[1:]))
    ):
        return
    x, scale, shift, mean, variance = node.inputs
    sizes = writing.sizes(x)
    each = (sizes[1], *(1,) * (len(sizes) - 2))
    if training:
        rows = [at for at in range(len(sizes)) if at != 1]
        own = writing.over("ReduceMean", x, rows, keepdims=1)
        apart = writing.op("Sub", x, own)
        spread = writing.over("ReduceMean", writing.op("Mul", apart, apart), rows, keepdims=1)
        momentum = node.number_of("momentum", 0.9)
        for at, (before, now) in enumerate(((mean, own), (variance, spread)), 1):
            if writing.wanted(at):
                kept = writing.op("Mul", before, writing.number(momentum, before))
                new = writing.op("Mul", writing.reshape(now, sizes[1:2]), writing.number(1 - momentum, before))
                writing.op("Add", kept, new, to=node.outputs[at])
    else:
        apart = writing.op("Sub", x, writing.reshape(mean, each))
        spread = writing.reshape(variance, each)
    epsilon = writing.number(np.float32(node.number_of("epsilon", 1e-5)), variance)
    root = writing.op("Sqrt", writing.op("Add", spread, epsilon))
    normed = writing.op("Div", apart, root)
    scaled = writing.op("Mul", normed, writing.reshape(scale, each))
    writing.op("Add", scaled, writing.reshape(shift, each), to=node.outputs[0])


ROWS: dict[str, Write] = {"BatchNormalization": batch_norm}
