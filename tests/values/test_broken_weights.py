"""Wrong files of weights: one clear line each, and nothing is unpickled."""

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from archsim.errors import ArchsimError
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.cnn import CifarResNet
from archsim.values.gpt2 import Gpt2
from archsim.values.llama2c import read_checkpoint, read_tokenizer
from archsim.values.onnx_model import OnnxModel
from archsim.values.tasks import load_task
from archsim.values.weights import Named, read_safetensors

PICKLE = "a zip archive or a pickle, as torch.save writes"


def tiny(vocabulary: int = 8) -> bytes:
    """A whole checkpoint: dim 4, hidden 4, one layer, one head, three positions."""
    floats = vocabulary * 4 + 4 + 4 * 16 + 4 + 3 * 16 + 4 + 3 * 4
    return struct.pack("<7i", 4, 4, 1, 1, 1, vocabulary, 3) + np.zeros(floats, "<f4").tobytes()


def refusal(read: object, path: Path) -> str:
    with pytest.raises(ArchsimError) as caught:
        read(path)  # type: ignore[operator]
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            tiny()[:-8],
            "ends after 692 bytes; its header asks for 700 or more. Is it a checkpoint of llama2.c, and whole?",
        ),
        (tiny() + b"\0" * 4, "has 4 bytes more than its header asks for; is it a checkpoint of llama2.c?"),
        (b"\x89PNG" + bytes(100), "its header says [1196314761, 0, 0, 0, 0, 0, 0]; expected a checkpoint of llama2.c"),
        (b"", "found 0 bytes; expected a checkpoint of llama2.c"),
        (struct.pack("<Ii", 0x616B3432, 7) + bytes(300), "found a checkpoint of version 7; expected 0 or 2"),
        (
            tiny()[:28] + np.full(168, np.nan, "<f4").tobytes(),
            "embedding has 32 values that are infinite or no number (NaN)",
        ),
        (
            pickle.dumps({"a": 1}),
            f"found {PICKLE}; it is not opened, as it may run code. Convert it to safetensors",
        ),
    ],
    ids=["cut short", "too long", "another kind", "empty", "another version", "no numbers", "a pickle"],
)
def test_a_wrong_checkpoint(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(raw)
    assert refusal(read_checkpoint, path) == said


def test_a_whole_checkpoint_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(tiny())
    config, weights = read_checkpoint(path)
    assert (config.dim, config.positions, weights.head.shape) == (4, 3, (8, 4))


def test_a_missing_file_or_tokenizer(tmp_path: Path) -> None:
    assert refusal(read_checkpoint, tmp_path / "none.bin") == "no such file; expected a checkpoint of llama2.c"
    model = tmp_path / "model.bin"
    model.write_bytes(tiny())
    with pytest.raises(ArchsimError, match=r"needs a tokenizer; found no tok8.bin beside it. Try --tokenizer FILE"):
        load_task(model, tmp_path / "text.txt")
    short = tmp_path / "tok8.bin"
    short.write_bytes(struct.pack("<i", 3) + struct.pack("<fi", 0.0, 1) + b"a")
    with pytest.raises(ArchsimError, match="has 1 pieces; the model has a vocabulary of 8"):
        read_tokenizer(short, 8)


def test_safetensors_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"\x08\0\0\0\0\0\0\0notjson!")
    assert refusal(read_safetensors, path).startswith("is no whole safetensors file (")
    save_file({"a": np.full(3, np.inf, np.float32)}, path)
    assert refusal(read_safetensors, path) == "a has 3 values that are infinite or no number (NaN)"
    raw = path.read_bytes()
    path.write_bytes(raw[:-4])
    assert refusal(read_safetensors, path).startswith("is no whole safetensors file (")


def test_weights_that_are_missing_or_do_not_fit(tmp_path: Path) -> None:
    weights = {"wte.weight": np.zeros((5, 4), np.float32), "wpe.weight": np.zeros((3, 6), np.float32)}
    path = tmp_path / "m"
    with pytest.raises(ArchsimError, match=r"wpe.weight has the shape \(3, 6\); expected \(-1, 4\)"):
        Gpt2(Named(path, weights), 2, FloatArithmetic())
    with pytest.raises(ArchsimError, match=r"has no weights 'conv1.weight'\."):
        CifarResNet(Named(path, weights), FloatArithmetic())


def test_onnx_that_is_none_or_has_no_weights(tmp_path: Path, data_dir: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"nonsense" * 10)
    assert "ONNX file" in refusal(lambda p: OnnxModel(p, FloatArithmetic()), path)
    external = data_dir / "onnx" / "zigzag_resnet18.onnx"
    assert "are in other files" in refusal(lambda p: OnnxModel(p, FloatArithmetic()), external)
