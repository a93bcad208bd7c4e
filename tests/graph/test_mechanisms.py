"""Latent attention, mixtures of experts, chunks, windows on both sides, shared layers: sizes and counts by hand."""

import json
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.graph import Graph
from archsim.graph.job import Job, make_job
from archsim.graph.operators import Linear, Matmul
from archsim.machine import load_machine
from archsim.mapping.placement import place

BASE: dict[str, object] = {
    "schema": "archsim.model/1",
    "name": "small",
    "architecture": "decoder",
    "layers": 1,
    "hidden": 16,
    "heads": 4,
    "ffn": 24,
    "vocabulary": 48,
    "positions": 64,
    "gated": True,
    "norm": "rmsnorm",
    "rotary": True,
    "bias": False,
    "tied": False,
    "activation": "silu",
}
LATENT = {"width": 8, "queries": 12, "plain": 6, "rotary": 4, "values": 5}
GROUPED = {"experts": 8, "experts_per_token": 2, "mixture": {"ffn": 10, "shared": 12, "groups": 4}}


def model(folder: Path, changes: dict[str, object]) -> Graph:
    path = folder / "small.json"
    path.write_text(json.dumps({**BASE, **changes}))
    return load_model(path)


def macs(graph: Graph, seq: int) -> int:
    return make_job(graph, "prefill", seq, 0, 1).macs(graph)


def keys(graph: Graph, layer: int, job: Job) -> list[int]:
    seen: list[int] = job.keys(graph.by_key[f"layer {layer}/scores"]).tolist()
    return seen


def test_absorbed_latent_attention_multiplies_with_the_latent(tmp_path: Path) -> None:
    """At a position: 16 x 12 and 12 x 4 x 10 for queries, 16 x 12 for latent and turned key, 4 x 6 x 8 and 4 x 8 x 5
    into the latent and out of it, 20 x 16 for the output; 3 x 16 x 24; 16 x 48 of the head at the last. Each of 4 heads
    multiplies with 8 + 4 numbers of each key, and with 8 of each value; 3 positions see 6.
    """
    graph = model(tmp_path, {"latent": LATENT})
    position = 192 + 480 + 192 + 192 + 160 + 320 + 3 * 16 * 24
    assert macs(graph, 3) == 3 * position + 6 * 4 * (12 + 8) + 768
    scores, context, up = (graph.by_key[f"layer 0/{name}"] for name in ("scores", "context", "key up"))
    assert isinstance(scores, Matmul)
    assert isinstance(context, Matmul)
    assert isinstance(up, Linear)
    assert (scores.stored, context.stored) == (12, 8)
    assert (up.groups, up.in_features, up.out_features) == (4, 24, 32)
    norms = 12 + 8 + 3 * 16
    assert graph.parameters == position + norms + 2 * 768


def test_expanded_latent_attention_multiplies_with_keys_of_all_heads(tmp_path: Path) -> None:
    """4 x 8 x (6 + 5) make keys and values; a head multiplies with 10 numbers of a key and 5 of a value."""
    graph = model(tmp_path, {"latent": {**LATENT, "form": "expanded"}})
    position = 192 + 480 + 192 + 352 + 320 + 3 * 16 * 24
    assert macs(graph, 3) == 3 * position + 6 * 4 * (10 + 5) + 768
    assert graph.parameters == model(tmp_path, {"latent": LATENT}).parameters
    assert graph.notes == ("keys and values of all heads are made once for each position, and kept beside its latent",)


@pytest.mark.parametrize(("form", "kept"), [("absorbed", 12), ("expanded", 12 + 4 * (6 + 5))])
def test_a_cache_has_the_latent_and_the_turned_key(tmp_path: Path, form: str, kept: int) -> None:
    """8 + 4 numbers of a position, for all heads; expanded, keys and values of 4 heads too."""
    graph = model(tmp_path, {"latent": {**LATENT, "form": form}})
    machine = load_machine("isaac")
    homes = place(machine, graph, Job(seq=8)).homes.values()
    assert sum(home.per_position for home in homes) == kept * int(machine.precision.outputs)


