"""Names in a file's mapping against those of a model's products: what a run would refuse is refused on values too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archsim.errors import ArchsimError, Fault, did_you_mean
from archsim.mapping.digital import digital_channels, named_share
from archsim.values.arithmetic import FloatArithmetic

if TYPE_CHECKING:
    from collections.abc import Callable

    from archsim.machine.machine import Machine
    from archsim.values.arithmetic import Arithmetic, Product, Values


class _Names(FloatArithmetic):
    """Hears the names of a model's projections."""

    def __init__(self) -> None:
        self.heard: dict[str, int] = {}
        """Output channels by key."""

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        """Nothing is computed by it."""
        self.heard[key] = len(weight)
        return super().linear(key, weight, bias)


def require_names(machine: Machine, make: Callable[[Arithmetic], object]) -> None:
    """Raise ArchsimError for names in `mapping.digital`, `bits` and `copies` that a run would refuse too.

    They are names that a model does not have, and copies of what is not in arrays; `make` prepares the model.
    """
    choices = machine.choices
    given = [(of, name) for of in ("digital", "bits", "copies") for name in getattr(choices, of)]
    if not given:
        return
    names = _Names()
    make(names)
    known: dict[str, list[str]] = {}
    for key in names.heard:
        for name in {key, key.rpartition("/")[0]}:
            known.setdefault(name, []).append(key)
    faults = []
    for choice, name in given:
        if name not in known:
            wrong = f"the model has no such projection. {did_you_mean(name, known)}"
        elif choice == "copies" and all(_digital(machine, key, names.heard[key]) for key in known[name]):
            wrong = "has no weights in arrays, so no copies of them"
        else:
            continue
        place = machine.document.key_place(("mapping", choice, name))
        faults.append(Fault(f"mapping.{choice}.{name}: {wrong}", place))
    if faults:
        raise ArchsimError(*faults)


def _digital(machine: Machine, key: str, channels: int) -> bool:
    """Whether digital units compute all of its output channels."""
    share = named_share(machine, key)
    return share is not None and digital_channels(share, channels) == channels
