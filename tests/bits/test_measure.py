"""Accuracy under bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from archsim.bits.judge import Halves
from archsim.bits.measure import Measured, difference, quality
from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.values.integers import IntegerNetwork, input_ranges
from archsim.values.pictures import Pictures, load_pictures
from archsim.values.quantised import QuantisedArithmetic
from archsim.values.ranges import InputRange, fitted_range, weight_codes
from archsim.values.stages import Stage, Staged

if TYPE_CHECKING:
    from pathlib import Path

    from archsim.values.arithmetic import Values

CHOICES = (2, 3, 5, 8)


def network(seed: int = 0) -> tuple[tuple[Stage, ...], Values]:
    """Four convolutions with a shortcut that skips pixels, a mean, a full layer; 24 pictures of 8 x 8."""
    rng = np.random.default_rng(seed)
    shapes = ((4, 3, 3, 3), (4, 4, 3, 3), (6, 4, 3, 3), (6, 6, 3, 3), (5, 6, 1, 1))
    weights = [rng.normal(size=shape).astype(np.float32) / np.float32(shape[1]) for shape in shapes]
    biases = [rng.normal(size=shape[0]).astype(np.float32) for shape in shapes]
    more: tuple[dict[str, Any], ...] = (
        {"pad": 1},
        {"pad": 1},
        {"pad": 1, "stride": 2},
        {"pad": 1, "shortcut": 2},
        {"pooled": True, "function": None},
    )
    stages = [Stage(f"{at}", *each[:2], **each[2]) for at, each in enumerate(zip(weights, biases, more, strict=True))]
    return tuple(stages), rng.normal(size=(24, 8, 8, 3)).astype(np.float32)


def slow(stages: tuple[Stage, ...], images: Values, choice: dict[str, tuple[int, int]]) -> Values:
    ranges = input_ranges(stages, images, CHOICES)
    spans = {key: ranges[key][inputs] for key, (_, inputs) in choice.items()}
    return Staged(stages, QuantisedArithmetic(bits=choice, ranges=spans))(images.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("memory", [1 << 30, 40_000, 0])
def test_fast_integers_are_those_of_the_arithmetic(memory: int) -> None:
    """Whatever changes from run to run, and however much is kept: each run is as if it were the first."""
    stages, images = network()
    fast = IntegerNetwork(stages, images, input_ranges(stages, images, CHOICES), memory=memory)
    rng = np.random.default_rng(1)
    choice = {stage.key: (8, 8) for stage in stages}
    for step in range(8):
        found = fast.logits(choice)
        assert np.allclose(found, slow(stages, images, choice), atol=1e-4), step
        for key in rng.choice([*choice], size=step % 3, replace=False):
            choice[str(key)] = (int(rng.choice(CHOICES)), int(rng.choice(CHOICES)))


def test_a_run_that_fails_leaves_nothing_behind() -> None:
    stages, images = network()
    ranges = input_ranges(stages, images, CHOICES)
    eight = {stage.key: (8, 8) for stage in stages}
    fast = IntegerNetwork(stages, images, ranges)
    fast.logits(eight)
    with pytest.raises(KeyError):
        fast.logits(eight | {"1": (5, 5), "3": (8, 4)})  # no range was asked for with 4 bits
    found = fast.logits(eight | {"1": (5, 5)})
    assert np.array_equal(found, IntegerNetwork(stages, images, ranges).logits(eight | {"1": (5, 5)}))


def test_samples_of_inputs_are_of_all_columns() -> None:
    """In equal strides they would be of a fourth of the columns here; the 100th has inputs a hundred times as large."""
    x = np.ones((1 << 10, 1, 1, 1 << 8), np.float32)
    x[..., 99] = 100
    stage = Stage("0", np.ones((2, 1 << 8, 1, 1), np.float32), np.zeros(2, np.float32), function=None)
    assert input_ranges([stage], x, (8,))["0"][8].largest > 90


def test_sums_that_are_too_large_for_float32_are_exact_all_the_same() -> None:
    """2,000 x 127 x 127 is over 2^24: sums of 8-bit codes are compared with integers."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(3, 2000)).astype(np.float32)
    x = np.abs(rng.normal(size=(5, 1, 1, 2000))).astype(np.float32)
    stage = Stage("0", weight[:, :, None, None], np.zeros(3, np.float32), function=None)
    fast = IntegerNetwork([stage], x, {"0": {8: InputRange(2.0)}})
    codes, scale = weight_codes(weight, 8, fitted=True)
    inputs = np.clip(np.rint(x.reshape(5, -1) / np.float32(2 / 127)), -127, 127)
    exact = inputs.astype(np.int64) @ codes.T.astype(np.int64)
    worth = np.float32(2 / 127) * scale
    assert np.array_equal(np.rint(fast.logits({"0": (8, 8)}) / worth), exact)


def test_ranges_cut_off_what_is_seldom() -> None:
    """Codes to 3, one 10 among many 1s: up to 3 the 1s are exact, wider they are not."""
    samples = np.array([1.0] * 1000 + [10.0], np.float32)
    for bits, signed in ((3, True), (2, False)):
        assert fitted_range(samples, bits, signed=signed).largest == pytest.approx(3)
    assert fitted_range(samples, 8, signed=True).largest > 9
    codes, scale = weight_codes(samples[None], 8)
    assert codes.max() == 127
    assert scale[0] == pytest.approx(10 / 127)


