from __future__ import annotations

from math import log

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph.axes import Axis, Shape, dim
from archsim.graph.builder import Builder
from archsim.graph.nodes import Mask, Unknown
from archsim.graph.sequence_nodes import Embedding, Positions, Previous, Recurrence, Rotary, Scaled, ScoreBias
from archsim.graph.streams import Route, Stream
from archsim.graph.views import Pad, Patches, Repeat, Sent, Stack
from tests.values.graphs import Array, made, numbers, reference


def shape_of(*sizes: int) -> Shape:
    return tuple(dim(Axis(f"made {at}", size, at)) for at, size in enumerate(sizes))


def embedded(*, positions: bool, row: bool, first: int = 0, scale: float = 1.0, tokens: Array | None = None) -> Array:
    builder = Builder()
    x = builder.input("x", builder.axes("x", (3,)), whole=10, least=-10)
    names = [builder.weight("tokens", (7, 4))]
    names += [builder.weight("positions", (5, 4))] if positions else []
    names += [builder.weight("segment", (4,))] if row else []
    node = Embedding(
        layer="1",
        name="embedding",
        kind="embedding",
        inputs=(x, *names),
        shape=(*builder.of(x), *shape_of(4)),
        positions=positions,
        first_position=first,
        scale=scale,
    )
    tables = {"tokens": numbers(1, 7, 4), "positions": numbers(2, 5, 4), "segment": numbers(3, 4)}
    given = {name: tables[name] for name in names}
    return made(builder, builder.add(node), {"x": np.array([[6, 0, 2]]) if tokens is None else tokens}, given)


def test_rows_of_tables_are_added() -> None:
    rows = numbers(1, 7, 4)[[6, 0, 2]]
    assert embedded(positions=False, row=False, scale=3)[0] == pytest.approx(3 * rows, abs=1e-6)
    wanted = 3 * rows + numbers(2, 5, 4)[2:5] + numbers(3, 4)
    assert embedded(positions=True, row=True, first=2, scale=3)[0] == pytest.approx(wanted, abs=1e-6)
    assert embedded(positions=False, row=True)[0] == pytest.approx(rows + numbers(3, 4), abs=1e-6)


def test_rows_of_positions_are_added_to_values() -> None:
    builder = Builder()
    x, table = builder.input("x", builder.axes("x", (3, 4))), builder.weight("table", (6, 4))
    node = Positions(
        layer="1", name="positions", kind="embedding", inputs=(x, table), shape=builder.of(x), first_position=2
    )
    given, rows = numbers(1, 2, 3, 4), numbers(2, 6, 4)
    assert made(builder, builder.add(node), {"x": given}, {"table": rows}) == pytest.approx(given + rows[2:5])


def test_pictures_are_cut_as_by_a_convolution() -> None:
    """As large and as far apart as the squares; a column is left over."""
    picture, weight = numbers(1, 1, 3, 4, 7), numbers(2, 5, 3, 2, 2)
    builder = Builder()
    x = builder.input("x", builder.axes("x", (3, 4, 7)))
    cut = Patches(layer="1", name="cut", inputs=(x,), shape=shape_of(6, 12), size=2)
    builder.weight("w", (5, 3, 2, 2))
    y = builder.contraction("product", builder.add(cut), "w", "si,oi->so", sizes={"o": 5, "i": 12})
    (wanted,) = reference("Conv", [picture, weight], strides=(2, 2))
    found = made(builder, y, {"x": picture}, {"w": weight})
    assert found[0] == pytest.approx(wanted[0].reshape(5, 6).T, abs=1e-5)


def test_numbers_without_a_row_are_refused() -> None:
    with pytest.raises(ArchsimError, match="1/embedding: found number 7; expected 0 to 6"):
        embedded(positions=False, row=False, tokens=np.array([[1, 7, 2]]))
    with pytest.raises(ArchsimError, match="found number -1; expected 0 to 6"):
        embedded(positions=False, row=False, tokens=np.array([[1, -1, 2]]))
    with pytest.raises(ArchsimError, match="found position 5; expected 0 to 4"):
        embedded(positions=True, row=False, first=3)


