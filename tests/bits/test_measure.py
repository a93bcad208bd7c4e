"""Accuracy under bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from archsim.bits.judge import Halves
from archsim.bits.measure import Measured, difference, quality
from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.load import build
from archsim.machine.source import parse
from archsim.values.arithmetic import node_of, of_group
from archsim.values.integers import IntegerNetwork, input_ranges
from archsim.values.pictures import Pictures, load_pictures
from archsim.values.quantised import QuantisedArithmetic
from archsim.values.ranges import InputRange, fitted_range, weight_codes

if TYPE_CHECKING:
    from pathlib import Path

    from archsim.graph import Graph
    from archsim.values.arithmetic import Values

    Weights = dict[str, Values]
CHOICES = (2, 3, 5, 8)


NETWORK = """
schema: archsim.network/1
name: small
input: [3, 8, 8]
layers:
  - conv: {out: 4, kernel: 3, pad: 1}
  - relu
  - residual:
      main:
        - conv: {out: 4, kernel: 3, pad: 1}
        - relu
        - conv: {out: 6, kernel: 3, stride: 2, pad: 1}
      shortcut: [skip: {out: 6, stride: 2}]
      then: relu
  - conv: {out: 6, kernel: 3, pad: 1, groups: 2}
  - globalpool
  - linear: {out: 5}
