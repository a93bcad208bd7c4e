"""What is not ideal: each switch by itself, against what it should do."""

from dataclasses import replace

import numpy as np
import pytest

from archsim.kernels.conductance import PCM_LARGEST_MICROSIEMENS, deviation
from archsim.kernels.crossbar import program
from archsim.kernels.draws import generator, key, normals, philox
from archsim.kernels.ir_drop import drop, solve
from archsim.kernels.spec import Adc, ArraySpec, Drift, NonIdeal, Programming

RNG = np.random.default_rng(3)
WEIGHTS = RNG.integers(-127, 128, (100, 30))
INPUTS = RNG.integers(0, 256, (40, 100))
IDEAL = ArraySpec(rows=64, cols=64)


def product(non_ideal: NonIdeal, seed: int = 0, adc: Adc | None = None, **changes: object) -> np.ndarray:
    spec = replace(IDEAL, non_ideal=non_ideal, adc=adc or Adc(), **changes)  # type: ignore[arg-type]
    return program(spec, WEIGHTS, seed=seed).multiply(INPUTS)[0]


@pytest.mark.parametrize("signs", ["differential", "offset", "sign_magnitude"])
@pytest.mark.parametrize("combine", ["analog", "digital"])
def test_the_noisy_path_without_noise_is_the_exact_one(signs: str, combine: str) -> None:
    """A tiny on/off effect switches the path; float32 sums differ from integers by their rounding."""
    found = product(NonIdeal(on_off=1e9), signs=signs, bits=combine, slices=combine, signed_inputs=False)
    assert found == pytest.approx(INPUTS @ WEIGHTS, rel=1e-4, abs=2)
    adc = Adc(bits=12)
    ideal, near = (
        product(n, adc=adc, signs=signs, flipped=signs == "offset") for n in (NonIdeal(), NonIdeal(on_off=1e9))
    )
    assert (np.abs(ideal - near) < 1e-6 * np.abs(ideal).max()).mean() > 0.99


def test_philox_gives_its_published_numbers() -> None:
    """Known answers of the Random123 library, version 1.09, kat_vectors."""
    cases = [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ]
    for counter, words, expected in cases:
        found = philox(*map(np.uint64, counter), *map(np.uint64, words))
        assert " ".join(f"{int(word):08x}" for word in found) == expected


def test_normals_are_normal_and_independent() -> None:
    pairs = [normals(np.uint64(n), np.uint64(5), np.uint64(key(1, "a", "b"))) for n in range(40_000)]
    one, other = np.array(pairs).T
    for draws in (one, other):
        assert abs(draws.mean()) < 0.02
        assert abs(draws.std() - 1) < 0.02
        assert abs((draws**3).mean()) < 0.05
        assert abs((draws**4).mean() - 3) < 0.15
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.02


def test_streams_differ_by_seed_part_and_use() -> None:
    keys = {key(seed, part, use) for seed in range(3) for part in "ab" for use in "xy"}
    assert len(keys) == 12
    assert generator(1, "a", "x").random() == generator(1, "a", "x").random()


def test_read_noise_has_the_variance_of_all_cells_together() -> None:
    """sigma of a cell is 0.05 x 3; both cells of a pair, every driven row: 2 x (0.15)^2 x squared input, each slice."""
    spec = ArraySpec(
        rows=256, cols=64, weight_bits=3, cell_bits=2, read_bits=4, input_bits=4, non_ideal=NonIdeal(read=0.05)
    )
    weights, inputs = RNG.integers(-3, 4, (256, 64)), np.tile(RNG.integers(0, 16, 256), (2000, 1))
    noise = program(spec, weights).multiply(inputs)[0] - inputs @ weights
    expected = np.sqrt(2 * 0.15**2 * (inputs[0] ** 2).sum())
    assert noise.std() == pytest.approx(expected, rel=0.01)
    assert np.abs(noise.mean(axis=0)).max() < 5 * expected / np.sqrt(2000)
    assert np.abs(np.corrcoef(noise.T) - np.eye(64)).max() < 0.12


def test_read_noise_drawn_for_each_cell_has_the_same_distribution() -> None:
    """An array simulated cell by cell, with numpy's generator, against one draw for a column (two-sample KS < 1 %)."""
    from scipy.stats import ks_2samp

    spec = ArraySpec(rows=50, cols=4, weight_bits=3, cell_bits=2, input_bits=1, non_ideal=NonIdeal(read=0.1))
    weights, inputs = RNG.integers(-3, 4, (50, 4)), RNG.integers(0, 2, (1, 50))
    found = program(spec, weights).multiply(np.tile(inputs, (3000, 1)))[0][:, 0]
    cells = RNG.normal(0, 0.3, (3000, 2, 50))
    each = inputs[0] @ weights[:, 0] + (cells[:, 0] - cells[:, 1]) @ inputs[0]
    assert ks_2samp(found, each).pvalue > 0.01