@pytest.mark.parametrize("halves", [False, True])
@pytest.mark.parametrize("turned", [6, 4])
def test_rotary_positions_are_those_of_onnx(halves: bool, turned: int) -> None:  # noqa: FBT001
    length, heads, size = 5, 2, 6
    x, frequencies = numbers(1, 2, length, heads, size), 10000.0 ** -(np.arange(0, turned, 2) / turned)
    builder = Builder()
    name = builder.input("x", builder.axes("x", (length, heads, size)))
    node = Rotary(
        layer="1",
        name="rotary",
        kind="rotary",
        inputs=(name,),
        shape=builder.of(name),
        turned=turned,
        inverse_frequencies=tuple(frequencies),
        halves=halves,
    )
    angles = np.arange(length)[:, None] * frequencies
    cosines, sines = (np.broadcast_to(f(angles).astype(np.float32), (2, *angles.shape)) for f in (np.cos, np.sin))
    (wanted,) = reference(
        "RotaryEmbedding",
        [x.transpose(0, 2, 1, 3), cosines, sines],
        interleaved=int(not halves),
        rotary_embedding_dim=turned if turned < size else 0,
    )
    assert made(builder, builder.add(node), {"x": x}) == pytest.approx(wanted.transpose(0, 2, 1, 3), abs=1e-6)


def bias_of(
    heads: int, length: int, table: Array | None = None, *, both_ways: bool = False, mask: Mask | None = None
) -> Array:
    """What is added to scores of 0; of ALiBi without a table."""
    builder = Builder()
    x = builder.input("x", builder.axes("x", (heads, length, length)))
    weights = {} if table is None else {builder.weight("table", table.shape): table}
    node = ScoreBias(
        layer="1",
        name="bias",
        kind="add",
        inputs=(x, *weights),
        shape=builder.of(x),
        buckets=0 if table is None else len(table),
        both_ways=both_ways,
        mask=mask,
    )
    found: Array = made(builder, builder.add(node), {"x": np.zeros((1, heads, length, length), np.float32)}, weights)[0]
    return found


def test_scores_are_masked_after_their_bias() -> None:
    found = bias_of(2, 4, mask=Mask(causal=True, span=2))
    assert np.isneginf(found[0]).tolist() == [
        [key > query or query - key > 1 for key in range(4)] for query in range(4)
    ]
    assert found[1, 3, 2] == -(2.0**-8)


def test_slopes_of_alibi() -> None:
    """8 heads as in the paper: 1/2 to 1/256; 3 heads: those of 2, then the first of 4."""
    assert bias_of(8, 3)[:, 2, 0].tolist() == [-2 * 2.0**-at for at in range(1, 9)]
    assert bias_of(3, 2)[:, 1, 0].tolist() == [-(2.0**-4), -(2.0**-8), -(2.0**-2)]
    assert bias_of(12, 2)[8:, 1, 0] == pytest.approx(-(2.0 ** -np.array([0.5, 1.5, 2.5, 3.5])))


