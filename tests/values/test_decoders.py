"""Decoders in float: reference perplexities, golden activations, a model that sorts."""

import base64
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsim.values.arithmetic import FloatArithmetic
from archsim.values.gpt2 import Gpt2
from archsim.values.metrics import score
from archsim.values.quantised import QuantisedArithmetic
from archsim.values.tasks import load_task
from archsim.values.weights import Named


@pytest.mark.parametrize(
    ("model", "loss", "perplexity", "tokens"),
    [("stories260K.bin", 1.26644, 3.5482, 1804), ("stories3M-q80.bin", 1.31900, 3.7397, 913)],
)
def test_stories_have_their_reference_perplexities(
    data_dir: Path, model: str, loss: float, perplexity: float, tokens: int
) -> None:
    found = load_task(data_dir / "llama2c" / model, data_dir / "text" / "tinystories_sample.txt").run(FloatArithmetic())
    assert len(found.losses) == tokens
    assert found.losses.mean() == pytest.approx(loss, abs=5e-6)
    assert found.perplexity == pytest.approx(perplexity, abs=5e-5)


@pytest.mark.slow
def test_sampled_tokens_have_their_reference_perplexity(data_dir: Path) -> None:
    task = load_task(data_dir / "llama2c" / "stories3M-q80.bin", data_dir / "text" / "stories3M_sampled_tokens.npy")
    found = task.run(FloatArithmetic())
    assert len(found.losses) == 16_320
    assert found.losses.mean() == pytest.approx(1.33152, abs=2e-5)


@pytest.mark.parametrize("model", ["stories260K.bin", "stories3M-q80.bin"])
def test_eight_bits_move_the_perplexity_by_less_than_a_percent(data_dir: Path, model: str) -> None:
    task = load_task(data_dir / "llama2c" / model, data_dir / "text" / "tinystories_sample.txt")
    exact, whole = task.run(FloatArithmetic()), task.run(QuantisedArithmetic())
    assert whole.perplexity == pytest.approx(exact.perplexity, rel=0.01)
    assert exact.agreement(whole) > 0.95
    assert 0 < exact.divergence(whole) < 0.01


def tensors(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The configuration and the float32 tensors of gpt-nano-sort's JSON files."""
    read = json.loads(path.read_text())
    found = {
        name: np.frombuffer(base64.b64decode(value["data"]), "<f4").reshape(value["shape"])
        for name, value in read.items()
        if name != "config"
    }
    return read["config"], found


@pytest.fixture(scope="module")
def sorter(data_dir: Path) -> Gpt2:
    path = data_dir / "gpt-nano-sort" / "gpt-nano-sort-model.json"
    config, weights = tensors(path)
    return Gpt2(Named(path, weights, ("transformer.",)), config["n_head"], FloatArithmetic())


def test_gpt_nano_has_its_golden_activations(data_dir: Path, sorter: Gpt2) -> None:
    _, golden = tensors(data_dir / "gpt-nano-sort" / "gpt-nano-sort-t0-partials.json")
    seen: dict[str, np.ndarray] = {}
    logits = sorter.logits(golden["idx"].astype(np.int64), seen.__setitem__)
    names = {
        "h.0.ln_1": "ln1",
        "h.0.attn": "y",
        "h.0.mlp.act": "gelu",
        "h.0": "block0",
        "h.1": "block1",
        "h.2": "block2",
    }
    for ours, theirs in names.items():
        assert np.abs(seen[ours] - golden[theirs].reshape(seen[ours].shape)).max() < 1e-4, theirs
    assert np.abs(logits - golden["lm_head"]).max() < 1e-4


def test_gpt_nano_sorts_all_inputs(sorter: Gpt2) -> None:
    """Six letters of three; the sorted ones follow, one at a time."""
    tokens = np.array(list(itertools.product(range(3), repeat=6)), np.int64)
    expected = np.sort(tokens, axis=1)
    for _ in range(6):
        following = sorter.logits(tokens)[:, -1].argmax(axis=1)
        tokens = np.concatenate([tokens, following[:, None]], axis=1)
    assert (tokens[:, 6:] == expected).all(axis=1).sum() == 729


def test_conv1d_weights_and_a_tied_head_are_understood(tmp_path: Path) -> None:
    """The same model written as Hugging Face writes GPT-2 gives the same logits."""
    rng = np.random.default_rng(0)
    d = 8
    sizes = {"attn.c_attn": (3 * d, d), "attn.c_proj": (d, d), "mlp.c_fc": (4 * d, d), "mlp.c_proj": (d, 4 * d)}
    plain: dict[str, np.ndarray] = {"wte.weight": rng.normal(size=(11, d)), "wpe.weight": rng.normal(size=(5, d))}
    for norm in ("h.0.ln_1", "h.0.ln_2", "ln_f"):
        plain |= {f"{norm}.weight": rng.normal(size=d), f"{norm}.bias": rng.normal(size=d)}
    for name, shape in sizes.items():
        plain |= {f"h.0.{name}.weight": rng.normal(size=shape), f"h.0.{name}.bias": rng.normal(size=shape[0])}
    plain = {name: value.astype(np.float32) for name, value in plain.items()}
    flipped = {
        name: value.T if name.endswith(("attn.weight", "proj.weight", "fc.weight")) else value
        for name, value in plain.items()
    }
    prefixed = {f"transformer.{name}": value for name, value in flipped.items()}
    prefixed["lm_head.weight"] = plain["wte.weight"]
    tokens = np.array([[1, 4, 9, 0]])
    one = Gpt2(Named(tmp_path, plain), 2, FloatArithmetic()).logits(tokens)
    other = Gpt2(Named(tmp_path, prefixed, ("transformer.",)), 2, FloatArithmetic()).logits(tokens)
    assert one.tobytes() == other.tobytes()


def test_scores_need_two_tokens(sorter: Gpt2) -> None:
    from archsim.errors import ArchsimError

    with pytest.raises(ArchsimError, match="found no text to predict"):
        score(sorter, [[1]])
