"""archsim as its users call it: real processes, real machines and models."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KEYS = tuple(
    [
        "schema",
        "machine",
        "model",
        "phase",
        "batch",
        "seq",
        "new_tokens",
        "chips",
        "latency_s",
        "tokens_per_s",
        "energy_j",
        "average_power_w",
        "area_m2",
        "ops",
        "tops",
        "tops_per_w",
        "energy_by_part_j",
        "energy_by_operator_j",
        "energy_by_layer_j",
        "utilisation",
        "tasks",
        "sources",
    ]
)


def archsim(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "archsim", *words], capture_output=True, text=True, check=False, cwd=cwd
    )


def result(*words: str) -> dict[str, Any]:
    done = archsim("run", *words, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("machine", ["isaac", "nl_dpe"])
@pytest.mark.parametrize(("model", "more"), [("bert-base", ()), ("gpt2", ("--phase", "generate", "--new-tokens", "2"))])
def test_a_run_has_its_keys_and_sums(machine: str, model: str, more: tuple[str, ...]) -> None:
    found = result(machine, model, "--seq", "8", *more)
    assert [key for key in KEYS if key not in found] == []
    assert not any("host" in key or "host_" in key for key in found)
    for breakdown in ("part", "operator", "layer"):
        parts = found[f"energy_by_{breakdown}_j"]
        assert sum(parts.values()) == pytest.approx(found["energy_j"], rel=1e-12)
        assert parts["static"] > 0
    assert (found["machine"], found["model"]) == (machine, model)


def test_a_repeated_run_gives_the_same_bytes(tmp_path: Path) -> None:
    words = ("run", "isaac", "bert-base", "--seq", "8", "--json")
    first, second = archsim(*words), archsim(*words, "--out", str(tmp_path / "o"))
    assert first.stdout == second.stdout == (tmp_path / "o" / "result.json").read_text()
    assert "seconds" in json.loads((tmp_path / "o" / "timing.json").read_text())


def test_large_models_take_the_chips_that_they_need() -> None:
    assert (
        result("isaac", "bert-large", "--seq", "2")["chips"] > result("isaac", "bert-base", "--seq", "2")["chips"] == 3
    )


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("run", "isac", "bert-base"), 1, "Did you mean 'isaac'"),
        (("run", "isaac", "bert-bse"), 1, "Did you mean 'bert-base'"),
        (("run", "isaac", "bert-base", "--phase", "decode"), 2, "bert-base is an encoder: it generates nothing."),
        (("run", "isaac", "bert-base", "--phase", "prefil"), 2, "prefill"),
        (("run", "isaac", "bert-base", "--seq", "0"), 2, "--seq"),
        (("run", "isaac", "bert-base", "--seq", "600"), 2, "Try --seq 512 or less."),
        (("run", "isaac", "bert-base", "--sek", "6"), 2, "--seq"),
        (("run", "isaac"), 2, "MODEL"),
        (("rum", "isaac", "bert-base"), 2, "run"),
        (
            ("run", "isaac", "bert-base", "--set", "chips.count=1"),
            1,
            "need 435 tiles, 1 chip has 168. Try chips.count: 3",
        ),
        (("run", ".", "bert-base"), 1, "folder"),
        (("run", "none/such.yaml", "bert-base"), 1, "none/such.yaml"),
        (("describe", "isac"), 1, "Did you mean 'isaac'"),
    ],
)
def test_a_mistake_is_said_in_a_line_and_mended(words: tuple[str, ...], status: int, said: str) -> None:
    done = archsim(*words)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_describe_as_json() -> None:
    done = archsim("describe", "isaac", "--json")
    tree = json.loads(done.stdout)["tree"]
    paths = {node["path"]: node for node in nodes(tree)}
    core = next(node for path, node in paths.items() if path.endswith(".tile.core"))
    assert {"path", "count", "area_m2", "peak_power_w", "mvm_latency_s", "mvm_interval_s", "peak_ops_per_s"} <= set(
        core
    )
    assert core["mvm_latency_s"] == pytest.approx(2.2e-6)


def nodes(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return [tree, *(inner for child in tree["children"] for inner in nodes(child))]


def test_a_machine_of_twenty_lines(tmp_path: Path) -> None:
    """Two parts on one path, and a vector unit for the rest."""
    (tmp_path / "mine.yaml").write_text(MINE)
    done = archsim("run", "mine.yaml", "bert-base", "--seq", "4", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert any("no area is given" in note for note in json.loads(done.stdout)["notes"])


MINE = """\
schema: archsim.machine/1
name: mine
parts:
  xbar: {class: crossbar, rows: 256, cols: 256, cell_bits: 8 b, read: {interval: 100 ns, energy: 5 nJ}}
  adc: {class: adc, bits: 8 b, convert: {rate: 1 GHz, energy: 1 pJ}}
  vector: {class: vector, lanes: 64, linear: {rate: 1 GHz, energy: 1 pJ}, special: {rate: 1 GHz, energy: 2 pJ}}
  mac: {class: mac, lanes: 256, mac: {rate: 1 GHz, energy: 1 pJ}}
modules:
  core: {parts: {xbar: 1, adc: 16}, path: xbar > adc, combine: {bits: analog, slices: analog, signs: analog}}
  chip: {parts: {core: 2000, vector: 8, mac: 8}}
recipes:
  linear: [mvm: core]
  matmul: [multiply_accumulate: mac]
  softmax: [exp: vector, sum: vector, reciprocal: vector, multiply: vector]
  layernorm: [sum: vector, subtract: vector, square: vector, sum: vector, rsqrt: vector, multiply: vector]
  gelu: [gelu: vector]
  tanh: [tanh: vector]
  add: [add: vector]
  embedding: [add: vector]
"""


@pytest.mark.slow
def test_a_wheel_elsewhere(tmp_path: Path) -> None:
    """Built, installed into an empty environment, and run from a folder that knows nothing of the repository."""
    root = Path(__file__).resolve().parents[2]
    python = tmp_path / "env" / "bin" / "python"
    steps = [
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(root)],
        [sys.executable, "-m", "venv", str(tmp_path / "env")],
    ]
    for step in steps:
        subprocess.run(step, check=True)
    wheel = next(tmp_path.glob("*.whl"))
    install = [str(python), "-m", "pip", "install", "-q", "-c", str(root / "constraints.txt"), str(wheel)]
    subprocess.run(install, check=True)
    command = [str(tmp_path / "env" / "bin" / "archsim"), "run", "isaac", "bert-base", "--seq", "64", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout)["seq"] == 64
