"""Feed-forward parts of a transformer's layer: one, or a mixture of experts to which a router sends positions."""

from dataclasses import replace

from archsim.graph.attention import Block
from archsim.graph.axes import Axis, dim
from archsim.graph.sequence_nodes import Routed, Scaled
from archsim.graph.streams import Route
from archsim.graph.views import Sent


def feed_forward(block: Block, x: str) -> str:
    """Up, activation, down; or experts, each of them such."""
    preset = block.preset
    return _mixture(block, x) if preset.mixes(block.number) else _one(block, x, "ffn", "", preset.ffn)


def _mixture(block: Block, x: str) -> str:
    """Each position at the experts that its gates choose, and at the shared one."""
    preset, builder, mixture = block.preset, block.builder, block.preset.mixture
    gates = _gates(block, x)
    tokens = builder.of(x)[0][0].axis
    results = []
    for number in range(preset.experts):
        name = f"expert {number}"
        route = Route(number, preset.experts, preset.experts_per_token)
        axis = replace(tokens, name=f"{tokens.name} of {name}", size=None, route=route)
        sent = _sent(block, f"{name} positions", x, gates, axis)
        if mixture.multiply == "inputs":
            own = builder.slice(_sent(block, f"{name} gates", gates, gates, axis), -1, number, 1)
            sent = builder.elementwise(f"{name} input", "mul", sent, own)
        results.append(_one(block, sent, name, f"{name} ", mixture.ffn or preset.ffn))
    weighted = mixture.multiply == "results"
    width = dim(Axis(f"{block.layer}/expert scaling:2", preset.hidden))
    scaled = builder.add(
        Scaled(
            layer=block.layer,
            name="expert scaling",
            kind="mul" if weighted else "view",
            inputs=(*results, gates),
            shape=(dim(tokens), dim(Axis(f"{block.layer}/expert scaling:1", preset.experts_per_token)), width),
            chosen=preset.experts_per_token,
            renormalised=preset.gates_renormalised and not mixture.routed,
            weighted=weighted,
        )
    )
    total = builder.reduce("ffn down", "add", scaled, "sum", (1,))
    return builder.elementwise("shared add", "add", total, _shared(block, x)) if mixture.shared else total


def _gates(block: Block, x: str) -> str:
    """Gates of all experts, or of those that are chosen."""
    preset, builder, mixture = block.preset, block.builder, block.preset.mixture
    router = builder.linear("router", x, preset.experts, bias=mixture.router_bias)
    if mixture.scores == "softmax":
        gates = builder.softmax("router softmax", router)
    else:
        gates = builder.elementwise("router sigmoid", "sigmoid", router)
    if not mixture.routed:
        return gates
    choice = gates
    if mixture.choice_bias:
        # it is moved step by step until experts have equal work, not trained: no parameters
        bias = builder.weight(f"{block.layer}/router choice.bias", (preset.experts,), trained=0)
        choice = builder.elementwise("router choice", "add", gates, bias)
    return builder.add(
        Routed(
            layer=block.layer,
            name="router gates",
            kind="mul",
            inputs=(gates, choice),
            shape=builder.of(gates),
            chosen=preset.experts_per_token,
            groups=mixture.groups,
            groups_chosen=mixture.groups_per_token,
            group_largest=mixture.group_largest,
            renormalised=preset.gates_renormalised,
            scale=mixture.scale,
        )
    )


def _sent(block: Block, name: str, x: str, gates: str, axis: Axis) -> str:
    """The positions that go to the expert of an axis."""
    builder = block.builder
    shape = (dim(axis), *builder.of(x)[1:])
    return builder.add(Sent(layer=block.layer, name=builder.name(name), inputs=(x, gates), shape=shape))


def _shared(block: Block, x: str) -> str:
    """The feed-forward part that all positions go through."""
    builder, mixture = block.builder, block.preset.mixture
    shared = _one(block, x, "shared expert", "shared ", mixture.shared)
    if mixture.shared_gate:
        gate = builder.linear("shared gate", x, 1, bias=False)
        shared = builder.elementwise(
            "shared scaling", "mul", shared, block.builder.elementwise("shared sigmoid", "sigmoid", gate)
        )
    return shared


def _one(block: Block, x: str, name: str, prefix: str, wide: int) -> str:
    """Where it is gated, the activation is of a gate, which what goes up is multiplied by."""
    preset, builder = block.preset, block.builder
    gate = block.linear(f"{name} gate", x, wide, bias=preset.ffn_bias) if preset.gated else ""
    raised = block.linear(f"{name} up", x, wide, bias=preset.ffn_bias)
    if gate and preset.gate_limit is not None:
        most = preset.gate_limit
        gate = builder.elementwise(f"{prefix}gate clip", "clip", gate, parameters=(float("-inf"), most))
        raised = builder.elementwise(f"{prefix}up clip", "clip", raised, parameters=(-most, most))
    acted = block.activation(f"{prefix}activation", gate or raised)
    if gate:
        if preset.up_shift:
            raised = builder.elementwise(f"{prefix}up shift", "add", raised, parameters=(preset.up_shift,))
        acted = builder.elementwise(f"{name} product", "mul", acted, raised)
    return block.linear(f"{name} down", acted, preset.hidden, bias=preset.ffn_bias)
