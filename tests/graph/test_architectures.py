"""Arrangements of transformers: what runs where, how much, and that all of it can be played."""

from typing import Any

import pytest

from archsim.graph import Graph, load_model
from archsim.graph.job import make_job
from archsim.graph.load import build
from archsim.graph.operators import Linear, Matmul
from archsim.machine import load_machine
from archsim.machine.source import parse
from tests.lowering.runs import counts, run

TINY: dict[str, Any] = {
    "schema": "archsim.model/1",
    "name": "tiny",
    "architecture": "decoder",
    "layers": 2,
    "hidden": 32,
    "heads": 4,
    "ffn": 64,
    "vocabulary": 50,
    "positions": 64,
}
ENCODER_DECODER: dict[str, Any] = {"architecture": "encoder-decoder", "decoder_layers": 3}


def tiny(**changes: object) -> Graph:
    data = {key: value for key, value in {**TINY, **changes}.items() if value is not None}
    lines = [f"{key}: {str(value).lower() if isinstance(value, bool) else value}" for key, value in data.items()]
    return build(parse("\n".join(lines).replace("'", ""), "tiny.yaml"))


def macs(graph: Graph, phase: str, seq: int | None, new_tokens: int = 0) -> int:
    return make_job(graph, phase, seq, new_tokens, 1).macs(graph)


ALL: dict[str, dict[str, Any]] = {
    "parallel": {"parallel": True, "shared_norm": True, "rotary": True},
    "two norms side by side": {"parallel": True},
    "norms on both sides": {"post_norms": True, "gated": True, "norm": "rmsnorm", "bias": False},
    "norms in heads": {"qk_norm": True, "kv_heads": 2},
    "windows": {"window": 3, "full_every": 2},
    "experts": {"experts": 4, "experts_per_token": 2, "gated": True},
    "bias of scores": {"score_bias": True, "buckets": 8},
    "narrow table": {"embedding": 16, "norm_first": False},
    "encoder and decoder": ENCODER_DECODER,
    "picture": {"architecture": "encoder", "image": {"size": 32, "patch": 8}, "norm_first": True, "classes": 10,
                "vocabulary": None, "positions": None},
    "sound": {**ENCODER_DECODER, "audio": {"mels": 8, "positions": 20}, "norm_first": True, "key_bias": False},
}  # fmt: skip


@pytest.mark.parametrize("machine", ["isaac", "nl_dpe"])
@pytest.mark.parametrize("changes", ALL.values(), ids=ALL)
def test_every_arrangement_runs(changes: dict[str, Any], machine: str) -> None:
    graph = tiny(**changes)
    on = load_machine(machine)
    assert run(on, graph, 6 if graph.length is None else graph.length, batch=2).makespan > 0
    if graph.feedback is not None:
        whole = counts(run(on, graph, 6, phase="generate", new_tokens=4))
        assert all(number >= 0 for number in whole.values())


def test_one_position_of_a_decoder_with_experts_takes_two_of_them() -> None:
    """Of 4 experts 2 a position: half of the experts' products, and a router of 32 x 4."""
    alone, routed = tiny(), tiny(experts=4, experts_per_token=2)
    feed_forward = 2 * 32 * 64
    assert macs(routed, "prefill", 8) - macs(alone, "prefill", 8) == 2 * 8 * (feed_forward + 32 * 4)
    experts = [each for each in routed.linears if each.name.startswith("expert ")]
    job = make_job(routed, "prefill", 8, 0, 1)
    assert {len(job.places(each)) for each in experts} == {4}


def test_a_window_bounds_what_a_position_sees() -> None:
    """6 positions that see 1, 2, 3, 3, 3, 3 in one layer, and 1 to 6 in the other; 32 values each, twice."""
    graph = tiny(window=3, full_every=2)
    assert macs(tiny(), "prefill", 6) - macs(graph, "prefill", 6) == 2 * 32 * (21 - 15)


def test_an_encoder_decoder_reads_its_prompt_once_and_begins_with_one_token() -> None:
    """The encoder and the keys and values of cross attention work at 6 positions, the decoder at one."""
    graph = tiny(**ENCODER_DECODER)
    job = make_job(graph, "prefill", 6, 0, 1)
    numbers = {operator.key: len(job.places(operator)) for operator in graph.operators}
    assert numbers["encoder 1/qkv"] == numbers["decoder 2/cross keys and values"] == 6
    assert numbers["decoder 0/qkv"] == numbers["decoder 0/cross query"] == numbers["head/logits"] == 1
    assert job.keys(graph.by_key["decoder 0/cross scores"]).tolist() == [6]
    whole = macs(graph, "generate", 6, 4)
    assert whole == macs(graph, "prefill", 6) - macs(graph, "decode", 6, 1) + macs(graph, "decode", 6, 4)


def test_a_picture_has_its_own_length() -> None:
    """16 patches and a class token; a product of 192 values for each patch, not for the token."""
    graph = tiny(**ALL["picture"])
    assert graph.length == 17
    job = make_job(graph, "prefill", None, 0, 1)
    patches = graph.by_key["embeddings/patches"]
    assert isinstance(patches, Linear)
    assert (len(job.places(patches)), patches.in_features) == (16, 3 * 8 * 8)
    assert len(job.places(graph.by_key["layer 0/qkv"])) == 17


def test_bert_base_and_gpt2_counted_by_hand() -> None:
    """12 layers of 7,077,888 weights and 2 x 768 a key; BERT's pooler at one position, GPT-2's head at the last."""
    layers = 12 * 7_077_888
    assert macs(load_model("bert-base"), "prefill", 128) == 128 * (layers + 12 * 2 * 768 * 128) + 768 * 768
    seen = 128 * 129 // 2
    assert macs(load_model("gpt2"), "prefill", 128) == 128 * layers + 12 * 2 * 768 * seen + 768 * 50_257


@pytest.mark.parametrize("name", ["gpt2", "llama-3.2-1b", "mixtral-8x7b", "mistral-7b"])
def test_a_prefill_is_the_sum_of_its_decode_steps(name: str) -> None:
    """The head aside, which a prefill does once."""
    graph = load_model(name)
    head = sum(linear.weights for linear in graph.linears if linear.layer == "head")
    steps = sum(macs(graph, "decode", seen, 1) - head for seen in range(1, 12))
    first = macs(graph, "prefill", 1) - head
    assert macs(graph, "prefill", 12) - head == first + steps


def test_cross_attention_uses_the_recipes_of_attention() -> None:
    graph = tiny(**ENCODER_DECODER)
    cross = [each for each in graph.operators if isinstance(each, Matmul) and each.name.startswith("cross")]
    assert {each.role for each in cross} == {"scores", "context"}