def test_accuracy_and_divergence_by_hand() -> None:
    """Odds of 1 : 1 become 3 : 1 in both: ln 1/2 - ln 3/4 and ln 1/2 - ln 1/4, their mean is half of ln 4/3.

    Of the right answers one loses a fourth, one gains it: nothing, and thrice an error of a fourth over the root of 2.
    """
    logits = np.log(np.array([[3, 1], [3, 1]], np.float32))
    before = np.array([[1, 1 - 1e-7], [1 - 1e-7, 1]], np.float32)
    found = quality(logits, np.array([0, 1]), before)
    assert found.accuracy == 0.5
    assert found.lost == pytest.approx(3 * 0.25 / 2**0.5)
    assert found.divergence == pytest.approx(np.log(4 / 3) / 2)


def test_a_difference_is_of_pairs() -> None:
    """1,000 pictures, 30 lost and 10 won: 2 %; the interval by hand, with half a picture of each kind more.

    20 / 1002 = 1.996 %, and 1.96 x sqrt(41 - 400 / 1002) / 1002 = 1.246 %. Of no difference in 10 pictures: 0, and
    1.96 x sqrt(1) / 12 = 16.3 %.
    """
    before = np.zeros(1000, bool)
    after = before.copy()
    before[:500] = after[30:500] = after[500:510] = True
    found = difference(before, after)
    assert (found.lost, found.number) == (0.02, 1000)
    assert found.low == pytest.approx(0.01996 - 0.01246, abs=1e-5)
    assert found.high == pytest.approx(0.01996 + 0.01246, abs=1e-5)
    same = difference(before[:10], before[:10])
    assert same.lost == 0
    assert [same.low, same.high] == pytest.approx([-0.163, 0.163], abs=1e-3)


def test_the_judge_sees_pictures_that_the_search_does_not() -> None:
    """By chance: where classes take turns, both halves have both."""
    stages, images = network()
    halves = Halves(Pictures(stages, images, np.arange(24)), CHOICES)
    both = [halves.searched.labels, halves.others.labels]
    assert [len(each) for each in both] == [12, 12]
    assert sorted(np.concatenate(both)) == list(range(24))
    assert all(set(each % 2) == {0, 1} for each in both)
    halves = Halves(Pictures(stages, images, np.arange(24) % 5), CHOICES)
    eight = ((8, 8),) * 5
    judged = halves.judge(eight, eight)
    assert judged.before == judged.after
    assert judged.lost.lost == 0
    with pytest.raises(ArchsimError, match="found 4 pictures; expected at least 20"):
        Halves(Pictures(stages, images[:4], np.zeros(4, int)), CHOICES)


@pytest.fixture(scope="module")
def resnet(data_dir: Path) -> Pictures:
    folder = data_dir / "cifar10"
    return load_pictures(
        folder / "resnet20.safetensors", folder / "cifar10_test_jpeg_2000.npz", load_model("resnet-20")
    )


def test_resnet_20_loses_little_at_six_bits_and_much_at_three(resnet: Pictures) -> None:
    some = Pictures(resnet.stages, resnet.inputs[:200], resnet.labels[:200])
    measured = Measured(some, input_ranges(some.stages, some.inputs[:50], (3, 6, 8)))
    found = {bits: measured.quality(((bits, bits),) * 20).accuracy for bits in (8, 6, 3)}
    assert found[8] - found[6] < 0.03
    assert found[8] - found[3] > 0.3


@pytest.mark.parametrize(
    ("images", "model", "message"),
    [
        (None, "resnet-32", "is another network than resnet-32|found 20 products; resnet-32 has 32"),
        (
            {"images": np.zeros((3, 8, 8), np.uint8), "labels": np.zeros(3, int)},
            "resnet-20",
            r"expected \(n, height, width, 3\)",
        ),
        ({"x": np.zeros(3)}, "resnet-20", "found x; expected 'images' and 'labels'"),
        (
            {"images": np.zeros((3, 32, 32, 3), np.uint8), "labels": np.array([1, 10, 2])},
            "resnet-20",
            "found labels from 1 to 10; expected 0 to 9",
        ),
        (
            {"images": np.zeros((3, 16, 16, 3), np.uint8), "labels": np.zeros(3, int)},
            "resnet-20",
            "found images of 16 x 16 pixels; resnet-20 expects 32 x 32",
        ),
        (
            {"images": np.zeros((0, 32, 32, 3), np.uint8), "labels": np.zeros(0, int)},
            "resnet-20",
            "found no pictures",
        ),
        ({"images": np.zeros((3, 8, 8, 3)), "labels": np.zeros(3, int)}, "resnet-20", "found images of float64"),
    ],
)
def test_files_that_do_not_fit_are_one_line(
    images: dict[str, Any] | None, model: str, message: str, data_dir: Path, tmp_path: Path
) -> None:
    path = data_dir / "cifar10" / "cifar10_test_jpeg_2000.npz"
    if images is not None:
        path = tmp_path / "images.npz"
        np.savez(path, **images)
    with pytest.raises(ArchsimError, match=message) as caught:
        load_pictures(data_dir / "cifar10" / "resnet20.safetensors", path, load_model(model))
    assert "\n" not in str(caught.value)


def test_what_is_no_archive_is_said(data_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "images.npz"
    path.write_text("no")
    for name, message in ((path, "is no whole .npz file"), (tmp_path / "none.npz", "no such file")):
        with pytest.raises(ArchsimError, match=message):
            load_pictures(data_dir / "cifar10" / "resnet20.safetensors", name, load_model("resnet-20"))