"""
KEYS = ("1 conv/product", "2 conv/product", "3 conv/product", "4 conv/product", "5 linear/product")


def described(text: str) -> Graph:
    return build(parse(text, "small.yaml"))


def drawn(graph: Graph, seed: int = 0) -> Weights:
    rng = np.random.default_rng(seed)
    return {
        name: (rng.normal(size=each.shape) / np.prod(each.shape[1:]) ** 0.5).astype(np.float32)
        for name, each in graph.weights.items()
    }


def network() -> tuple[Graph, Weights, Values]:
    """Four convolutions, of which one is of groups, with a shortcut that skips pixels; 24 pictures of 8 x 8."""
    graph = described(NETWORK)
    return graph, drawn(graph), np.random.default_rng(5).normal(size=(24, 3, 8, 8)).astype(np.float32)


def single(inputs: int, weight: Values) -> tuple[Graph, Weights]:
    """A product alone."""
    layers = f"input: {inputs}\nlayers: [linear: {{out: {len(weight)}, bias: false}}]"
    return described(f"schema: archsim.network/1\nname: one\n{layers}\n"), {"1 linear/product.weight": weight}


def slow(graph: Graph, arrays: Weights, images: Values, choice: dict[str, tuple[int, int]]) -> Values:
    """By `QuantisedArithmetic`, to which products of groups are products of their own."""
    ranges = input_ranges(graph, arrays, images, CHOICES)
    keys = {key: node_of(key) for key in (*KEYS, *(of_group(KEYS[3], group) for group in (0, 1)))}
    bits = {key: choice[own] for key, own in keys.items()}
    spans = {key: ranges[own][choice[own][1]] for key, own in keys.items()}
    return Pictures(graph, arrays, images, np.zeros(24, int)).logits(QuantisedArithmetic(bits=bits, ranges=spans))


@pytest.mark.parametrize("memory", [1 << 30, 40_000, 0])
def test_fast_integers_are_those_of_the_arithmetic(memory: int) -> None:
    """Whatever changes from run to run, and however much is kept: each run is as if it were the first."""
    graph, arrays, images = network()
    fast = IntegerNetwork(graph, arrays, images, input_ranges(graph, arrays, images, CHOICES), memory=memory)
    rng = np.random.default_rng(1)
    choice = dict.fromkeys(KEYS, (8, 8))
    for step in range(8):
        found = fast.logits(choice)
        assert np.allclose(found, slow(graph, arrays, images, choice), atol=1e-4), step
        for key in rng.choice(KEYS, size=step % 3, replace=False):
            choice[str(key)] = (int(rng.choice(CHOICES)), int(rng.choice(CHOICES)))


def test_a_run_that_fails_leaves_nothing_behind() -> None:
    graph, arrays, images = network()
    ranges = input_ranges(graph, arrays, images, CHOICES)
    eight = dict.fromkeys(KEYS, (8, 8))
    fast = IntegerNetwork(graph, arrays, images, ranges)
    fast.logits(eight)
    with pytest.raises(KeyError):
        fast.logits(eight | {KEYS[1]: (5, 5), KEYS[3]: (8, 4)})  # no range was asked for with 4 bits
    found = fast.logits(eight | {KEYS[1]: (5, 5)})
    assert np.array_equal(found, IntegerNetwork(graph, arrays, images, ranges).logits(eight | {KEYS[1]: (5, 5)}))


def test_samples_of_inputs_are_of_all_columns() -> None:
    """In equal strides they would be of a fourth of the columns here; the 100th has inputs a hundred times as large."""
    x = np.ones((1 << 10, 1 << 8), np.float32)
    x[..., 99] = 100
    graph, arrays = single(1 << 8, np.ones((2, 1 << 8), np.float32))
    assert input_ranges(graph, arrays, x, (8,))["1 linear/product"][8].largest > 90


def test_ranges_know_whether_inputs_are_negative() -> None:
    """Of pictures they are; of what a ReLU gives, and of its mean, they are not; a shortcut goes round one."""
    graph, arrays, images = network()
    ranges = input_ranges(graph, arrays, images, (8,))
    assert [ranges[key][8].signed for key in KEYS] == [True, False, False, False, True]


def test_sums_that_are_too_large_for_float32_are_exact_all_the_same() -> None:
    """2,000 x 127 x 127 is over 2^24: sums of 8-bit codes are compared with integers."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(3, 2000)).astype(np.float32)
    x = np.abs(rng.normal(size=(5, 2000))).astype(np.float32)
    fast = IntegerNetwork(*single(2000, weight), x, {"1 linear/product": {8: InputRange(2.0)}})
    codes, scale = weight_codes(weight, 8, fitted=True)
    inputs = np.clip(np.rint(x / np.float32(2 / 127)), -127, 127)
    exact = inputs.astype(np.int64) @ codes.T.astype(np.int64)
    worth = np.float32(2 / 127) * scale
    assert np.array_equal(np.rint(fast.logits({"1 linear/product": (8, 8)}) / worth), exact)


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
    graph, arrays, images = network()
    halves = Halves(Pictures(graph, arrays, images, np.arange(24)), CHOICES)
    both = [halves.searched.labels, halves.others.labels]
    assert [len(each) for each in both] == [12, 12]
    assert sorted(np.concatenate(both)) == list(range(24))
    assert all(set(each % 2) == {0, 1} for each in both)
    halves = Halves(Pictures(graph, arrays, images, np.arange(24) % 5), CHOICES)
    eight = ((8, 8),) * 5
    judged = halves.judge(eight, eight)
    assert judged.before == judged.after
    assert judged.lost.lost == 0
    with pytest.raises(ArchsimError, match="found 4 pictures; expected at least 20"):
        Halves(Pictures(graph, arrays, images[:4], np.zeros(4, int)), CHOICES)


@pytest.fixture(scope="module")
def resnet(data_dir: Path) -> Pictures:
    folder = data_dir / "cifar10"
    return load_pictures(
        folder / "resnet20.safetensors", folder / "cifar10_test_jpeg_2000.npz", load_model("resnet-20")
    )


def test_resnet_20_loses_little_at_six_bits_and_much_at_three(resnet: Pictures) -> None:
    some = resnet.first(200)
    measured = Measured(some, input_ranges(some.graph, some.arrays, some.inputs[:50], (3, 6, 8)))
    found = {bits: measured.quality(((bits, bits),) * 20).accuracy for bits in (8, 6, 3)}
    assert found[8] - found[6] < 0.03
    assert found[8] - found[3] > 0.3


@pytest.mark.parametrize(
    ("images", "model", "message"),
    [
        (None, "resnet-32", "is another network than resnet-32; found"),
        (
            {"images": np.zeros((3, 8, 8), np.uint8), "labels": np.zeros(3, int)},
            "resnet-20",
            r"images of the shape \(3, 8, 8\); resnet-20 expects \(n, 32, 32, 3\)",
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
            r"of the shape \(3, 16, 16, 3\); resnet-20 expects \(n, 32, 32, 3\)",
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
