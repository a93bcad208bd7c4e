from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph.axes import Axis, dim
from archsim.graph.builder import Builder
from archsim.graph.nodes import Mask
from archsim.graph.sequence_nodes import Embedding, Previous, Recurrence, Rotary, ScoreBias
from archsim.graph.streams import Stream
from archsim.values.arithmetic import FloatArithmetic, Values
from archsim.values.executor import Executor
from archsim.values.session import Session, generate
from tests.values.graphs import Array, drawn, graph_of, numbers

if TYPE_CHECKING:
    from archsim.graph.graph import Graph

VOCABULARY, HIDDEN, SIZE = 11, 12, 3
TOKENS = np.random.default_rng(7).integers(0, VOCABULARY, (2, 9))
SOURCE = np.random.default_rng(8).integers(0, VOCABULARY, (2, 6))


def embedded(builder: Builder, name: str, stream: Stream) -> str:
    """Tokens, with a table of positions."""
    builder.layer = f"{name} embeddings"
    tokens = builder.input(name, (dim(Axis(name, None, stream=stream)),), whole=VOCABULARY, stream=stream)
    tables = [builder.weight("token table", (VOCABULARY, HIDDEN)), builder.weight("position table", (16, HIDDEN))]
    shape = (*builder.of(tokens), dim(Axis("hidden", HIDDEN)))
    return builder.add(
        Embedding(
            layer=builder.layer,
            name="embedding",
            kind="embedding",
            inputs=(tokens, *tables),
            shape=shape,
            positions=True,
        )
    )


def turned(builder: Builder, x: str) -> str:
    node = Rotary(
        layer=builder.layer,
        name=builder.name("rotary"),
        kind="rotary",
        inputs=(x,),
        shape=builder.of(x),
        turned=2,
        inverse_frequencies=(1.0,),
        halves=True,
    )
    return builder.add(node)


def attended(builder: Builder, x: str, memory: str, mask: Mask | None, bias: int | None = None) -> str:
    """Two heads of keys, each shared by two heads of queries; bias: buckets."""
    query = builder.split(builder.linear("query", x, 4 * SIZE), 1, 4, SIZE)
    key, value = (builder.split(builder.linear(name, memory, 2 * SIZE), 1, 2, SIZE) for name in ("key", "value"))
    if memory == x:
        query, key = turned(builder, query), turned(builder, key)
    query = builder.split(query, 1, 2, 2)
    span = None if mask is None else mask.span
    key, value = builder.keep(key, span), builder.keep(value, span)
    scores = builder.contraction("scores", query, key, "skgd,tkd->kgst", scale=SIZE**-0.5, mask=mask)
    if bias is not None:
        table = [builder.weight("bias", (bias, 4))] if bias else []
        node = ScoreBias(
            layer=builder.layer,
            name="bias",
            kind="add",
            inputs=(scores, *table),
            shape=builder.of(scores),
            buckets=bias,
            furthest=6,
        )
        scores = builder.add(node)
    mixed = builder.contraction("context", builder.softmax("softmax", scores), value, "kgst,tkd->skgd")
    return builder.elementwise("add", "add", builder.linear("output", builder.merge(mixed, 1, 3), HIDDEN), x)


def headed(builder: Builder, x: str, back: str) -> Graph:
    builder.layer = "head"
    logits = builder.linear("logits", builder.choose(x, "last"), VOCABULARY, bias=False, tied="token table")
    most = builder.reduce("argmax", "argmax", logits, "argmax", [-1])
    return graph_of(builder, logits, most, feedback=(most, back), positions=16)


def decoder(span: int | None = None, bias: int | None = None) -> Graph:
    """Two layers; the second sees the last `span` positions."""
    builder = Builder()
    x = embedded(builder, "tokens", Stream("tokens", causal=True, grows=True))
    for number, mask in enumerate((Mask(causal=True), Mask(causal=True, span=span))):
        builder.layer = f"layer {number}"
        x = builder.norm("norm", x, "rmsnorm", epsilon=1e-5)
        x = attended(builder, x, x, mask, bias)
    return headed(builder, x, "tokens embeddings/embedding")


def encoder_decoder() -> Graph:
    builder = Builder()
    source = embedded(builder, "source", Stream("source"))
    builder.layer = "encoder"
    memory = attended(builder, source, source, None)
    x = embedded(builder, "target", Stream("target", causal=True, grows=True, prompt=1))
    builder.layer = "decoder"
    x = attended(builder, x, x, Mask(causal=True))
    builder.layer = "cross"
    return headed(builder, attended(builder, x, memory, None), "target embeddings/embedding")


def recurrent() -> Graph:
    """h = tanh(x + R h)."""
    builder, stream = Builder(), Stream("tokens", causal=True, grows=True)
    x = embedded(builder, "tokens", stream)
    builder.layer, begin = "layer", len(builder.nodes)
    shape = (builder.of(x)[0], dim(Axis("state", HIDDEN)))
    before = builder.add(Previous(layer="layer", name="before", inputs=("layer/tanh",), shape=shape))
    past = builder.linear("past", before, HIDDEN)
    result = builder.elementwise("tanh", "tanh", builder.elementwise("sum", "add", x, past))
    body = tuple(builder.nodes[begin:])
    del builder.nodes[begin:]
    node = Recurrence(layer="layer", name="rnn", inputs=(x,), shape=builder.of(result), body=body, result=result)
    return headed(builder, builder.add(node), "tokens embeddings/embedding")


