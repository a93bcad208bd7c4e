"""Sound files of every source, all small: some written here, those that come with archsim, and those of others."""

from __future__ import annotations

import json
import re
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from archsim import resources
from tests.values.model_files import drawn, gpt2_shapes, llama_shapes, saved
from tests.values.test_gguf_file import Q8_0, tensors, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LARGEST = 300_000
"""Bytes of a file."""

MACHINE = """\
schema: archsim.machine/1
name: small
source: made up for tests
status: assumed
precision: {weights: 8 b, inputs: 8 b, outputs: 8 b}
parts:
  xbar: {class: crossbar, rows: 256, cols: 256, cell_bits: 8 b, read: {interval: 100 ns}, power: 5 mW, area: 0.01 mm2}
  adc: {class: adc, bits: 8 b, convert: {rate: 1 GHz}, power: 2 mW}
  simd: {class: vector, lanes: 1024, linear: {rate: 1 GHz}, special: {rate: 1 GHz}, power: 500 mW, area: 0.5 mm2}
modules:
  core:
    parts: {xbar: 1, adc: 8}
    path: xbar > adc
    combine: {bits: analog, slices: analog, signs: analog}
  chip:
    parts: {core: 1000000, simd: 16}
digital: simd
"""
NETWORK = """\
schema: archsim.network/1
name: small
input: [3, 8, 8]
layers:
  - conv: {out: 4, kernel: 3, pad: 1}
  - relu
  - residual: {main: [{conv: {out: 4, kernel: 3, pad: 1}}], then: relu}
  - maxpool: {kernel: 2}
  - flatten
  - linear: {out: 10}
"""
TRACE = [
    {"schema": "archsim.operators/1", "name": "one layer"},
    {"name": "qkv", "op": "linear", "in": 64, "out": 192, "positions": 6},
    {"name": "s", "op": "scores", "inputs": ["qkv", "qkv"], "heads": 4, "head_dim": 16, "keys": 6, "positions": 6},
    {"name": "p", "op": "softmax", "inputs": ["s"], "rows": 4, "width": 6, "positions": 6},
    {"name": "c", "op": "context", "inputs": ["p", "qkv"], "heads": 4, "head_dim": 16, "keys": 6, "positions": 6},
    {"name": "o", "op": "linear", "inputs": ["c"], "in": 64, "out": 64, "positions": 6},
    {"name": "mean", "op": "avgpool", "inputs": ["o"], "rows": 64, "width": 6, "positions": 1},
]
STUDY = """\
schema: archsim.study/1
machine: machine.yaml
model: network.yaml
axes:
  parts.xbar.rows: [64, 128]
  batch: [1, 2]
"""
CSV = "name,op,inputs,in,out,rows,width,positions\na,linear,,8,16,,,4\nb,gelu,a,,,1,16,4\nc,add,a b,,,1,16,4\n"
LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "vocab_size": 50,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "hidden_act": "silu",
}
GPT2 = {"model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 1, "vocab_size": 50, "n_positions": 16}
_SMALLER = {"layers": 2, "decoder_layers": 2, "experts": 4, "num_hidden_layers": 2, "n_layer": 2, "num_layers": 2}
"""Sizes that are not needed in full."""
FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


@dataclass(frozen=True)
class Seed:
    """A sound file, and what has to lie beside it.

    Parameters
    ----------
    kind
        `onnx`, `config`, `model`, `machine` and so on.
    name
        Of the file that is loaded.
    files
        Contents by name.
    """

    kind: str
    name: str
    files: Mapping[str, bytes]

    def write(self, folder: Path) -> Path:
        """Its files in a folder; the path of its own."""
        for name, raw in self.files.items():
            (folder / name).write_bytes(raw)
        return folder / self.name


def all_seeds(folder: Path, more: Iterable[Path] = ()) -> list[Seed]:
    """Those written in `folder`, those of archsim, of its tests and of the onnx package, and those below `more`."""
    return [*_own(folder), *_workloads(), *_onnx(), *_below((FIXTURES, *more))]


def small_seeds(folder: Path) -> list[Seed]:
    """A few of each kind, without those that take long to gather."""
    return [*_own(folder), *list(_workloads())[::8], *_onnx(nodes=False), *list(_below([FIXTURES]))[::8]]


def _own(folder: Path) -> Iterator[Seed]:
    network = {"network.yaml": NETWORK.encode()}
    yield Seed("machine", "machine.yaml", {"machine.yaml": MACHINE.encode(), **network})
    yield Seed("model", "network.yaml", network)
    yield Seed("model", "trace.jsonl", {"trace.jsonl": "\n".join(map(json.dumps, TRACE)).encode()})
    yield Seed("model", "trace.csv", {"trace.csv": CSV.encode()})
    for number, config in enumerate((LLAMA, GPT2)):
        yield Seed("config", f"{number}.json", {f"{number}.json": json.dumps(config).encode()})
    mapping = "schema: archsim.mapping/1\nmachine: small\nmapping:\n  replicate: greedy\n"
    yield Seed("mapping", "mapping.yaml", {"mapping.yaml": mapping.encode()})
    beside = {"study.yaml": STUDY.encode(), "machine.yaml": MACHINE.encode(), **network}
    yield Seed("study", "study.yaml", beside)
    yield from _with_weights(folder)


def _with_weights(folder: Path) -> Iterator[Seed]:
    for name, kind in (("float.gguf", None), ("blocks.gguf", Q8_0)):
        path = written(folder / name, tensors(head=kind is None), kind)
        yield Seed("weights", name, {name: path.read_bytes()})
    for name, shapes, config in (
        ("llama", llama_shapes(32, 48, 32, 16, 2, 50), LLAMA),
        ("gpt2", gpt2_shapes(64, 2, 50, 16), GPT2),
        ("bare", gpt2_shapes(64, 1, 50, 16), None),
    ):
        files = {path.name: path.read_bytes() for path in saved(folder / name, drawn(shapes), config).iterdir()}
        yield Seed("weights", "model.safetensors", files)
    floats = 8 * 4 + 4 + 4 * 16 + 4 + 3 * 16 + 4 + 3 * 4
    plain = struct.pack("<7i", 4, 4, 1, 1, 1, 8, 3) + np.zeros(floats, "<f4").tobytes()
    grouped = struct.pack("<Ii7iBi", 0x616B3432, 2, 4, 4, 1, 1, 1, 8, 3, 1, 4).ljust(256, b"\0") + bytes(336)
    tokens = folder / "tokens.npy"
    np.save(tokens, np.arange(12, dtype=np.int64).reshape(3, 4) % 8)
    pieces = b"".join(struct.pack("<fi", -float(at), 1) + bytes([mark]) for at, mark in enumerate(b" abcdefg"[:8]))
    tokenizer = struct.pack("<i", 1) + pieces
    yield Seed("weights", "plain.bin", {"plain.bin": plain})
    yield Seed("weights", "grouped.bin", {"grouped.bin": grouped})
    yield Seed("tokens", "tokens.npy", {"tokens.npy": tokens.read_bytes(), "plain.bin": plain})
    text = {"text.txt": b"abcabc", "plain.bin": plain, "tok8.bin": tokenizer}
    yield Seed("tokens", "text.txt", text)


def _workloads() -> Iterator[Seed]:
    for path in sorted(resources.find("hw_configs/machines").glob("*.yaml")):
        text = re.sub(r"^(extends: \w+)\.yaml", r"\1", path.read_text(), flags=re.MULTILINE)  # what comes with archsim
        yield Seed("machine", path.name, {path.name: text.encode(), "network.yaml": NETWORK.encode()})
    for path in sorted(resources.find("workloads/models").glob("*.yaml")):
        tree = _smaller(yaml.load(path.read_bytes(), Loader=yaml.BaseLoader))  # noqa: S506 - interprets nothing
        yield Seed("model", path.name, {path.name: yaml.safe_dump(tree, sort_keys=False, width=1000).encode()})


def _smaller(tree: dict[str, Any]) -> dict[str, Any]:
    return tree | {key: min(size, int(tree[key])) for key, size in _SMALLER.items() if str(tree.get(key)).isdigit()}


def _onnx(*, nodes: bool = True) -> Iterator[Seed]:
    """Models with which the onnx package tests others."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings(action="ignore"):
        cases = load_model_tests(kind="simple") + (load_model_tests(kind="node") if nodes else [])
    for case in cases:
        raw = (
            case.model.SerializeToString()
            if case.model is not None
            else Path(case.model_dir or "", "model.onnx").read_bytes()
        )
        if len(raw) < _LARGEST:
            yield Seed("onnx", "model.onnx", {"model.onnx": raw})


def _below(folders: Iterable[Path]) -> Iterator[Seed]:
    """Files of others that are not too large; of a folder with weights its two files."""
    for folder in folders:
        for path in sorted(each for each in folder.rglob("*") if each.is_file() and each.stat().st_size < _LARGEST):
            raw = path.read_bytes()
            beside = path.with_name("config.json")
            if path.suffix == ".onnx":
                yield Seed("onnx", "model.onnx", {"model.onnx": raw})
            elif path.name == "model.safetensors" and beside.is_file():
                yield Seed("weights", path.name, {path.name: raw, beside.name: beside.read_bytes()})
            elif path.suffix == ".json" and b'"model_type"' in raw:
                tree = json.loads(raw)
                less = tree if path.is_relative_to(FIXTURES) else _smaller(tree)
                yield Seed("config", path.name, {path.name: json.dumps(less).encode()})
