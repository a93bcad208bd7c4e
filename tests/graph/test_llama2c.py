"""Checkpoints of llama2.c as models: sizes of the header, names that values have too, clear refusals."""

import struct
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from tests.end_to_end.command import archsim

SIZES = (8, 12, 2, 4, 2, 10, 16)
GROUPED = struct.pack("<Ii7iBi", 0x616B3432, 2, *SIZES, 1, 4).ljust(256, b"\0")
BINARY = "found a NUL byte, so a binary file or UTF-16; expected UTF-8 text"


def model(folder: Path, raw: bytes, name: str = "small.bin") -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(("vocabulary", "parameters"), [(10, 1080), (-10, 1160)])
def test_sizes_of_a_header(tmp_path: Path, vocabulary: int, parameters: int) -> None:
    """A layer: 8 x (8 + 4 + 4) + 8 x 8 + 3 x 8 x 12 = 480 weights and 2 x 8 of norms; 8 of the last norm; 10 x 8 of the
    tokens: 2 x 496 + 88 = 1,080; a head of its own has 80 more.
    """
    graph = load_model(model(tmp_path, struct.pack("<7i", *SIZES[:5], vocabulary, 16)))
    assert graph.name == "small"
    assert graph.parameters == parameters
    assert graph.max_positions == 16


def test_the_other_version_is_the_same_model(tmp_path: Path) -> None:
    plain = load_model(model(tmp_path, struct.pack("<7i", *SIZES)))
    assert load_model(model(tmp_path, GROUPED)) == plain


def test_a_real_checkpoint(data_dir: Path) -> None:
    """Sizes of its header: d 64, 5 layers, 8 heads and 4 of keys, hidden 172, vocabulary 512."""
    graph = load_model(data_dir / "llama2c" / "stories260K.bin")
    shapes = {linear.name: (linear.in_features, linear.out_features) for linear in graph.linears}
    assert shapes == {
        "qkv": (64, 128),
        "attention output": (64, 64),
        "ffn gate": (64, 172),
        "ffn up": (64, 172),
        "ffn down": (172, 64),
        "logits": (64, 512),
    }
    assert graph.parameters == 260_032


@pytest.mark.parametrize(
    ("raw", "name", "said"),
    [
        (b"\0" * 28, "x.bin", "x.bin: its header says [0, 0, 0, 0, 0, 0, 0]; expected a checkpoint of llama2.c\n"),
        (b"\0", "x.bin", "x.bin: found 1 bytes; expected a checkpoint of llama2.c\n"),
        (
            b"a: 1\n\0",
            "x.yaml",
            f"x.yaml:2:1  {BINARY}, or a checkpoint of llama2.c\n",
        ),
        (GROUPED.replace(b"\x04\0\0\0" + b"\0" * 8, b"\x05\0\0\0" + b"\0" * 8), "x.bin",
         "x.bin: found groups of 5; expected a size that divides 8 and 12\n"),
    ],
)  # fmt: skip
def test_what_is_no_checkpoint(tmp_path: Path, raw: bytes, name: str, said: str) -> None:
    model(tmp_path, raw, name)
    done = archsim("run", "isaac", name, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert archsim("check", name, folder=tmp_path).stderr == said


def test_a_version_that_is_not_known(tmp_path: Path) -> None:
    raw = GROUPED[:4] + struct.pack("<i", 1) + GROUPED[8:]
    with pytest.raises(ArchsimError, match="found a checkpoint of version 1; expected 0 or 2"):
        load_model(model(tmp_path, raw))
