"""Tiny models of each Hugging Face type: their parameters, and the outputs that transformers computes from them.

scripts/tiny_models.py makes the folders of tests/fixtures/hf; each of them is tested.
"""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from archsim.graph.hf.known import FAMILIES
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.opened import open_model
from archsim.values.safetensors_file import read_safetensors

FOLDERS = sorted(path for path in (Path(__file__).resolve().parents[1] / "fixtures" / "hf").iterdir() if path.is_dir())


def arrays_of(expected: dict[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(kind): value for name, value in expected.items() if name.startswith(kind)}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_model_has_the_parameters_and_outputs_of_transformers(folder: Path) -> None:
    """A prompt, and, of models that generate, one more token with the keys and values of the prompt in a cache."""
    require_outputs(folder)


def require_outputs(folder: Path) -> None:
    with np.load(folder / "expected.npz") as file:
        expected = dict(file)
    opened = open_model(folder)
    graph = opened.graph
    assert graph.parameters == expected["parameters"]
    executor = Executor(graph, opened.arrays, FloatArithmetic())
    session = executor.session() if arrays_of(expected, "step.") else executor
    for part in ("prompt.", "step."):
        given = arrays_of(expected, part)
        outputs = arrays_of(given, "output.")
        inputs = {name: value for name, value in given.items() if not name.startswith("output.")}
        if not outputs:
            continue
        computed = session.run(inputs, everywhere=True)
        for number, right in outputs.items():
            values = computed[graph.outputs[int(number)]]
            if values.ndim > right.ndim:  # the logits of a class for a sequence are those of its last position
                values = values[:, -1]
            assert values.shape == right.shape
            assert np.abs(values - right).max() <= 1e-4 * np.abs(right).max(), (part, number)


def folder_of(name: str) -> Path:
    return next(folder for folder in FOLDERS if folder.name == name)


def test_expanded_latent_attention_has_the_same_outputs(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of("deepseek_v3"), tmp_path / "expanded")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "latent_form": "expanded"}))
    require_outputs(folder)


@pytest.mark.parametrize("name", ["deepseek_v3", "qwen3_moe"])
def test_experts_may_be_stored_side_by_side(tmp_path: Path, name: str) -> None:
    """[experts, gate then up, inputs] and [experts, outputs, inputs], as classes of transformers have them."""
    folder = shutil.copytree(folder_of(name), tmp_path / name)
    stored = {key: one.read() for key, one in read_safetensors(folder / "model.safetensors").stored.items()}
    layers = {key.partition(".experts.0.")[0] for key in stored if ".experts.0." in key}
    assert layers
    for layer in layers:
        experts = sum(key.startswith(f"{layer}.experts.") and "down" in key for key in stored)
        gate, up, down = (
            np.stack([stored.pop(f"{layer}.experts.{expert}.{part}_proj.weight") for expert in range(experts)])
            for part in ("gate", "up", "down")
        )
        stored[f"{layer}.experts.gate_up_proj"] = np.concatenate([gate, up], axis=1)
        stored[f"{layer}.experts.down_proj"] = down
    write(folder / "model.safetensors", stored)
    require_outputs(folder)


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """A safetensors file: the length of the header, the header, all numbers."""
    header, end = {}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in arrays.values()))


def test_every_type_has_a_tiny_model() -> None:
    assert set(FAMILIES) <= {folder.name for folder in FOLDERS}
