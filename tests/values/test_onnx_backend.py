"""The onnx package's own test cases, with inputs and outputs: what is accepted is right, the rest is refused."""

from collections import Counter
from collections.abc import Sequence

import pytest

from scripts.onnx_backend import KINDS, Result, run, run_all, single_operators, stored

RIGHT = {"node": 1705, "pytorch-converted": 74, "pytorch-operator": 28, "simple": 8, "light": 9}
"""At least so many are right."""
FEW = 3
"""Of single operators, every so many-th is run by default."""


def require_right(results: Sequence[Result], least: int) -> None:
    wrong = [f"{each.case.name}: {each.state}: {each.why}" for each in results if each.state in ("wrong", "crash")]
    assert not wrong, "\n".join(wrong)
    silent = [each.case.name for each in results if each.state == "refused" and not each.why.strip()]
    assert not silent
    assert Counter(each.state for each in results)["right"] >= least


def test_some_single_operators() -> None:
    results = run_all(single_operators(quick=True)[::FEW])
    require_right(results, RIGHT["node"] // FEW * 9 // 10)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_all(kind: str) -> None:
    require_right(run_all(single_operators() if kind == "node" else stored(kind)), RIGHT[kind])


@pytest.mark.parametrize("kind", ["pytorch-operator", "simple"])
def test_small_models(kind: str) -> None:
    require_right(run_all(stored(kind)), RIGHT[kind])


def test_a_whole_network() -> None:
    network = next(case for case in stored("light") if "squeezenet" in case.name)
    require_right([run(network)], 1)