def executor(graph: Graph) -> Executor:
    return Executor(graph, drawn(graph), FloatArithmetic())


DECODERS = {
    "full": decoder(),
    "span": decoder(span=3),
    "span of one": decoder(span=1),
    "alibi": decoder(bias=0),
    "buckets": decoder(span=4, bias=6),
    "recurrent": recurrent(),
}


@pytest.mark.parametrize("name", DECODERS)
def test_a_session_gives_what_a_run_of_all_positions_gives(name: str) -> None:
    """In parts of different lengths, for every position."""
    graph = DECODERS[name]
    whole = executor(graph).run({"tokens": TOKENS}, everywhere=True)["head/logits"]
    session = executor(graph).session()
    parts = []
    for begin, end in ((0, 4), (4, 5), (5, 8), (8, 9)):
        parts.append(session.run({"tokens": TOKENS[:, begin:end]}, everywhere=True)["head/logits"])
        assert session.positions == end
    assert np.concatenate(parts, axis=1) == pytest.approx(whole, abs=1e-5)
    last = executor(graph).run({"tokens": TOKENS})["head/logits"]
    assert last.shape == (2, 1, VOCABULARY)
    assert last == pytest.approx(whole[:, -1:], abs=1e-5)


def test_positions_see_no_later_ones_and_no_more_than_the_span() -> None:
    """With a span of 3 in one layer alone, what is 3 positions back counts for nothing."""
    builder = Builder()
    x = embedded(builder, "tokens", Stream("tokens", causal=True, grows=True))
    builder.layer = "layer"
    graph = headed(builder, attended(builder, x, x, Mask(causal=True, span=3)), "tokens embeddings/embedding")
    plain = executor(graph).run({"tokens": TOKENS[:1]}, everywhere=True)["head/logits"][0]
    changed = TOKENS[:1].copy()
    changed[0, 4] = (changed[0, 4] + 1) % VOCABULARY
    other = executor(graph).run({"tokens": changed}, everywhere=True)["head/logits"][0]
    differs = np.abs(plain - other).max(axis=1) > 1e-6
    assert differs.tolist() == [False] * 4 + [True] * 3 + [False] * 2


@pytest.mark.parametrize("name", DECODERS)
def test_tokens_are_the_same_with_and_without_the_cache(name: str) -> None:
    made = generate(executor(DECODERS[name]), {"tokens": TOKENS[:, :4]}, 8)
    assert made.shape == (2, 8)
    assert (made == generate(executor(DECODERS[name]), {"tokens": TOKENS[:, :4]}, 8, cached=False)).all()


def test_an_encoder_runs_once() -> None:
    graph, runs = encoder_decoder(), []

    class Counting(FloatArithmetic):
        def softmax(self, x: Values) -> Values:
            runs.append(x.shape[-2:])
            return super().softmax(x)

    given = {"source": SOURCE, "target": TOKENS[:, :1]}
    made = generate(Executor(graph, drawn(graph), Counting()), given, 3)
    assert runs == [(6, 6), (1, 1), (1, 6), (1, 2), (1, 6), (1, 3), (1, 6)]
    assert (made == generate(executor(graph), given, 3, cached=False)).all()


def test_keys_of_the_past_are_those_of_onnx() -> None:
    from tests.values.graphs import reference

    builder, stream = Builder(), Stream("tokens", causal=True, grows=True)
    axis = dim(Axis("tokens", None, stream=stream))
    q, k, v = (
        builder.input(name, (axis, dim(Axis("heads", 2)), dim(Axis("values", SIZE))), positions=1) for name in "qkv"
    )
    key, value = builder.keep(k), builder.keep(v)
    scores = builder.contraction("scores", q, key, "skd,tkd->kst", scale=SIZE**-0.5, mask=Mask(causal=True))
    context = builder.contraction("context", builder.softmax("softmax", scores), value, "kst,tkd->skd")
    session = Executor(graph_of(builder, context), {}, FloatArithmetic()).session()
    given = {name: numbers(at, 2, 7, 2, SIZE) for at, name in enumerate("qkv")}
    session.run({name: x[:, :4] for name, x in given.items()})
    found = session.run({name: x[:, 4:] for name, x in given.items()})[context]
    heads = {name: x.transpose(0, 2, 1, 3) for name, x in given.items()}
    (wanted,) = reference(
        "Attention",
        [*(heads[name][:, :, 4:] for name in "qkv"), None, heads["k"][:, :, :4], heads["v"][:, :, :4]],
        is_causal=1,
    )
    assert found == pytest.approx(wanted.transpose(0, 2, 1, 3), abs=1e-5)


