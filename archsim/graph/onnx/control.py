"""ONNX's If, Loop and Scan: written out where it is known before the run which branch is taken, or how often."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.onnx.writing import Write, Writing

_MOST = 1 << 14
"""Nodes that a loop may be written out in."""
_ENDLESS = 1 << 62


def conditional(writing: Writing) -> None:
    """The branch that is taken."""
    condition = writing.known(writing.node.inputs[0])
    if condition is None or condition.size != 1:
        return
    branch = _graph(writing, "then_branch" if bool(condition.reshape(-1)[0]) else "else_branch")
    made = _inlined(writing, branch, _hoisted(writing, branch))
    for name, to in zip(made, writing.node.outputs, strict=True):
        if to:
            writing.op("Identity", name, to=to)


def loop(writing: Writing) -> None:
    """The body as often as it runs; what it makes each time side by side."""
    node = writing.node
    trips = writing.known(node.input(0)) if node.input(0) else np.array(_ENDLESS)
    going = writing.known(node.input(1)) if node.input(1) else np.ones((), np.bool_)
    if trips is None or going is None:
        return
    body = _graph(writing, "body")
    names, state = _hoisted(writing, body), list(node.inputs[2:])
    rows: list[list[str]] = []
    number, on = 0, bool(going.reshape(-1)[0])
    while on and number < int(trips.reshape(-1)[0]):
        _require_few(writing, (number + 1) * len(body.node))
        values = {body.input[0].name: np.array(number, np.int64), body.input[1].name: np.array(on)}
        own = {name: writing.number(value) for name, value in values.items()}
        own |= {each.name: name for each, name in zip(body.input[2:], state, strict=True)}
        after = _condition(writing, body, values)
        if after is None:
            del writing.nodes[:]
            return
        made = _inlined(writing, body, names | own)
        state, row = made[1 : 1 + len(state)], made[1 + len(state) :]
        rows.append(row)
        number, on = number + 1, after
    for name, to in zip(state, node.outputs, strict=False):
        if to:
            writing.op("Identity", name, to=to)
    _joined(writing, rows, node.outputs[len(state) :], [0] * len(body.output), [0] * len(body.output))


def scan(writing: Writing) -> None:
    """The body for each index of what is scanned."""
    node, body = writing.node, _graph(writing, "body")
    number = node.whole("num_scan_inputs", 0)
    states = len(node.inputs) - number
    results = len(body.output) - states
    if writing.file.opset < 9:  # noqa: PLR2004 - with a batch, and lengths
        return
    axes = node.wholes("scan_input_axes") or (0,) * number
    backward = node.wholes("scan_input_directions") or (0,) * number
    scanned = node.inputs[states:]
    lengths = {writing.sizes(name)[at] for name, at in zip(scanned, axes, strict=True)}
    if len(lengths) != 1:
        raise writing.refused(f"found {sorted(lengths)} indices to scan; expected as many in all that is scanned")
    length = lengths.pop()
    _require_few(writing, length * len(body.node))
    names, state = _hoisted(writing, body), list(node.inputs[:states])
    rows: list[list[str]] = []
    for step in range(length):
        picked = [
            writing.op("Gather", name, writing.number(np.array(length - 1 - step if back else step)), axis=at)
            for name, at, back in zip(scanned, axes, backward, strict=True)
        ]
        own = {each.name: name for each, name in zip(body.input, (*state, *picked), strict=True)}
        made = _inlined(writing, body, names | own)
        state = made[:states]
        rows.append(made[states:])
    for name, to in zip(state, node.outputs, strict=False):
        if to:
            writing.op("Identity", name, to=to)
    places = node.wholes("scan_output_axes") or (0,) * results
    _joined(writing, rows, node.outputs[states:], places, node.wholes("scan_output_directions") or (0,) * results)


def _graph(writing: Writing, name: str) -> Any:  # noqa: ANN401 - protobuf's own type
    """A graph among the attributes."""
    graph = next((each.g for each in writing.node.proto.attribute if each.name == name and each.HasField("g")), None)
    if graph is None:
        raise writing.refused(f"lacks the graph {name}")
    return graph


def _require_few(writing: Writing, nodes: int) -> None:
    if nodes > _MOST:
        raise writing.refused(f"would be {nodes:,} operators when it is written out; expected at most {_MOST:,}")


def _joined(
    writing: Writing, rows: Sequence[Sequence[str]], outputs: Sequence[str], axes: Sequence[int], back: Sequence[int]
) -> None:
    """What a body makes each time, along a new dimension."""
    for at, to in enumerate(outputs):
        if not to:
            continue
        if not rows:
            raise writing.refused("never runs, and so makes nothing of a result")
        parts = [writing.over("Unsqueeze", row[at], (axes[at],)) for row in rows]
        writing.op("Concat", *(reversed(parts) if back[at] else parts), to=to, axis=axes[at])


def _hoisted(writing: Writing, graph: Any) -> dict[str, str]:  # noqa: ANN401 - protobuf's own type
    """Weights of an inner graph, which it has once however often it runs; their names outside by those inside."""
    if graph.sparse_initializer:
        raise writing.refused("has sparse weights inside, which archsim does not know")
    names = {}
    for tensor in graph.initializer:
        made = names[tensor.name] = writing.name()
        copy = tensor.__deepcopy__()
        copy.name = made
        writing.held.append(copy)
    return names


def _inlined(writing: Writing, graph: Any, names: Mapping[str, str]) -> list[str]:  # noqa: ANN401
    """The nodes of an inner graph, once; names of its results. names: of its inputs and weights outside."""
    known = dict(names)
    for node in graph.node:
        copy = _renamed(node, known)
        for at, name in enumerate(node.output):
            if name:
                known[name] = copy.output[at] = f"{writing.name()}.{at}"
        writing.nodes.append(copy)
    return [known.get(each.name, each.name) for each in graph.output]


def _renamed(node: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - protobuf's own type
    """A node that reads other names, and so do the graphs inside it."""
    copy = node.__deepcopy__()
    for at, name in enumerate(node.input):
        copy.input[at] = names.get(name, name)
    for attribute in copy.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            own = {each.name for each in (*graph.input, *graph.initializer)}
            own |= {name for inner in graph.node for name in inner.output}
            outside = {inside: name for inside, name in names.items() if inside not in own}
            inner = [_renamed(each, outside) for each in graph.node]
            del graph.node[:]
            graph.node.extend(inner)
            for each in graph.output:
                each.name = outside.get(each.name, each.name)
    return copy


def _condition(writing: Writing, body: Any, values: Mapping[str, NDArray[Any]]) -> bool | None:  # noqa: ANN401
    """Whether a loop goes on, where that follows from its number and constants; None where it does not."""
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    wanted = body.output[0].name
    known = {each.name: numpy_helper.to_array(each) for each in body.initializer} | dict(values)
    if wanted in known:
        return bool(known[wanted].reshape(-1)[0])
    nodes = list(_needed(body, wanted))
    made = {name for node in nodes for name in node.output}
    for name in {name for node in nodes for name in node.input if name} - made - set(known):
        outside = writing.known(name)
        if outside is None or any(each.name == name for each in body.input):
            return None
        known[name] = outside
    if not made or any(each.graphs or each.HasField("g") for node in nodes for each in node.attribute):
        return None
    given = [helper.make_tensor_value_info(name, 1, None) for name in known]
    graph = helper.make_graph(nodes, "condition", given, [helper.make_tensor_value_info(wanted, 9, None)])
    versions = [helper.make_opsetid(domain, version) for domain, version in writing.file.opsets.items()]
    try:
        found = ReferenceEvaluator(helper.make_model(graph, opset_imports=versions)).run(None, known)
    except Exception:  # noqa: BLE001 - a broken file may make it raise anything
        return None
    return bool(np.asarray(next(iter(found))).reshape(-1)[0])


def _needed(body: Any, wanted: str) -> Iterator[Any]:  # noqa: ANN401 - protobuf's own type
    """Nodes by which a tensor is made, in order."""
    names, nodes = {wanted}, []
    for node in reversed(body.node):
        if names.intersection(node.output):
            names.update(node.input)
            nodes.append(node)
    yield from reversed(nodes)


CONTROL: dict[str, Write] = {"If": conditional, "Loop": loop, "Scan": scan}
