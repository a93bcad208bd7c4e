"""What machines compute: from their files to arrays, tables and perplexities."""

import json
from pathlib import Path

import numpy as np
import pytest

from archsim.kernels.spec import Adc, ArraySpec, Drift, Programming
from archsim.machine import load_machine
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.arrays import array_spec
from archsim.values.evaluate import evaluate
from archsim.values.machine_arithmetic import MachineArithmetic
from archsim.values.quantised import QuantisedArithmetic
from archsim.values.tasks import Task, load_task
from tests.end_to_end.command import archsim

ERRORS = (
    "parts.xbar.errors={programming: {model: additive, sigma: 0.02}, read: 0.01, stuck_on: 0.001, on_off: 50,"
    " drift: {time: 3600 s, nu: 0.05, compensated: yes}, wire: 1e-5}"
)


EIGHT = ("precision.weights=8 b", "precision.inputs=8 b")


@pytest.fixture(scope="module")
def task(data_dir: Path) -> Task:
    """The first of five stories."""
    whole = load_task(data_dir / "llama2c" / "stories260K.bin", data_dir / "text" / "tinystories_sample.txt")
    return Task(whole.model, whole.sequences[:1])


def test_isaacs_arrays() -> None:
    assert array_spec(load_machine("isaac")) == ArraySpec(
        rows=128,
        cols=128,
        cell_bits=2,
        weight_bits=16,
        signs="offset",
        flipped=True,
        input_bits=16,
        signed_inputs=True,
        adc=Adc(bits=8),
    )


def test_errors_come_from_the_file() -> None:
    found = array_spec(load_machine("isaac", [ERRORS, "parts.adc.errors={range: clipped, share: 0.5, noise: 0.3}"]))
    assert found.adc == Adc(8, "clipped", 0.5, 0.3)
    assert found.non_ideal.programming == Programming("additive", 0.02)
    assert found.non_ideal.drift == Drift(3600.0, 0.05, 0.02, 20.0, compensated=True)
    assert (found.non_ideal.read, found.non_ideal.on_off, found.non_ideal.wire) == (0.01, 50.0, 1e-5)


def test_a_measured_table_of_programming_errors() -> None:
    found = array_spec(
        load_machine("isaac", ["parts.xbar.errors.programming={model: table, points: [[0, 0.01], [1, 0.03]]}"])
    )
    assert found.non_ideal.programming == Programming("table", 0.0, ((0.0, 0.01), (1.0, 0.03)))


def test_fixed_input_ranges_are_coarser_than_each_vectors_own(task: Task) -> None:
    own, fixed = (
        evaluate(load_machine("isaac", EIGHT), task, 1, own_ranges=not c)["divergence_nats"]["mean"]
        for c in (False, True)
    )
    assert own < fixed < 0.5


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("parts.xbar.errors.raed=0.01", "parts.xbar.errors.raed: unknown key. Did you mean 'read'?"),
        (
            "parts.xbar.errors.programming.model=table",
            "parts.xbar.errors.programming: found no 'points'; expected some",
        ),
        ("parts.xbar.errors.programming.model=additive", "parts.xbar.errors.programming: found no 'sigma'"),
        ("parts.xbar.errors.read=2", "parts.xbar.errors.read: found '2'; expected a share from 0 to 1"),
        ("parts.xbar.errors.on_off=1", "parts.xbar.errors.on_off: found '1'; expected a ratio above 1"),
        ("parts.adc.errors.noise=-1", "parts.adc.errors.noise: found '-1'; it must not be negative"),
        (
            "parts.adc.errors.range=ful",
            "parts.adc.errors.range: found 'ful'; expected 'full', 'clipped' or 'calibrated'",
        ),
    ],
)
def test_wrong_errors_are_said(setting: str, said: str) -> None:
    done = archsim("mvm", "isaac", "--set", setting)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.startswith(f"--set {setting}:1:")