@pytest.mark.parametrize("both_ways", [False, True])
def test_buckets_of_t5(both_ways: bool) -> None:  # noqa: FBT001
    """32 buckets up to a distance of 128, as in the paper: half are of one distance, then logarithms."""
    table = np.arange(64, dtype=np.float32).reshape(32, 2)
    found = bias_of(2, 140, table, both_ways=both_ways)
    number = 16 if both_ways else 32
    for query, key in ((139, 139), (139, 0), (50, 47), (130, 100), (130, 114), (0, 5), (0, 139), (20, 60), (0, 8)):
        distance = abs(key - query) if both_ways else max(0, query - key)
        bucket = distance
        if distance >= number // 2:
            share = log(distance / (number / 2)) / log(128 / (number / 2))
            bucket = min(number - 1, number // 2 + int(share * number / 2 + 1e-9))
        bucket += number if both_ways and key > query else 0
        assert found[:, query, key].tolist() == table[bucket].tolist(), (query, key)


def lstm(length: int, values: int, hidden: int, *, backward: bool = False) -> Builder:
    """An LSTM with ONNX's order of gates: in, out, forget, candidate."""
    builder = Builder(layer="1")
    x = builder.input("x", builder.axes("x", (length, values)))
    state = (builder.of(x)[0], *shape_of(hidden))
    before = {
        name: builder.add(Previous(layer="1", name=f"{name} before", inputs=(f"1/{name}",), shape=state))
        for name in ("hidden", "cell")
    }
    builder.weight("w", (4 * hidden, values))
    builder.weight("r", (4 * hidden, hidden))
    builder.weight("b", (4 * hidden,))
    own = builder.contraction("own", x, "w", "si,oi->so", bias="b")
    summed = builder.elementwise("sum", "add", own, builder.contraction("past", before["hidden"], "r", "si,oi->so"))
    parts = [builder.slice(summed, 1, at * hidden, hidden) for at in range(4)]
    gates = [builder.elementwise("gate", "sigmoid", part) for part in parts[:3]]
    candidate = builder.elementwise("candidate", "tanh", parts[3])
    kept = builder.elementwise("kept", "mul", gates[2], before["cell"])
    cell = builder.elementwise("cell", "add", kept, builder.elementwise("added", "mul", gates[0], candidate))
    result = builder.elementwise("hidden", "mul", gates[1], builder.elementwise("squashed", "tanh", cell))
    body = tuple(builder.nodes)
    builder.nodes.clear()
    builder.add(
        Recurrence(
            layer="1", name="lstm", inputs=(x,), shape=builder.of(result), body=body, result=result, backward=backward
        )
    )
    return builder


@pytest.mark.parametrize("backward", [False, True])
def test_recurrences_are_those_of_onnx(backward: bool) -> None:  # noqa: FBT001
    x, w, r, b = numbers(1, 2, 5, 3), numbers(2, 16, 3), numbers(3, 16, 4), numbers(4, 16)
    found = made(lstm(5, 3, 4, backward=backward), "1/lstm", {"x": x}, {"w": w, "r": r, "b": b})
    ordered = x[:, ::-1] if backward else x
    both = np.concatenate([b, np.zeros(16, np.float32)])
    (wanted,) = reference("LSTM", [ordered.transpose(1, 0, 2), w[None], r[None], both[None]], hidden_size=4)
    wanted = wanted[:, 0].transpose(1, 0, 2)
    assert found == pytest.approx(wanted[:, ::-1] if backward else wanted, abs=1e-6)


@pytest.mark.parametrize("renormalised", [False, True])
def test_positions_are_sent_to_the_experts_with_the_largest_gates(renormalised: bool) -> None:  # noqa: FBT001
    """Expert e multiplies by e + 1; of equal gates the lower expert's counts."""
    stream = Stream("tokens")
    builder = Builder()
    tokens = Axis("tokens", None, stream=stream)
    x = builder.input("x", (dim(tokens), *shape_of(2)))
    gates = builder.input("gates", (dim(tokens), dim(Axis("experts", 3))))
    results = []
    for expert in range(3):
        route = Axis(f"tokens of {expert}", None, stream=stream, route=Route(expert, 3, 2))
        sent = Sent(layer="1", name=f"sent {expert}", inputs=(x, gates), shape=(dim(route), *shape_of(2)))
        scaled = builder.elementwise(
            f"expert {expert}", "mul", builder.add(sent), function="scale", parameters=[expert + 1]
        )
        results.append(scaled)
    node = Scaled(
        layer="1",
        name="scaled",
        kind="mul",
        inputs=(*results, gates),
        shape=(dim(tokens), *shape_of(2, 2)),
        chosen=2,
        renormalised=renormalised,
    )
    y = builder.reduce("sum", "add", builder.add(node), "sum", [1])
    given = np.array([[[0.5, 0.3, 0.2], [0.2, 0.4, 0.4]], [[0.1, 0.8, 0.1], [0.6, 0.25, 0.15]]], np.float32)
    values = numbers(1, 2, 2, 2)
    share = np.array([[0.5 + 0.6, 0.8 + 1.2], [0.1 + 1.6, 0.6 + 0.5]])
    total = np.array([[0.8, 0.8], [0.9, 0.85]]) if renormalised else np.ones((2, 2))
    found = made(builder, y, {"x": values, "gates": given})
    assert found == pytest.approx(values * (share / total)[..., None], abs=1e-6)


def test_experts_that_nobody_is_sent_to_do_nothing() -> None:
    builder = Builder()
    x, gates = builder.input("x", builder.axes("x", (2, 3))), builder.input("gates", builder.axes("g", (2, 2)))
    results = []
    for expert in range(2):
        builder.layer = f"expert {expert}"
        route = Axis(f"to {expert}", None, stream=Stream("tokens"), route=Route(expert, 2, 1))
        sent = builder.add(Sent(layer=builder.layer, name="sent", inputs=(x, gates), shape=(dim(route), *shape_of(3))))
        results.append(builder.linear("up", builder.elementwise("gelu", "gelu", sent), 3, bias=False))
    node = Scaled(
        layer="1",
        name="scaled",
        kind="mul",
        inputs=(*results, gates),
        shape=(builder.of(x)[0], *shape_of(1, 3)),
        chosen=1,
        renormalised=False,
    )
    weights = {f"expert {expert}/up.weight": numbers(expert, 3, 3) for expert in range(2)}
    gate = np.array([[[1, 0], [1, 0]]], np.float32)
    found = made(builder, builder.add(node), {"x": np.ones((1, 2, 3), np.float32), "gates": gate}, weights)
    gelu = 0.8413447  # of 1
    assert found[0, :, 0] == pytest.approx(np.tile(gelu * numbers(0, 3, 3).sum(1), (2, 1)), abs=1e-5)


def test_views_rearrange_numbers() -> None:
    x = numbers(1, 2, 4, 6)
    builder = Builder()
    name = builder.input("x", builder.axes("x", (4, 6)))
    builder.weight("w", (2, 6))
    w = numbers(2, 2, 6)
    pad = Pad(layer="1", name="pad", inputs=(name,), shape=shape_of(5, 5), before=(1, -2), after=(0, 1), number=9)
    views = {
        builder.reshape(name, (2, 12)): x.reshape(2, 2, 12),
        builder.split(name, 1, 3, 2): x.reshape(2, 4, 3, 2),
        builder.transpose(name, (1, 0)): x.transpose(0, 2, 1),
        builder.slice(name, 1, 1, 2, step=2): x[:, :, 1:5:2],
        builder.slice(name, 1, 5, 3, step=-2): x[:, :, 5::-2],
        builder.slice(name, 0, 3, 4, step=-1): x[:, ::-1],
        builder.concat(["w", name], 0): np.concatenate([np.broadcast_to(w, (2, 2, 6)), x], axis=1),
        builder.add(pad): np.pad(x, ((0, 0), (1, 0), (0, 1)), constant_values=9)[:, :, 2:],
        builder.add(Repeat(layer="1", name="times", inputs=(name,), shape=shape_of(4, 12), times=(1, 2))): np.repeat(
            x, 2, 2
        ),
        builder.add(Repeat(layer="1", name="wide", inputs=(name,), shape=shape_of(3, 4, 6))): np.stack([x] * 3, 1),
        builder.add(Stack(layer="1", name="stack", inputs=(name,), shape=shape_of(2, 18), number=3)): np.concatenate(
            [x, np.zeros((2, 2, 6), np.float32)], axis=1
        ).reshape(2, 2, 18),
    }
    for view, wanted in views.items():
        assert (made(builder, view, {"x": x}, {"w": w}) == wanted).all(), view


def test_what_is_not_known_says_why() -> None:
    builder = Builder()
    x = builder.input("x", builder.axes("x", (2,)))
    unknown = builder.add(
        Unknown(layer="1", name="fft", kind="other", inputs=(x,), shape=builder.of(x), why="the file has only sizes")
    )
    with pytest.raises(ArchsimError, match="1/fft: its values are not known: the file has only sizes"):
        made(builder, unknown, {"x": numbers(1, 1, 2)})
