"""State-space layers as nodes: a causal convolution, and a state that each position updates."""

from archsim.graph.attention import Block
from archsim.graph.axes import Axis, dim, size_of
from archsim.graph.builder import Builder
from archsim.graph.sequence_nodes import Previous, Recurrence
from archsim.graph.state_space_keys import StateSpace
from archsim.graph.views import CausalPad
from archsim.graph.windows import Interval


def state_space(block: Block, x: str) -> str:
    """The selective state space of Mamba (A. Gu, T. Dao, 2023), with its projections: [positions, hidden] stays.

    A projection gives each channel a value and a gate. Values pass a causal depth-wise convolution and an activation.
    A projection of them makes B, C and, through one of lower rank and a softplus, the step sizes. What the scan gives
    is multiplied by SiLU of the gate, and projected.
    """
    builder, preset = block.builder, block.preset
    keys = preset.state_space or StateSpace()
    channels = keys.channels_of(preset.hidden)
    both = builder.linear("in projection", x, 2 * channels, bias=keys.bias)
    values, gate = (builder.slice(both, -1, at, channels) for at in (0, channels))
    values = block.activation("conv activation", _convolved(builder, values, keys))
    rank = keys.rank_of(preset.hidden)
    made = builder.linear("x projection", values, rank + 2 * keys.state, bias=False)
    step, b, c = (
        _normalised(block, f"{name} norm", builder.slice(made, -1, begin, size), keys)
        for name, begin, size in (("dt", 0, rank), ("B", rank, keys.state), ("C", rank + keys.state, keys.state))
    )
    step = builder.elementwise("softplus", "softplus", builder.linear("dt projection", step, channels))
    scanned = _scan(builder, values, step, b, c)
    gated = builder.elementwise("gated", "mul", scanned, builder.elementwise("gate", "silu", gate))
    return builder.linear("out projection", gated, preset.hidden, bias=keys.bias)


def _convolved(builder: Builder, x: str, keys: StateSpace) -> str:
    """Each channel by itself: a position's value and those of the positions before it."""
    key = f"{builder.layer}/conv"
    positions, channels = builder.of(x)
    before, axis = keys.kernel - 1, positions[0].axis
    if before:
        padded = Axis(f"{key}:padded", None if axis.size is None else axis.size + before, axis.order)
        shape = (dim(padded), channels)
        x = builder.add(CausalPad(layer=builder.layer, name="conv inputs", inputs=(x,), shape=shape, before=before))
    number = size_of(channels) or 1
    return builder.contraction(
        "conv",
        x,
        builder.weight(f"{key}.weight", (number, keys.kernel)),
        "sd,dk->sd",
        windows=[("s", "k", Interval(keys.kernel), axis.size or 0)],
        axes={"s": axis},
        bias=builder.weight(f"{key}.bias", (number,)) if keys.conv_bias else None,
    )


def _normalised(block: Block, name: str, x: str, keys: StateSpace) -> str:
    epsilon = block.preset.norm_epsilon if keys.norm_epsilon is None else keys.norm_epsilon
    if keys.norms == "none":
        return x
    return block.builder.norm(name, x, "rmsnorm", epsilon=epsilon, scaled=keys.norms == "scaled")


def _scan(builder: Builder, x: str, step: str, b: str, c: str) -> str:
    """By h = exp(step A) h + step B x of each channel and each number of its state; then C h + D x.

    x, step: [positions, channels]; b, c: [positions, numbers of a state]. It runs position by position. A is below 0.
    """
    layer, begin = builder.layer, len(builder.nodes)
    (positions, channels), state = builder.of(x), builder.of(b)[1]
    number, size = size_of(channels) or 1, size_of(state) or 1
    a = builder.weight(f"{layer}/scan.A", (number, size))
    d = builder.weight(f"{layer}/scan.D", (number,))
    shape = (positions, channels, dim(Axis(f"{layer}/state", size)))
    outside = (x, step, b, c)

    def times(name: str, one: str, other: str) -> str:
        return builder.elementwise(name, "mul", one, other)

    def of_channels(tensor: str) -> str:
        return builder.reshape(tensor, (positions[0].axis.size, number, 1))

    b, c = (builder.reshape(tensor, (positions[0].axis.size, 1, size)) for tensor in (b, c))
    decay = builder.elementwise("decay", "exp", times("dt A", of_channels(step), a))
    taken = times("dt B x", of_channels(times("dt x", step, x)), b)
    before = builder.add(Previous(layer=layer, name="state before", inputs=(f"{layer}/state",), shape=shape))
    updated = builder.elementwise("state", "add", times("decayed", decay, before), taken)
    given = builder.reduce("C state", "add", times("C times state", updated, c), "sum", (2,))
    result = builder.elementwise("scanned", "add", given, times("D x", x, d))
    body = tuple(builder.nodes[begin:])
    del builder.nodes[begin:]
    return builder.add(
        Recurrence(layer=layer, name="scan", inputs=outside, shape=builder.of(result), body=body, result=result)
    )
