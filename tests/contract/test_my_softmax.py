"""A user's unit that does a whole softmax as one step, or a step of its own, and recipes that use it."""

from typing import ClassVar

from archsim import load_machine, load_model
from archsim.parts.base import Action, Part, Place
from archsim.parts.quantity import Count
from archsim.steps.proof import fault
from archsim.testing import check_part
from tests.lowering.runs import counts, run


class SoftmaxUnit(Part):
    """`lanes` values side by side, each evaluated once. Actions: evaluate. Steps: softmax; power_of_two."""

    place: ClassVar[Place] = "compute"
    actions: ClassVar[tuple[str, ...]] = ("evaluate",)
    steps: ClassVar[dict[str, str]] = {"softmax": "evaluate", "power_of_two": "evaluate"}

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


def test_a_step_of_the_operators_name_computes_it() -> None:
    assert fault("softmax", ["softmax"]) is None
    assert fault("gelu", ["softmax"]) is not None


def test_a_word_of_its_own_takes_part_in_a_recipe() -> None:
    """Nobody knows what it computes, so the recipe is not proven; rows of 4 keys: 4 powers, 4 sums, 1 over it, 4."""
    recipe = (
        "recipes.softmax=[power_of_two: soft, sum: vector, reciprocal: vector,"
        " multiply power_of_two reciprocal: vector]"
    )
    bert = load_model("bert-base")
    own, usual = (
        counts(run(load_machine("isaac", [*SETTINGS[:3], softmax]), bert, 4))
        for softmax in (recipe, "recipes.softmax=[exp: vector, sum: vector, reciprocal: vector, multiply: vector]")
    )
    rows = 12 * 4 * 12
    assert own["digital.soft.evaluate"] == rows * 4
    assert own["digital.vector.linear"] == usual["digital.vector.linear"]
    assert usual["digital.vector.special"] - own["digital.vector.special"] == rows * 4
