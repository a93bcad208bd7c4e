"""Wrong files of weights and tokens: one clear line each, and nothing is unpickled."""

import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.values.llama2c import read_tokenizer, tensors_of
from archsim.values.opened import open_model
from archsim.values.tasks import load_task
from tests.values.model_files import drawn, gpt2_shapes, saved

PICKLE = "a zip archive or a pickle, as torch.save writes"


def tiny(vocabulary: int = 8) -> bytes:
    """A whole checkpoint: dim 4, hidden 4, one layer, one head, three positions."""
    floats = vocabulary * 4 + 4 + 4 * 16 + 4 + 3 * 16 + 4 + 3 * 4
    return struct.pack("<7i", 4, 4, 1, 1, 1, vocabulary, 3) + np.zeros(floats, "<f4").tobytes()


def refusal(read: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(ArchsimError) as caught:
        read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            tiny()[:-8],
            "ends after 692 bytes; its header asks for 700. Is it a checkpoint of llama2.c, and whole?",
        ),
        (tiny() + b"\0" * 4, "has 4 bytes more than its header asks for; is it a checkpoint of llama2.c?"),
        (b"\x89PNG" + bytes(100), "its header says [1196314761, 0, 0, 0, 0, 0, 0]; expected a checkpoint of llama2.c"),
        (b"", "found 0 bytes; expected a checkpoint of llama2.c"),
        (struct.pack("<Ii", 0x616B3432, 7) + bytes(300), "found a checkpoint of version 7; expected 0 or 2"),
        (
            tiny()[:28] + np.full(168, np.nan, "<f4").tobytes(),
            "tok_embeddings.weight has 32 values that are infinite or no number (NaN)",
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
    assert refusal(lambda path: tensors_of(path)["tok_embeddings.weight"].read(), path) == said


def test_a_whole_checkpoint_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(tiny())
    opened = open_model(path)
    assert (opened.vocabulary, opened.positions) == (8, 3)
    assert opened.arrays["head/logits.weight"].shape == (8, 4)


def test_a_missing_file_or_tokenizer(tmp_path: Path) -> None:
    assert refusal(tensors_of, tmp_path / "none.bin") == "no such file; expected a checkpoint of llama2.c"
    model = tmp_path / "model.bin"
    model.write_bytes(tiny())
    with pytest.raises(ArchsimError, match=r"needs a tokenizer; found no tok8.bin beside it. Try --tokenizer FILE"):
        load_task(model, tmp_path / "text.txt")
    short = tmp_path / "tok8.bin"
    short.write_bytes(struct.pack("<i", 3) + struct.pack("<fi", 0.0, 1) + b"a")
    with pytest.raises(ArchsimError, match="has 1 pieces; the model has a vocabulary of 8"):
        read_tokenizer(short, 8)


@pytest.mark.parametrize(
    "sizes", [(1 << 23, 1 << 23, 1 << 23, 2, 2, 1 << 23, 1 << 23), (4, 4, (1 << 24) - 1, 1, 1, 8, 3)]
)
def test_a_header_that_claims_more_than_there_is(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(struct.pack("<7i", *sizes) + bytes(400))
    assert refusal(tensors_of, path).startswith("ends after 428 bytes; its header asks for ")


@pytest.mark.parametrize(("shape", "said"), [((64,), r"[64]"), ((64, 256), r"[64, 256]"), ((49, 64), r"[49, 64]")])
def test_a_head_of_another_shape_than_its_tokens(tmp_path: Path, shape: tuple[int, ...], said: str) -> None:
    tensors = drawn(gpt2_shapes(64, 1, 50, 16) | {"lm_head.weight": shape})
    path = saved(tmp_path, tensors) / "model.safetensors"
    said = f"lm_head.weight has the shape {said}; expected [50, 64] for 'head/logits.weight' of model"
    assert refusal(open_model, path) == said


@pytest.mark.parametrize("name", ["wte.weight", "wpe.weight", "h.0.mlp.c_fc.bias"])
def test_sizes_come_from_tensors_of_the_right_dimensions(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, drawn(gpt2_shapes(64, 1, 50, 16) | {name: (4, 4, 4)})) / "model.safetensors"
    assert refusal(open_model, path).endswith("expected two dimensions, two, and one")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\x93NUMPY\x01\x00\x16\x00{'descr': ('<i8',      ", "is no whole file of numpy numbers ("),
        (b"", "is no whole file of numpy numbers ("),
        (b"\x93NUMPY\x01\x00\x48\x00{'descr': '<i8', 'fortran_order': False, 'shape': (1000000, 1000000)}\n", "is no "),
    ],
)
def test_tokens_that_are_none(tmp_path: Path, raw: bytes, said: str) -> None:
    model, path = tmp_path / "model.bin", tmp_path / "tokens.npy"
    model.write_bytes(tiny())
    path.write_bytes(raw)
    assert refusal(lambda path: load_task(model, path), path).startswith(said)


def test_tokens_of_another_kind(tmp_path: Path) -> None:
    model, path = tmp_path / "model.bin", tmp_path / "tokens.npy"
    model.write_bytes(tiny())
    for wrong in (np.zeros((2, 2)), np.zeros(4, np.int64), np.full((2, 2), 8), np.full((2, 2), -1)):
        np.save(path, wrong)
        assert refusal(lambda path: load_task(model, path), path).endswith(
            "expected whole numbers (sequences, n) from 0 to 7"
        )