def test_equal_numbers_in_the_stream_get_equal_noise() -> None:
    array = program(replace(IDEAL, non_ideal=NonIdeal(read=0.02)), WEIGHTS)
    whole, _ = array.multiply(INPUTS)
    parts = [array.multiply(INPUTS[begin : begin + 7], first=begin)[0] for begin in range(0, 40, 7)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert (array.multiply(INPUTS, first=40)[0] != whole).mean() > 0.99


def test_columns_beyond_two_to_the_seventeenth_have_draws_of_their_own() -> None:
    spec = ArraySpec(rows=1, cell_bits=1, weight_bits=2, input_bits=1, non_ideal=NonIdeal(read=0.1))
    noise = program(spec, np.zeros((1, (1 << 17) + 64), np.int64)).multiply(np.ones((2, 1), np.int64))[0]
    assert (noise[0, 1 << 17 :] != noise[1, :64]).all()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Programming("additive", 0.02), [0.02, 0.02, 0.02]),
        (Programming("proportional", 0.1), [0, 0.05, 0.1]),
        (Programming("table", points=((1.0, 0.3), (0.0, 0.1))), [0.1, 0.2, 0.3]),
        (
            Programming("pcm"),
            [0.26348 / 25, (0.26348 + 1.9650 / 2 - 1.1731 / 4) / 25, 1.05538 / PCM_LARGEST_MICROSIEMENS],
        ),
    ],
)
def test_programming_errors_grow_as_their_model_says(model: Programming, expected: list[float]) -> None:
    assert deviation(model, np.array([0, 0.5, 1])) == pytest.approx(expected)


def test_programming_error_stays_and_differs_between_seeds() -> None:
    noise = NonIdeal(programming=Programming("proportional", 0.05))
    assert product(noise).tobytes() == product(noise).tobytes()
    assert product(noise, seed=1).tobytes() != product(noise).tobytes()
    errors = [
        np.std(product(NonIdeal(programming=Programming("proportional", s))) - INPUTS @ WEIGHTS)
        for s in (0.01, 0.02, 0.04)
    ]
    assert errors[1] / errors[0] == pytest.approx(2, rel=0.15)
    assert errors[2] / errors[1] == pytest.approx(2, rel=0.15)


def test_a_second_analog_slice_takes_up_the_errors_of_the_first() -> None:
    """An error of 2 % is 0.3 of 16 levels; digital slices keep it, the residual slice takes most of it up."""
    noise = NonIdeal(programming=Programming("additive", 0.02))
    errors = {}
    for slicing in ("digital", "analog"):
        found = product(noise, cell_bits=4, bits="analog", slices="analog", slicing=slicing)
        errors[slicing] = np.std(found - INPUTS @ WEIGHTS)
    assert errors["analog"] < errors["digital"] / 8


def test_drift_is_a_power_law_and_compensation_takes_it_back() -> None:
    """Without spread: all products fall to (1000)^-0.05."""
    late = Drift(time_s=20e3, nu=0.05, nu_sigma=0.0)
    assert product(NonIdeal(drift=late)) == pytest.approx(INPUTS @ WEIGHTS * 1000**-0.05, rel=1e-3, abs=5)
    assert product(NonIdeal(drift=replace(late, compensated=True))) == pytest.approx(INPUTS @ WEIGHTS, rel=1e-3, abs=5)
    assert (product(NonIdeal(drift=Drift(time_s=20.0))) == INPUTS @ WEIGHTS).mean() > 0.9


def test_stuck_cells() -> None:
    """All cells of pairs stuck on: they cancel. All stuck off: nothing flows."""
    assert product(NonIdeal(stuck_on=1.0)) == pytest.approx(0)
    assert product(NonIdeal(stuck_off=1.0)) == pytest.approx(0)
    some = [np.std(product(NonIdeal(stuck_on=share)) - INPUTS @ WEIGHTS) for share in (0.001, 0.01, 0.1)]
    assert some[0] < some[1] < some[2]


def test_a_small_on_off_ratio_cancels_in_pairs_alone() -> None:
    pair = product(NonIdeal(on_off=10))
    assert pair == pytest.approx(INPUTS @ WEIGHTS, rel=1e-3, abs=20)
    offset = product(NonIdeal(on_off=10), signs="offset")
    more = offset - INPUTS @ WEIGHTS
    # each of 4 cells of a weight gives 3 / 9 too much: 1/3 (1 + 4 + 16 + 64) for each unit of input
    assert more == pytest.approx(np.tile(INPUTS.sum(axis=1, keepdims=True) * 85 / 3, (1, 30)), rel=1e-3)


def test_converters_have_noise_and_offsets() -> None:
    """24 bits: a step of 1. Three slices and eight reads in two blocks: variances add up with squared weights."""
    spread = product(NonIdeal(), adc=Adc(bits=24, noise=0.5)) - INPUTS @ WEIGHTS
    weights = [4**s * 2**b for s in range(4) for b in range(8)]
    # noise is rounded to whole steps: a variance of 1/4 and nearly 1/12 of rounding
    assert spread.std() == pytest.approx(np.sqrt(2 * sum(w * w for w in weights) * (0.25 + 1 / 12)), rel=0.05)
    offset = product(NonIdeal(), adc=Adc(bits=24, offset=2.0)) - INPUTS @ WEIGHTS
    assert np.ptp(offset, axis=0).max() == 0
    assert np.std(offset[0]) > 0


def test_ir_drop_is_right_to_first_order() -> None:
    """Against the solved network, all rows driven: halving the wires' resistance quarters the error."""
    levels = RNG.random((12, 9))
    ideal = levels.sum(axis=0)
    errors = []
    for wire in (4e-4, 2e-4, 1e-4):
        model = drop(levels, wire, 1.0).sum(axis=0)
        truth = solve(levels, wire, np.ones(12))
        assert np.abs(model - truth).max() < 0.2 * np.abs(ideal - truth).max()
        errors.append(np.abs(model - truth).max())
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.1)


def test_ir_drop_by_hand() -> None:
    """One cell: the row's and the column's wire carry its current: 1 - 2 w."""
    assert drop(np.array([[1.0]]), 0.01, 1.0).item() == pytest.approx(0.98)
    assert solve(np.array([[1.0]]), 0.01, np.ones(1)).item() == pytest.approx(1 / 1.02)
