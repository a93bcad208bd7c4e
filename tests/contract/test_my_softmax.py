"""A user's unit that does a whole softmax as one step, and a recipe that uses it."""

from typing import ClassVar

from archsim import load_machine, load_model
from archsim.parts.base import Action, Part, Place
from archsim.parts.quantity import Count
from archsim.testing import check_part
from tests.lowering.runs import counts, run


class SoftmaxUnit(Part):
    """`lanes` values side by side, each evaluated once. Actions: evaluate. Steps: softmax."""

    place: ClassVar[Place] = "compute"
    actions: ClassVar[tuple[str, ...]] = ("evaluate",)
    steps: ClassVar[dict[str, str]] = {"softmax": "evaluate"}

    lanes: Count
    evaluate: Action

    @property
    def parallel(self) -> int:
        """Lanes."""
        return self.lanes


SETTINGS = [
    "parts.soft={class: tests.contract.test_my_softmax:SoftmaxUnit, lanes: 16, evaluate: {interval: 1 ns}}",
    "parts.soft.power=1 mW",
    "modules.digital.parts.soft=1",
    "recipes.softmax=[{softmax: soft}]",
]


def test_it_keeps_the_contract() -> None:
    check_part(load_machine("isaac", SETTINGS).parts["soft"])


def test_a_run_counts_every_value_once() -> None:
    """12 layers, 4 positions, 12 heads, 4 keys."""
    found = counts(run(load_machine("isaac", SETTINGS), load_model("bert-base"), 4))
    assert found["digital.soft.evaluate"] == 12 * 4 * 12 * 4
