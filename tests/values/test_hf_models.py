"""Tiny models of each Hugging Face type: their parameters, and the outputs that transformers computes from them.

scripts/tiny_models.py makes the folders of tests/fixtures/hf; each of them is tested.
"""

from pathlib import Path

import numpy as np
import pytest

from archsim.graph.hf.families import FAMILIES
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.opened import open_model

FOLDERS = sorted(path for path in (Path(__file__).resolve().parents[1] / "fixtures" / "hf").iterdir() if path.is_dir())


def arrays_of(expected: dict[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(kind): value for name, value in expected.items() if name.startswith(kind)}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_model_has_the_parameters_and_outputs_of_transformers(folder: Path) -> None:
    """A prompt, and, of models that generate, one more token with the keys and values of the prompt in a cache."""
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


def test_every_type_has_a_tiny_model() -> None:
    assert set(FAMILIES) <= {folder.name for folder in FOLDERS}
