"""archsim's own parts pass the contract that a user's must pass."""

import pytest

from archsim import registry
from archsim.machine import load_machine
from archsim.parts.base import Action, Part
from archsim.testing import check_bursts, check_class, check_costs, check_part, check_power
from tests.lowering.test_dynamic import RACE, WRITTEN

NAMES = ("isaac", "nl_dpe", "race_it", "retransformer_flex", "eyeriss_flex")
MACHINES = [*map(load_machine, NAMES), load_machine("isaac", WRITTEN), load_machine("isaac", RACE)]
PARTS = {f"{machine.name} {name}": part for machine in MACHINES for name, part in machine.parts.items()}


@pytest.mark.parametrize("name", PARTS)
def test_every_part_of_every_machine(name: str) -> None:
    check_part(PARTS[name])


@pytest.mark.parametrize("name", registry.known())
def test_every_registered_class(name: str) -> None:
    check_class(registry.part_class(name, Part))


class Slow(Part):
    """A part whose costs a test can break."""

    place = "convert"
    actions = ("convert",)
    convert: Action


class Forgetful(Slow):
    """Counts too little."""

    def burst(self, action: str, number: int, units: int = 1, *, counted: int | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
        """One fewer."""
        return super().burst(action, max(1, number - 1), units, counted=counted)


class Leaky(Slow):
    """Leaks less than nothing."""

    def static_power(self):  # type: ignore[no-untyped-def]  # noqa: ANN201
        """Negative."""
        return -1


class Fickle(Slow):
    """Never says the same twice."""

    def cost(self, action: str):  # type: ignore[no-untyped-def]  # noqa: ANN201
        """An energy that is no whole number."""
        found = super().cost(action)
        return type(found)(found.latency, found.interval, 0.5, found.derivation)  # type: ignore[arg-type]


class Lost(Slow):
    """Stands nowhere."""

    place = "nowhere"  # type: ignore[assignment]


def test_broken_parts_do_not_pass() -> None:
    given = {"convert": {"interval": "1 ns", "energy": "1 pJ"}}
    with pytest.raises(AssertionError, match="2 asked for, 1 counted"):
        check_bursts(Forgetful.model_validate(given))
    with pytest.raises(AssertionError, match="static power is negative"):
        check_power(Leaky.model_validate(given))
    with pytest.raises(AssertionError, match="no whole number of zeptojoules"):
        check_costs(Fickle.model_validate(given))
    with pytest.raises(AssertionError, match="nowhere"):
        check_class(Lost)
