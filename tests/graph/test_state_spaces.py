"""State-space layers: sizes, work and waiting counted by hand, and what is wrong in files."""

import json
from pathlib import Path
from typing import Any

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.job import make_job
from archsim.graph.load import build
from archsim.graph.operators import Linear, Rowwise
from archsim.machine.source import parse

FILE = """\
schema: archsim.model/1
name: tiny
architecture: decoder
layers: 2
hidden: 8
ffn: 0
vocabulary: 20
positions: 64
norm: rmsnorm
bias: false
state_space: {state: 4, rank: 3}
"""
JAMBA = {
    "model_type": "jamba",
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_hidden_layers": 6,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "num_experts": 4,
    "attn_layer_period": 3,
    "attn_layer_offset": 2,
    "vocab_size": 20,
}


def refusal(text: str) -> list[str]:
    with pytest.raises(ArchsimError) as caught:
        build(parse(text, "m.yaml"))
    return str(caught.value).splitlines()


def configured(folder: Path, config: dict[str, Any]) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps({key: value for key, value in config.items() if value != "left out"}, indent=1))
    return path


def test_a_layer_has_the_work_of_the_definition() -> None:
    """16 channels of 4 numbers, kernel 4, rank 3, between positions of 8 values.

    Products: 8 x 32 in, 16 x 4 under the kernel, 16 x (3 + 2 x 4), 3 x 16, 16 x 8 out. The state: step times A and its
    exponential, step times x, times B, times the state before, the sum; C times the state, three sums a channel, D
    times x, and their sum.
    """
    graph = build(parse(FILE, "m.yaml"))
    own = {each.name: each for each in graph.by_layer["layer 0"]}
    products = {name: each.weights for name, each in own.items() if isinstance(each, Linear)}
    assert products == {
        "in projection": 8 * 32,
        "conv": 16 * 4,
        "x projection": 16 * 11,
        "dt projection": 3 * 16,
        "out projection": 16 * 8,
    }
    conv = own["conv"]
    assert isinstance(conv, Linear)
    assert conv.groups == 16
    values = {
        name: each.values(1) for name, each in own.items() if isinstance(each, Rowwise) and each.kind != "rmsnorm"
    }
    assert values == {
        **dict.fromkeys(("dt A", "decay", "dt B x", "decayed", "state", "C times state"), 16 * 4),
        **dict.fromkeys(("softplus", "dt x", "D x", "scanned", "conv activation", "gate", "gated"), 16),
        "C state": 16 * 3,
        "mamba add": 8,
    }
    layer = sum(products.values()) + 16 + 16 + 16 * 4 + 16 + 8  # biases of conv and steps, A, D, the norm
    assert graph.parameters == 20 * 8 + 2 * layer + 8
    macs = sum(products.values())
    assert make_job(graph, "prefill", 10, 0, 3).macs(graph) == 3 * (10 * 2 * macs + 8 * 20)
    assert make_job(graph, "generate", 10, 5, 1).macs(graph) == 14 * 2 * macs + 5 * 8 * 20


def test_a_state_waits_for_that_of_the_position_before_and_nothing_else_does() -> None:
    graph = build(parse(FILE, "m.yaml"))
    scopes = {
        (edge.source.partition("/")[2], each.name): edge.scope
        for each in graph.by_layer["layer 1"]
        for edge in each.inputs
    }
    assert {pair for pair, scope in scopes.items() if scope == "before"} == {("state", "decayed")}
    assert {pair for pair, scope in scopes.items() if scope == "window"} == {("in projection", "conv")}
    assert set(scopes.values()) == {"same", "before", "window"}
    (window,) = [edge.window for edge in graph.by_key["layer 1/conv"].inputs]
    assert window is not None
    assert (window.kernel, window.stride, window.pad) == ((1, 4), (1, 1), (0, 3))
    assert graph.notes == ()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # as many as transformers counts of the published configurations
        ("mamba-130m", 129_135_360),
        ("mamba-2.8b", 2_768_345_600),
        ("jamba-v0.1", 51_570_323_328),
    ],
)
def test_published_models_have_their_parameters(name: str, parameters: int) -> None:
    assert load_model(name).parameters == parameters


