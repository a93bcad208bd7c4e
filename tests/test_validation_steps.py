"""Steps of a chain of convolutions by the formulas of Li et al., by hand, and against all allotments of a small one."""

from itertools import product

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.windows import Window
from archsim.machine import load_machine
from archsim.validation.steps import Convolution, allotted, convolutions, measure, steps

SETS = load_machine("li_crossbars")


def layer(size: int, sets: int, kernel: int = 1, pad: int = 0) -> Convolution:
    window = Window((size, size), (size, size), (kernel, kernel), pad=(pad, pad))
    return Convolution("c", window, Window((size, size), (size, size)), sets)


def test_by_hand() -> None:
    """4 x 4 pixels, 1 x 1 after 1 x 1: by the formulas both keep step, 16 steps; 8 with two copies of both.

    3 x 3 padded by 1: its first product needs row 2 up to the second pixel, 6 products, and keeps step with the sixth:
    16 + 5 = 21 steps. Its tail, a row of 4 steps after all 16, would end sooner.
    """
    pointwise = [layer(4, 1), layer(4, 1)]
    assert steps(pointwise, (1, 1)) == 16
    assert steps(pointwise, (2, 2)) == 8
    assert steps([layer(4, 1), layer(4, 1, 3, 1)], (1, 1)) == 21


def test_alexnet_as_printed() -> None:
    """Sets of 3, 38, 54, 81 and 54 crossbars, all 2,304 of them used; layers end after 29, 38, 40, 43 and 46 steps."""
    layers = convolutions(SETS, load_model("alexnet-ungrouped"))
    assert [each.sets for each in layers] == [3, 38, 54, 81, 54]
    printed = (106, 21, 7, 6, 6)
    assert sum(each.sets * n for each, n in zip(layers, printed, strict=True)) == 2304
    assert [steps(layers[: n + 1], printed[: n + 1]) for n in range(5)] == [29, 38, 40, 43, 46]
    found = allotted(layers, 2304)
    assert sum(each.sets * n for each, n in zip(layers, found, strict=True)) <= 2304
    assert steps(layers, found) == measure(SETS, "alexnet-ungrouped on 2,304 crossbars") == 44


@pytest.mark.parametrize("sets", [6, 9, 14])
def test_no_other_allotment_is_better(sets: int) -> None:
    layers = [layer(4, 1), layer(4, 2, 3, 1), layer(4, 3, 3, 1)]
    every = product(range(1, sets + 1), repeat=3)
    fits = [each for each in every if each[0] + 2 * each[1] + 3 * each[2] <= sets and max(each) <= 16]
    assert steps(layers, allotted(layers, sets)) == min(steps(layers, each) for each in fits)


def test_what_cannot_be() -> None:
    with pytest.raises(ArchsimError, match="230 crossbars hold one copy each"):
        measure(SETS, "alexnet-ungrouped on 100 crossbars")
    with pytest.raises(ArchsimError, match="expected MODEL on N crossbars"):
        measure(SETS, "alexnet-ungrouped on many")
    with pytest.raises(ArchsimError, match="no chain of convolutions"):
        measure(SETS, "mlp-mnist")
