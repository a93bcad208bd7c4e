"""archsim installed as its users install it."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_wheel_runs_elsewhere(tmp_path: Path) -> None:
    """Built, installed into an empty environment, and run from a folder that knows nothing of the repository."""
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True)
    wheel = next(tmp_path.glob("archsim-*.whl"))
    venv.create(tmp_path / "env", with_pip=True)
    programs = tmp_path / "env" / "bin"
    constraints = str(ROOT / "constraints.txt")
    subprocess.run([programs / "python", "-m", "pip", "install", "-q", "-c", constraints, wheel], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    words = ["run", "isaac", "bert-base", "--seq", "64", "--json"]
    done = subprocess.run(
        [programs / "archsim", *words], capture_output=True, text=True, check=True, cwd=elsewhere, env=environment
    )
    assert json.loads(done.stdout)["seq"] == 64
