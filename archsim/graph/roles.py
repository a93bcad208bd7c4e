"""Which axes of a Graph's inputs are positions: if an input does not say it, the first node that does."""

from collections.abc import Mapping, Sequence

from archsim.graph.axes import Axis, Dim, Shape
from archsim.graph.nodes import Contraction, Elementwise, Node, Normalise, Pool, Reduce
from archsim.graph.sequence_nodes import Embedding, Previous, Recurrence
from archsim.graph.tracing import Tracer
from archsim.graph.views import Concat
from archsim.graph.weights import Input, Weight, moving


def input_roles(inputs: Sequence[Input], nodes: Sequence[Node], weights: Mapping[str, Weight]) -> dict[Axis, bool]:
    """Of each axis that inputs have: whether it is of positions (True) or of values."""
    roles = _Roles(inputs, weights)
    attention = _attention(nodes, weights)
    wanted = {factor.axis for each in inputs for one in each.shape for factor in one}
    for node in nodes:
        if wanted <= roles.known.keys():
            break
        roles.hear(node, attention.get(node.key))
    for each in inputs:
        roles.guess(each)
    return roles.known


class _Roles:
    """What is known so far. parent: of an axis that views made, the one that it was made of."""

    def __init__(self, inputs: Sequence[Input], weights: Mapping[str, Weight]) -> None:
        given = [(each.positions, each.shape) for each in inputs if each.positions is not None]
        self.known = {factor.axis: at < n for n, shape in given for at, one in enumerate(shape) for factor in one}
        self.shapes: dict[str, Shape] = {each.name: each.shape for each in inputs}
        self.parent: dict[Axis, Axis] = {}
        self.weights, self.tracer = weights, Tracer(weights)

    def hear(self, node: Node, keys: Sequence[tuple[int, bool]] | None) -> None:
        """Take what a node says of its operands. keys: what attention says of the second one's dimensions."""
        for at, name in moving(node, self.weights):
            if name not in self.shapes or isinstance(node, Recurrence):
                continue
            shape, second = self.shapes[name], isinstance(node, Contraction) and at == 1
            for here, position in keys if second and keys is not None else _said(node, at, len(shape)):
                self._decide(shape[here], position=position)
            # keys are values in the scores that are made of them, whatever they are where they come from
            links = {} if second else self.tracer.links(node, at, shape)
            for axis, link in links.items():
                if link.axis is not None and not self._is_made_of(axis, link.axis):
                    self.parent.setdefault(link.axis, axis)
        if isinstance(node, Contraction) and node.stationary:
            for letter in node.outputs:
                self._decide(node.shape[node.result.index(letter)], position=False)
        self.shapes[node.key] = node.shape
        if isinstance(node, Concat):
            self._together(node)

    def _is_made_of(self, axis: Axis | None, other: Axis) -> bool:
        """Whether an axis is another, or was made of it, as where a view is put behind what it is a view of."""
        while axis is not None and axis != other:
            axis = self.parent.get(axis)
        return axis is not None

    def _together(self, node: Concat) -> None:
        """Operands that are put one after the other have dimensions of the same kinds."""
        for beside in zip(*(self.shapes[name] for _, name in moving(node, self.weights)), strict=True):
            roles = [self._role(factor.axis) for one in beside for factor in one]
            said = [role for role in roles if role is not None]
            for one in beside if said else ():
                self._decide(one, position=said[0])

    def _role(self, axis: Axis | None) -> bool | None:
        """Whether an axis is of positions, as far as that is known of it or of what it was made of."""
        while axis is not None and axis not in self.known:
            axis = self.parent.get(axis)
        return None if axis is None else self.known[axis]

    def guess(self, given: Input) -> None:
        """Where no node says it: the last dimension of numbers is of values, if no other is."""
        axes = [factor.axis for one in given.shape for factor in one]
        last = [factor.axis for factor in given.shape[-1]] if given.shape else []
        alone = not any(self.known.get(axis) is False for axis in axes)
        for axis in axes:
            position = axis.stream is not None or given.whole is not None or not (alone and axis in last)
            self.known.setdefault(axis, position)

    def _decide(self, one: Dim, *, position: bool) -> None:
        for factor in one:
            axis: Axis | None = factor.axis
            while axis is not None and axis not in self.known:
                self.known[axis] = position
                axis = self.parent.get(axis)


def _attention(nodes: Sequence[Node], weights: Mapping[str, Weight]) -> dict[str, list[tuple[int, bool]]]:
    """Of products next to a softmax: which dimensions of the second operand are keys (True) or values of a head."""
    makers = {node.key: node for node in nodes}
    found: dict[str, list[tuple[int, bool]]] = {}

    sources: dict[str, Node | None] = {}

    def source(name: str) -> Node | None:
        """What is before a tensor, with views and elementwise functions left out; each is gone through once."""
        passed = []
        while name not in sources:
            node = makers.get(name)
            if node is None or isinstance(node, Previous) or not (node.free or isinstance(node, Elementwise)):
                sources[name] = node
            else:
                passed.append(name)
                name = next((other for _, other in moving(node, weights)), "")
        sources.update(dict.fromkeys(passed, sources[name]))
        return sources[name]

    def say(node: Node, keys: str, values: str) -> None:
        assert isinstance(node, Contraction)  # noqa: S101
        letters = enumerate(node.second)
        found[node.key] = [(here, letter in keys) for here, letter in letters if letter in keys + values]

    for node in nodes:
        before = source(node.inputs[0]) if node.inputs else None
        softened = isinstance(before, Normalise) and before.kind == "softmax"
        if isinstance(node, Normalise) and node.kind == "softmax":
            if isinstance(before, Contraction) and not before.stationary:
                say(before, before.outputs, before.summed)
        elif isinstance(node, Contraction) and not node.stationary and softened:
            say(node, node.summed, node.outputs)
    return found


def _said(node: Node, at: int, dims: int) -> list[tuple[int, bool]]:  # noqa: PLR0911 - a case for each kind of node
    """Which dimensions of an operand are positions (True) or values, as far as a node says."""
    if isinstance(node, Contraction) and node.stationary and at == 0:
        return [(here, letter not in node.summed + node.shared) for here, letter in enumerate(node.first)]
    if isinstance(node, Contraction) and at == 0:  # heads may be of either kind; so may all of the second operand
        return [(here, letter in node.rows) for here, letter in enumerate(node.first) if letter not in node.shared]
    if isinstance(node, Pool):
        return [(here, True) for here, _ in node.windows]
    if isinstance(node, Embedding) and at == 0:
        return [(here, True) for here in range(dims)]
    if isinstance(node, Normalise) and at == 0 and node.function in ("layernorm", "rmsnorm"):
        return [(here, here not in node.dims) for here in range(dims)]
    if isinstance(node, Reduce) and node.function.startswith("arg"):
        return [(here, here not in node.dims) for here in range(dims)]
    return []
