"""Have onnxruntime compute what the samples of tests/values/microsoft_cases.py give: tests/fixtures/microsoft.npz.

It needs onnxruntime (1.32 was used) beside the packages of the tests; from the root:
`python -m scripts.microsoft_samples`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from tests.values.microsoft_cases import SAMPLES

MADE = Path("tests/fixtures/microsoft.npz")


def main() -> None:
    """As the file has them, without optimisations."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    found: dict[str, Any] = {}
    for name, sample in SAMPLES.items():
        run = sample.instead or sample
        session = onnxruntime.InferenceSession(run.model().SerializeToString(), options)
        results = session.run(None, dict(run.inputs))
        found |= {f"{name}/{output}": result for output, result in zip(run.outputs, results, strict=True)}
    np.savez_compressed(MADE, **found)


if __name__ == "__main__":
    main()
