"""Figures of models on machines: of predictions, of hidden states, of pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from archsim.cli import main
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.metrics import States
from archsim.values.quantised import QuantisedArithmetic
from archsim.values.tasks import load_task

WRONG = "parts.xbar.errors.programming={model: additive, sigma: 0.02}"
EIGHT = ("--set", "precision.weights=8 b", "--set", "precision.inputs=8 b")


def evaluated(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["evaluate", *words])
    return done.exit_code, done.output


@pytest.mark.parametrize("model", ["stories260K.bin", pytest.param("stories3M-q80.bin", marks=pytest.mark.slow)])
def test_eight_bits_move_the_perplexity_by_less_than_a_percent(data_dir: Path, model: str) -> None:
    task = load_task(data_dir / "llama2c" / model, data_dir / "text" / "tinystories_sample.txt")
    exact, whole = task.run(FloatArithmetic()), task.run(QuantisedArithmetic())
    assert whole.perplexity == pytest.approx(exact.perplexity, rel=0.01)
    assert exact.agreement(whole) > 0.95
    assert 0 < exact.divergence(whole) < 0.01


def test_hidden_states_are_compared_by_hand() -> None:
    """Means (2, 0) and (0, 1) against (2, 2) and (0, 2): cosines 1 / root 2 and 1, their mean 0.854.

    Positions (1, 0), (3, 0), (0, 1) are off by (0, 4), (0, 0), (0, 1): over their lengths 4, 0 and 1.
    """
    one = States((np.array([[1, 0], [3, 0]], np.float32), np.array([[0, 1]], np.float32)))
    other = States((np.array([[1, 4], [3, 0]], np.float32), np.array([[0, 2]], np.float32)))
    assert one.positions == 3
    assert one.cosine(other) == pytest.approx((0.5**0.5 + 1) / 2)
    assert one.errors(other).tolist() == pytest.approx([4, 0, 1])


def test_an_encoder_is_compared_with_float(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("Matrices are multiplied where they lie.<|endoftext|>A second text.")
    words = ["hetero_512", "--model", str(data_dir / "minilm"), "--text", str(tmp_path / "text.txt"), "--seeds", "2"]
    code, text = evaluated(*words, "--json")
    assert code == 0, text
    found = json.loads(text)
    assert found["tokens"] == 9 + 6  # pieces of both texts, each between one that begins it and one that ends it
    names = ("cosine", "mean_error", "largest_error")
    quantised, analog = ({name: found[name][kind] for name in names} for kind in ("quantised", "analog"))
    assert 0.9 < quantised["cosine"]["mean"] < 1
    assert analog["cosine"]["mean"] < quantised["cosine"]["mean"]
    assert quantised["mean_error"]["mean"] < analog["mean_error"]["mean"] < analog["largest_error"]["mean"]
    assert (quantised["cosine"]["n"], analog["cosine"]["n"]) == (1, 2)
    assert analog["cosine"]["std"] > 0
    code, table = evaluated(*words, "--limit", "1", "--seeds", "1")
    assert code == 0, table
    assert "largest_error_analog" in table


def test_pictures_are_told_by_a_network_of_layers(tmp_path: Path) -> None:
    """Which row of 4 x 4 pixels is brightest; sums of rows are logits."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 4
    images = rng.integers(0, 60, (40, 4, 4), np.uint8)
    images[np.arange(40), labels] += np.uint8(150)
    np.savez(tmp_path / "some.npz", images=images, labels=labels)
    weights = {"1.weight": np.repeat(np.eye(4, dtype=np.float32), 4, axis=1), "1.bias": np.zeros(4, np.float32)}
    save_file(weights, tmp_path / "net.safetensors")
    (tmp_path / "net.yaml").write_text("schema: archsim.network/1\nname: n\ninput: 16\nlayers: [linear: {out: 4}]\n")
    words = ["isaac", "--model", str(tmp_path / "net.yaml"), "--images", str(tmp_path / "some.npz"), *EIGHT]
    words += ["--weights", str(tmp_path / "net.safetensors"), "--seeds", "1", "--json"]
    code, text = evaluated(*words)
    assert code == 0, text
    found = json.loads(text)
    assert found["pictures"] == 40
    assert [found["accuracy"][kind]["mean"] for kind in ("float", "quantised", "analog")] == [1, 1, 1]
    code, text = evaluated(*words, "--set", WRONG.replace("0.02", "0.9"), "--limit", "20")
    found = json.loads(text)
    assert found["pictures"] == 20
    assert found["accuracy"]["analog"]["mean"] < 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "found none of --text, --images, --inputs"),
        (("--text", "a", "--images", "b"), "found --text and --images of --text, --images, --inputs"),
        (("--model", "m.pt2", "--images", "b", "--weights", "c"), "--images is of a file of layers, .yaml or .yml"),
        (("--images", "b"), "--model m is a file of layers, and has no weights in itself. Add --weights"),
        (("--inputs", "b"), "--model m is a file of layers, and has no weights in itself. Add --weights"),
        (("--text", "a", "--weights", "b"), "--weights, which is of a file of layers"),
        (("--model", "m.onnx", "--inputs", "a", "--weights", "b"), "--weights, which is of a file of layers"),
        (("--images", "b", "--weights", "c", "--tokenizer", "d"), "--tokenizer is of a text"),
    ],
)
def test_options_that_do_not_go_together(words: tuple[str, ...], said: str) -> None:
    code, text = evaluated("isaac", "--model", "m", *words)
    assert code == 2
    assert said in " ".join(text.split())


def test_what_takes_no_tokens_or_has_no_tokenizer_is_said(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("a text")
    text = str(tmp_path / "text.txt")
    code, said = evaluated("isaac", "--model", str(data_dir / "onnx" / "mnist.onnx"), "--text", text)
    assert (code, said.count("\n")) == (1, 1)
    assert "mnist takes 'Input3' [1, 1, 28, 28]; expected a model that takes tokens alone" in said
    (tmp_path / "bert").mkdir()
    for name in ("config.json", "model_fp16.safetensors"):
        (tmp_path / "bert" / name).symlink_to(data_dir / "minilm" / name)
    code, said = evaluated("isaac", "--model", str(tmp_path / "bert"), "--text", text)
    assert (code, said.count("\n")) == (1, 1)
    assert "bert: found no tokenizer; expected tokenizer.json" in said