def test_a_mixture_counts_what_a_position_goes_through(tmp_path: Path) -> None:
    """8 experts of 3 x 16 x 10, of which 2 are taken, and a shared one of 3 x 16 x 12."""
    graph = model(tmp_path, GROUPED)
    attention, expert = 4 * 16 * 16, 3 * 16 * 10
    shared, router = 3 * 16 * 12, 16 * 8
    assert graph.parameters == attention + 8 * expert + shared + router + 3 * 16 + 2 * 768
    assert graph.active_parameters == graph.parameters - 6 * expert
    position = attention + shared + router + 2 * expert
    assert macs(graph, 4) == 4 * position + 10 * 4 * (4 + 4) + 768


def test_layers_without_experts_have_the_feed_forward_part(tmp_path: Path) -> None:
    both = model(tmp_path, {**GROUPED, "layers": 2})
    one = model(tmp_path, {**GROUPED, "layers": 2, "mixture": {**GROUPED["mixture"], "layers": [1]}})  # type: ignore[dict-item]
    assert both.parameters - one.parameters == 8 * 3 * 16 * 10 + 3 * 16 * 12 + 16 * 8 - 3 * 16 * 24
    assert "layer 0/ffn up" in one.by_key
    assert "layer 1/expert 7 up" in one.by_key


def test_a_chunk_begins_anew(tmp_path: Path) -> None:
    """Chunks of 4 positions, counted from the first of the sequence; layer 1 sees all."""
    graph = model(tmp_path, {"layers": 2, "window": 4, "window_chunks": True, "full_layers": [1]})
    assert keys(graph, 0, Job(seq=10)) == [1, 2, 3, 4, 1, 2, 3, 4, 1, 2]
    assert keys(graph, 0, Job("decode", 6, 4)) == [3, 4, 1, 2]
    assert keys(graph, 1, Job(seq=3)) == [1, 2, 3]


def test_a_window_of_an_encoder_lies_on_both_sides(tmp_path: Path) -> None:
    """2 positions before and 2 after, as far as there are any."""
    graph = model(
        tmp_path, {"architecture": "encoder", "layers": 2, "window": 5, "full_layers": [0], "norm_first": True}
    )
    assert keys(graph, 1, Job(seq=7)) == [3, 4, 5, 5, 5, 4, 3]
    assert keys(graph, 1, Job(seq=2)) == [2, 2]
    assert keys(graph, 0, Job(seq=7)) == [7] * 7


def test_shared_layers_have_their_parameters_once(tmp_path: Path) -> None:
    changes: dict[str, object] = {"layers": 3, "tied": True}
    one, three = model(tmp_path, {"tied": True}), model(tmp_path, {**changes, "shared_layers": [0, 0, 0]})
    assert three.parameters == one.parameters
    assert macs(three, 4) - 768 == 3 * (macs(one, 4) - 768)
    assert model(tmp_path, {**changes, "shared_layers": [0, 1, 1]}).parameters > one.parameters


def test_a_key_waits_for_what_is_done_before_it_is_kept(tmp_path: Path) -> None:
    """Norms over all heads are apart for queries and keys: scores need the key's own norm and turn at its position."""
    graph = model(tmp_path, {"qk_norm": True, "qk_norm_form": "whole"})
    edges = {(edge.source, edge.scope) for edge in graph.by_key["layer 0/scores"].inputs}
    assert edges == {("layer 0/query rotary", "same"), ("layer 0/key rotary", "same"), ("layer 0/qkv", "past")}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent": {**LATENT, "rotary": 3}}, "latent.rotary: found 3 'rotary' values; expected an even number"),
        ({"latent": LATENT, "sinks": True}, "found 'latent' with 'sinks'; expected one or the other"),
        ({"latent": {**LATENT, "form": "wide"}}, "latent.form: found 'wide'"),
        ({"mixture": {"ffn": 10}}, "found 'mixture', which has a use only with experts"),
        ({**GROUPED, "mixture": {"groups": 3}}, "found 8 experts in 3 groups"),
        ({**GROUPED, "mixture": {"layers": [1]}}, "'mixture.layers' has layer 1; expected numbers from 0 to 0"),
        ({"rotary_layers": [0, 5]}, "'rotary_layers' has layer 5; expected numbers from 0 to 0"),
        ({"shared_layers": [1]}, "'shared_layers' has layer 1"),
        ({"window_chunks": True}, "found 'window_chunks', which has a use only with window"),
        ({"architecture": "encoder", "window": 4}, "found a window of 4; expected an odd number in an encoder"),
        ({"pre_norms": False}, "found 'pre_norms', which has a use only with post_norms: true"),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ArchsimError, match=r".") as caught:
        model(tmp_path, changes)
    assert message in str(caught.value)
