"""Decoders in float: reference perplexities, golden activations, a model that sorts."""

import base64
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.opened import Opened, open_model
from archsim.values.session import generate
from archsim.values.tasks import Task, load_task
from tests.values.model_files import drawn, gpt2_shapes, saved


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


def smollm2(data_dir: Path, limit: int) -> Task:
    folder = data_dir / "smollm2"
    return load_task(folder / "SmolLM2-135M-Instruct.Q4_1.gguf", folder / "wikitext_tokens.npy", limit=limit)


def test_smollm2_has_its_golden_losses(data_dir: Path) -> None:
    """The first 24 of a sequence. Its header says a rotary base of 100,000."""
    task = smollm2(data_dir, 1)
    found = Task(task.model, (task.sequences[0][:25],)).run(FloatArithmetic())
    golden = np.load(data_dir / "smollm2" / "golden.npz")["nll"][0, :24]
    assert np.abs(found.losses - golden).max() < 1e-4


@pytest.mark.slow
def test_smollm2_has_its_golden_perplexity(data_dir: Path) -> None:
    found = smollm2(data_dir, 8).run(FloatArithmetic())
    golden = np.load(data_dir / "smollm2" / "golden.npz")["nll"]
    assert np.abs(found.losses.reshape(golden.shape) - golden).max() < 1e-3
    assert found.losses.mean() == pytest.approx(3.6578, abs=1e-4)
    assert found.perplexity == pytest.approx(38.77, abs=0.02)


@pytest.mark.parametrize("model", ["stories260K.bin", pytest.param("SmolLM2", marks=pytest.mark.slow)])
def test_32_tokens_are_the_same_with_and_without_a_cache(data_dir: Path, model: str) -> None:
    task = smollm2(data_dir, 1)
    opened = task.model if model == "SmolLM2" else open_model(data_dir / "llama2c" / model)
    executor = Executor(opened.graph, opened.arrays, FloatArithmetic())
    prompt = {"tokens": np.array([task.sequences[0][:16]]) % opened.vocabulary}
    cached, whole = (generate(executor, prompt, 32, cached=cached) for cached in (True, False))
    assert cached.shape == (1, 32)
    assert (cached == whole).all()


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
def sorter(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    config, weights = tensors(data_dir / "gpt-nano-sort" / "gpt-nano-sort-model.json")
    sizes = {key: config[key] for key in ("n_layer", "n_head", "n_embd", "vocab_size")}
    config = {"model_type": "gpt2", "n_positions": config["block_size"], **sizes}
    return open_model(saved(tmp_path_factory.mktemp("sorter") / "sorter", weights, config))


def test_gpt_nano_has_its_golden_activations(data_dir: Path, sorter: Opened) -> None:
    _, golden = tensors(data_dir / "gpt-nano-sort" / "gpt-nano-sort-t0-partials.json")
    mixed = next(node.inputs[0] for node in sorter.graph.nodes if node.key == "layer 0/attention output")
    names = {
        "layer 0/attention norm": "ln1",
        mixed: "y",
        "layer 0/activation": "gelu",
        "layer 0/ffn add": "block0",
        "layer 1/ffn add": "block1",
        "layer 2/ffn add": "block2",
        "head/logits": "lm_head",
    }
    executor = Executor(sorter.graph, sorter.arrays, FloatArithmetic())
    seen = executor.run({"tokens": golden["idx"].astype(np.int64)}, everywhere=True, also=names)
    for ours, theirs in names.items():
        assert np.abs(seen[ours] - golden[theirs].reshape(seen[ours].shape)).max() < 1e-4, theirs


def test_gpt_nano_sorts_all_inputs(sorter: Opened) -> None:
    """Six letters of three; the sorted ones follow, one at a time."""
    tokens = np.array(list(itertools.product(range(3), repeat=6)), np.int64)
    found = generate(Executor(sorter.graph, sorter.arrays, FloatArithmetic()), {"tokens": tokens}, 6)
    assert (found == np.sort(tokens, axis=1)).all(axis=1).sum() == 729


def test_conv1d_weights_and_a_tied_head_are_understood(tmp_path: Path) -> None:
    """The same model written as Hugging Face writes GPT-2 gives the same logits."""
    plain = drawn(gpt2_shapes(8, 1, 11, 5))
    across = ("attn.weight", "proj.weight", "fc.weight")
    other = {f"transformer.{name}": value.T if name.endswith(across) else value for name, value in plain.items()}
    other["lm_head.weight"] = plain["wte.weight"]
    config = {"model_type": "gpt2", "n_layer": 1, "n_embd": 8, "n_head": 2, "vocab_size": 11, "n_positions": 5}
    tokens = np.array([[1, 4, 9, 0]])
    opened = [open_model(saved(tmp_path / name, made, config)) for name, made in (("plain", plain), ("other", other))]
    one, two = (Executor(each.graph, each.arrays, FloatArithmetic()).run({"tokens": tokens}) for each in opened)
    assert one["head/logits"].tobytes() == two["head/logits"].tobytes()


def test_scores_need_two_tokens(sorter: Opened) -> None:
    with pytest.raises(ArchsimError, match="found no text to predict"):
        Task(sorter, ((1,),)).run(FloatArithmetic())


def test_an_encoder_predicts_no_tokens(data_dir: Path) -> None:
    task = load_task(data_dir / "minilm", data_dir / "text" / "tinystories_sample.txt", limit=1)
    with pytest.raises(ArchsimError, match="minilm: minilm predicts no tokens; expected one that does"):
        task.run(FloatArithmetic())
