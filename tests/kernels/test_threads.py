"""The same bits on one thread and on two, with noise and without."""

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import hashlib
import numpy as np
from archsim.kernels.crossbar import program
from archsim.kernels.spec import Adc, ArraySpec, Drift, NonIdeal, Programming

rng = np.random.default_rng(0)
weights, inputs = rng.integers(-127, 128, (300, 40)), rng.integers(0, 256, (100, 300))
worst = NonIdeal(Programming("pcm"), 0.01, Drift(3600.0), 0.01, 0.01, 50.0, 1e-5)
digest = hashlib.sha256()
for spec in (ArraySpec(adc=Adc(6)), ArraySpec(adc=Adc(6, noise=0.5, offset=0.5), non_ideal=worst)):
    found, lost = program(spec, weights, seed=7).multiply(inputs)
    digest.update(found.tobytes() + str(lost).encode())
print(digest.hexdigest())
"""


def test_threads_change_nothing() -> None:
    root = str(Path(__file__).resolve().parents[2])
    found = set()
    for threads in ("1", "2"):
        places = {"NUMBA_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": root}
        done = subprocess.run(
            [sys.executable, "-c", CODE], env=os.environ | places, capture_output=True, text=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1
