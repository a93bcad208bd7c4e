"""Broken files as users of other tools have met them: each ends in one line, within two seconds and 200 MB."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from archsim.cli import main
from tests.conftest import ROOT

MODELS = (
    "badutf8.onnx",
    "convgroup.onnx",
    "convk.onnx",
    "convrank1.onnx",
    "dim0.onnx",
    "dimneg.onnx",
    "extnul.onnx",
    "gemmneg.onnx",
    "matmul1.onnx",
    "wide-config.json",
    "wide-model.yaml",
)
WEIGHTS = ("lmhead.safetensors", "wte1.safetensors")
SECONDS, MEGABYTES = 2, 200


@pytest.fixture(scope="module")
def broken(cases_dir: Path) -> Path:
    return cases_dir / "broken"


def commands(broken: Path, folder: Path) -> dict[str, list[str]]:
    """By the name of a file, and what is done with it."""
    tokens, model = folder / "tokens.npy", folder / "model.bin"
    np.save(tokens, np.zeros((2, 8), np.int64))
    model.write_bytes(struct.pack("<7i", 4, 4, 1, 1, 1, 8, 3) + np.zeros(168, "<f4").tobytes())
    found = {f"run {name}": ["run", str(broken / "tiny.yaml"), str(broken / name)] for name in MODELS}
    found |= {f"check {name}": ["check", str(broken / name)] for name in (*MODELS, *WEIGHTS)}
    found |= {
        f"evaluate {name}": ["evaluate", "isaac", "--model", str(broken / name), "--text", str(tokens)]
        for name in WEIGHTS
    }
    found["bad.npy"] = ["evaluate", "isaac", "--model", str(model), "--text", str(broken / "bad.npy")]
    return found


def test_each_ends_in_one_line(broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, words in commands(broken, tmp_path).items():
        with pytest.raises(SystemExit) as left:
            main(words)
        said = capsys.readouterr()
        assert "bug" not in said.err, name
        assert said.err.count("\n") == left.value.code, name  # a sound one has no error
        assert left.value.code == 1 or name.startswith("check wide"), name


def test_a_sound_file_of_weights_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    path = ROOT / "tests" / "fixtures" / "hf" / "gpt2" / "model.safetensors"
    with pytest.raises(SystemExit) as left:
        main(["check", str(path)])
    assert (left.value.code, capsys.readouterr().out) == (0, f"{path}: model gpt2, 8,128 parameters, with weights\n")


@pytest.mark.slow
def test_each_is_bounded(broken: Path, tmp_path: Path) -> None:
    """Seconds are of the processor, so that others' work does not count."""
    for name, words in commands(broken, tmp_path).items():
        starter = [sys.executable, "-S", "-c", _STARTER, sys.executable, "-m", "archsim", *words]
        done = subprocess.run(starter, capture_output=True, text=True, check=True, env={**os.environ})
        code, memory, seconds = done.stdout.split()
        assert int(code) in (0, 1), (name, done.stderr)
        assert int(memory) * 1024 < MEGABYTES * 1e6, name
        assert float(seconds) < SECONDS, name


_STARTER = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
"""