def test_a_failed_run_leaves_a_session_as_it_was() -> None:
    session = executor(decoder()).session()
    session.run({"tokens": TOKENS[:, :4]})
    with pytest.raises(ArchsimError, match="found 17 in a sequence; the model has 16 positions"):
        session.run({"tokens": np.zeros((2, 13), np.int64)})
    assert session.positions == 4
    whole = executor(decoder()).run({"tokens": TOKENS[:, :5]})["head/logits"]
    assert session.run({"tokens": TOKENS[:, 4:5]})["head/logits"] == pytest.approx(whole, abs=1e-5)


def test_only_keys_that_are_seen_again_are_kept() -> None:
    session = executor(decoder(span=3)).session()
    for at in range(6):
        session.run({"tokens": TOKENS[:, at : at + 1]})
    lengths = {key: x.shape[1] for key, x in session.state.items()}
    assert lengths == {"layer 0/kept": 6, "layer 0/kept 2": 6, "layer 1/kept": 3, "layer 1/kept 2": 3}


def test_a_session_is_refused_where_other_positions_are_read_and_not_kept() -> None:
    builder = Builder()
    x = embedded(builder, "tokens", Stream("tokens", causal=True, grows=True))
    graph = graph_of(builder, builder.reduce("mean", "avgpool", x, "mean", [0]))
    with pytest.raises(ArchsimError, match="tokens embeddings/mean: reads positions of former runs"):
        Session(executor(graph))


def test_tensors_are_freed_as_soon_as_nothing_needs_them() -> None:
    """A chain of ten, with the first read again at its end: never more than the first, an operand and a result."""
    builder = Builder()
    first = x = builder.elementwise("tanh", "tanh", builder.input("x", builder.axes("x", (100,))))
    for _ in range(10):
        x = builder.elementwise("tanh", "tanh", x)
    graph = graph_of(builder, builder.elementwise("add", "add", x, first))
    living: weakref.WeakValueDictionary[int, Array] = weakref.WeakValueDictionary()
    most: list[int] = []

    class Watching(FloatArithmetic):
        def function(self, name: str, x: Values) -> Values:
            found = super().function(name, x)
            living[len(most)] = found
            gc.collect()
            most.append(len(living))
            return found

    Executor(graph, {}, Watching()).run({"x": numbers(1, 1, 100)})
    assert most == [1, 2, *[3] * 9]


def test_only_nodes_that_are_needed_run() -> None:
    graph, asked = decoder(), []

    class Asked(FloatArithmetic):
        def softmax(self, x: Values) -> Values:
            asked.append(x.shape)
            return super().softmax(x)

    one = Executor(graph, drawn(graph), Asked())
    whole = one.run({"tokens": TOKENS}, also=["layer 0/add", "layer 0/softmax"])
    assert len(asked) == 2
    again = one.run({}, known={"layer 0/add": whole["layer 0/add"]})
    assert len(asked) == 3
    assert (again["head/logits"] == whole["head/logits"]).all()
    assert set(again) == {"head/logits", "head/argmax"}


def test_weights_are_checked_and_read_when_they_are_needed() -> None:
    graph = decoder()
    weights = drawn(graph)
    with pytest.raises(ArchsimError, match=r"no weights 'layer 0/query.weight' \[12, 12\]"):
        Executor(graph, {name: x for name, x in weights.items() if name != "layer 0/query.weight"}, FloatArithmetic())
    wrong = Executor(graph, weights | {"layer 1/output.weight": numbers(1, 12, 11)}, FloatArithmetic())
    with pytest.raises(ArchsimError, match=r"'layer 1/output.weight': found \[12, 11\]; expected \[12, 12\]"):
        wrong.run({"tokens": TOKENS})


def test_tied_weights_may_be_left_out() -> None:
    graph = decoder()
    weights = drawn(graph)
    weights["head/logits.weight"] = weights["token table"]
    tied = {name: x for name, x in weights.items() if name != "head/logits.weight"}
    found = [
        Executor(graph, each, FloatArithmetic()).run({"tokens": TOKENS})["head/logits"] for each in (weights, tied)
    ]
    assert (found[0] == found[1]).all()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "no input 'tokens'"),
        ({"tokens": TOKENS[0]}, r"found \[9\]; expected the batch, then \[any\]"),
        ({"tokens": TOKENS + 5}, "expected whole numbers from 0 to 10"),
        ({"tokens": np.zeros((1, 17), np.int64)}, "found 17 in a sequence; the model has 16 positions"),
    ],
)
def test_inputs_are_checked(inputs: dict[str, Array], message: str) -> None:
    with pytest.raises(ArchsimError, match=message):
        executor(decoder()).run(inputs)


def test_what_is_asked_for_must_be_there() -> None:
    with pytest.raises(ArchsimError, match=r"no tensor 'layer 0/ad'\. Did you mean 'layer 0/add'"):
        executor(decoder()).run({"tokens": TOKENS}, also=["layer 0/ad"])
    with pytest.raises(ArchsimError, match="generates nothing"):
        generate(executor(replace(decoder(), feedback=None)), {"tokens": TOKENS}, 1)