def test_a_token_of_jamba_needs_12_billion_parameters() -> None:
    """In 16 layers 14 of 16 experts are not needed; published: 12 billion active of 52 billion."""
    graph = load_model("jamba-v0.1")
    active = graph.parameters - 16 * 14 * 3 * 4096 * 14336
    assert round(active / 1e9) == 12
    # A, D, norms, tables and biases are no products; a token takes the experts' products and a head's row a column
    token = make_job(graph, "prefill", 1, 0, 1).macs(graph)
    attended = 4 * 2 * 4096
    assert token - attended == sum(each.weights for each in graph.linears) - 16 * 14 * 3 * 4096 * 14336


def test_jamba_has_kinds_of_layers_by_periods(tmp_path: Path) -> None:
    """Attention in layers 2 and 5, experts in 1, 3 and 5; without positions."""
    graph = load_model(configured(tmp_path, JAMBA))
    marks = {"a": "qkv.weight", "m": "scan.A", "e": "router.weight", "f": "ffn up.weight"}
    kinds = ["".join(mark for mark, name in marks.items() if f"layer {at}/{name}" in graph.weights) for at in range(6)]
    assert kinds == ["mf", "me", "af", "me", "mf", "ae"]
    assert "embeddings/embedding.positions" not in graph.weights
    assert not any(each.kind == "rotary" for each in graph.operators)
    assert {"layer 0/dt norm.scale", "layer 0/B norm.scale", "layer 0/C norm.scale"} <= set(graph.weights)
    dense = load_model(
        configured(tmp_path, {**JAMBA, "num_experts": 1, "attn_layer_period": 9, "attn_layer_offset": 8})
    )
    assert [each.kind for each in dense.operators].count("matmul") == 0
    assert "layer 5/ffn up.weight" in dense.weights


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("state: 4", "sate: 4", "11:15  state_space.sate: unknown key. Did you mean 'state'? Known: bias, channels,"),
        ("state: 4", "state: 0", "11:22  state_space.state: found '0'; expected at least 1"),
        ("rank: 3", "norms: rms", "11:32  state_space.norms: found 'rms'; expected 'none', 'plain' or 'scaled'"),
        (
            "rank: 3",
            "layers: [0, 2]",
            "11:33  state_space.layers: 'state_space.layers' has layer 2; expected numbers from 0 to 1",
        ),
        ("rank: 3", "norm_epsilon: 1e-6", "11:14  state_space: found 'norm_epsilon', which has a use"),
        ("rank: 3", "layers: [0]", "1:1  the file: found a mapping; is missing 'heads'"),
        ("ffn: 0", "ffn: 0\nheads: 2", "7:8  heads: found 'heads', but no layer has attention; expected fewer"),
        ("ffn: 0", "ffn: 0\nrotary: true", "7:9  rotary: found 'rotary', but no layer has attention; expected"),
        ("decoder", "encoder", "11:14  state_space: found 'state_space', which has a use only with arch"),
        ("state_space", "heads: 1 #", "6:6  ffn: found 'ffn: 0', which has a use only with state_space"),
        ("ffn: 0", "ffn: 0\nexperts: 4", "7:10  experts: found 'experts', which has a use only with an ffn"),
    ],
)
def test_a_fault_has_its_place(old: str, new: str, message: str) -> None:
    assert FILE.count(old) == 1
    lines = refusal(FILE.replace(old, new))
    assert len(lines) == 1
    assert lines[0].startswith(f"m.yaml:{message}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"attn_layer_offset": 3},
            "10:23  attn_layer_offset: found attn_layer_period 3 and attn_layer_offset 3; expected an offset below",
        ),
        ({"attn_layer_period": 1}, "10:23  attn_layer_offset: found attn_layer_period 1 and attn_layer_offset 2;"),
        ({"attn_layer_period": 0}, "9:23  attn_layer_period: found '0'; expected 1 or more"),
        ({"expert_layer_period": "two"}, "12:25  expert_layer_period: found 'two'; expected a whole number"),
        ({"mamba_expand": "wide"}, "12:18  mamba_expand: found 'wide'; expected a number such as '0.25'"),
        ({"mamba_expand": -1}, "12:18  mamba_expand: found '-1'; expected a number of 0 or more such as '2'"),
        ({"mamba_d_state": -1}, "12:19  state_space.state: found '-1'; a whole number must"),
        ({"model_type": "mamba2"}, "2:16  found model_type 'mamba2'. Did you mean 'mamba'? Known:"),
    ],
)
def test_a_wrong_config_has_its_place(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = configured(tmp_path, {**JAMBA, **changes})
    with pytest.raises(ArchsimError) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path}:{message}")