def test_isaac_computes_what_its_integers_give(task: Task) -> None:
    """Sixteen bits, a converter that loses nothing: products equal exact integer products, to the bit."""
    machine = task.run(MachineArithmetic(load_machine("isaac"), exact=("tables", "formats", "outputs")))
    whole = task.run(QuantisedArithmetic(weight_bits=16, input_bits=16))
    assert machine.losses.tobytes() == whole.losses.tobytes()
    assert machine.perplexity == pytest.approx(task.run(FloatArithmetic()).perplexity, rel=1e-3)


@pytest.mark.slow
def test_fewer_bits_and_more_noise_are_worse(task: Task) -> None:
    """Each step is outside the other's error bars (two seeds each)."""

    def perplexity(*settings: str) -> float:
        found = evaluate(load_machine("isaac", [*EIGHT, *settings]), task, 2)["perplexity"]["analog"]
        assert found["n"] == 2
        return float(found["mean"])

    eight = perplexity()
    bits = [perplexity(f"parts.adc.bits={n} b") for n in (7, 6)]
    assert eight < bits[0] < bits[1]
    noise = [perplexity(f"parts.xbar.errors.programming={{model: additive, sigma: {s}}}") for s in (0.02, 0.04)]
    assert eight < noise[0] < noise[1]
    # Errors of less than half a step of the converter are rounded away.
    assert perplexity("parts.xbar.errors.programming={model: additive, sigma: 0.001}") == eight


def test_evaluate_prints_and_is_repeatable(data_dir: Path, tmp_path: Path) -> None:
    text = (data_dir / "text" / "tinystories_sample.txt").read_text().partition("<|endoftext|>")[0]
    (tmp_path / "story.txt").write_text(text[:300])
    words = ["evaluate", "isaac", "--model", str(data_dir / "llama2c" / "stories260K.bin"), "--seeds", "2", "--json"]
    words += ["--text", "story.txt", "--set", "parts.xbar.errors.programming={model: additive, sigma: 0.03}"]
    words += [word for setting in EIGHT for word in ("--set", setting)]
    one, other = (archsim(*words, folder=tmp_path) for _ in range(2))
    assert (one.returncode, one.stderr) == (0, "")
    assert one.stdout == other.stdout
    found = json.loads(one.stdout)
    assert found["perplexity"]["float"]["mean"] < found["perplexity"]["analog"]["mean"]
    assert found["perplexity"]["analog"]["std"] > 0
    assert found["perplexity"]["analog"]["n"] == 2


def test_mvm_shows_an_arrays_error() -> None:
    exact = json.loads(archsim("mvm", "isaac", "--rows", "128", "--cols", "128", "--json").stdout)
    assert (exact["exact_share"], exact["rms_error"], exact["saturated"]) == (1.0, 0.0, 0)
    coarse = json.loads(archsim("mvm", "isaac", "--set", "parts.adc.bits=6 b", "--json").stdout)
    assert coarse["rms_error"] > 0
    assert "rms" in archsim("mvm", "nl_dpe").stdout


def test_weights_of_few_bits_use_all_of_a_cell() -> None:
    """A pair of 8-bit cells holds 5-bit weights as 4 bits and a side: the largest, 15, is the largest conductance.

    So the error of programming, a share of that, stays the same share of the weights: about that of 9 bits.
    """
    assert array_spec(load_machine("hetero_512", ("precision.weights=5 b",))).cell_bits == 4
    draw = np.random.default_rng(1)
    weight, x = (draw.normal(size=(64, 64)).astype(np.float32) for _ in range(2))

    def error(*settings: str) -> float:
        machine = load_machine("hetero_512", ("mapping.clip=10", *settings))
        found = MachineArithmetic(machine, 0).linear("layer 0/qkv", weight, None)(x)
        exact = x @ weight.T
        return float(np.sqrt(((found - exact) ** 2).mean() / (exact**2).mean()))

    assert error("mapping.bits={layer 0/qkv: {weights: 5 b}}") < 2 * error()


def test_parts_can_be_told_apart_by_their_errors() -> None:
    """Timings of cores are remembered by their parts, so these must have a hash."""
    xbar = load_machine("hetero_512").parts["xbar"]
    assert hash(xbar) == hash(load_machine("hetero_512").parts["xbar"])
