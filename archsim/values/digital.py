"""Products of which digital units compute some output channels, or all: side by side with those in arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError, Fault, did_you_mean
from archsim.mapping.digital import digital_channels, named_share
from archsim.values.arithmetic import FloatArithmetic

if TYPE_CHECKING:
    from collections.abc import Callable

    from archsim.machine.machine import Machine
    from archsim.values.arithmetic import Arithmetic, Product, Values

    Linear = Callable[[str, Values, Values | None], Product]


def beside(machine: Machine, key: str, weight: Values, bias: Values | None, arrays: Linear, units: Linear) -> Product:
    """The product with weights (out, in), of which the machine's file may give the last channels to digital units.

    arrays, units: what makes a product of each.
    """
    share = named_share(machine, key)
    if share is None:
        return arrays(key, weight, bias)
    kept = len(weight) - digital_channels(share, len(weight))
    if not kept:
        return units(key, weight, bias)
    first = arrays(key, weight[:kept], None if bias is None else bias[:kept])
    last = units(key, weight[kept:], None if bias is None else bias[kept:])
    return lambda x: np.concatenate([first(x), last(x)], axis=1)


class _Names(FloatArithmetic):
    """Hears the names of a model's projections."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        """Nothing is computed by it."""
        self.heard.append(key)
        return super().linear(key, weight, bias)


def require_names(machine: Machine, make: Callable[[Arithmetic], object]) -> None:
    """Raise ArchsimError for names in `mapping.digital` and `bits` that a model does not have; `make` prepares it."""
    given = [("digital", name) for name in machine.choices.digital] + [("bits", name) for name in machine.choices.bits]
    if not given:
        return
    names = _Names()
    make(names)
    known = {each: None for key in names.heard for each in (key, key.rpartition("/")[0])}
    faults = [
        Fault(
            f"mapping.{choice}.{name}: the model has no such projection. {did_you_mean(name, known)}",
            machine.document.key_place(("mapping", choice, name)),
        )
        for choice, name in given
        if name not in known
    ]
    if faults:
        raise ArchsimError(*faults)
