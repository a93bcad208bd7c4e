"""Products of which digital units compute some output channels, or all: side by side with those in arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.mapping.digital import digital_channels, named_share
from archsim.values.arithmetic import node_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from archsim.machine.machine import Machine
    from archsim.values.arithmetic import Product, Values

    Linear = Callable[[str, Values, Values | None], Product]


def beside(machine: Machine, key: str, weight: Values, bias: Values | None, arrays: Linear, units: Linear) -> Product:
    """The product with weights (out, in), of which the machine's file may give the last channels to digital units.

    arrays, units: what makes a product of each.
    """
    share = named_share(machine, node_of(key))
    if share is None:
        return arrays(key, weight, bias)
    kept = len(weight) - digital_channels(share, len(weight))
    if not kept:
        return units(key, weight, bias)
    first = arrays(key, weight[:kept], None if bias is None else bias[:kept])
    last = units(key, weight[kept:], None if bias is None else bias[kept:])
    return lambda x: np.concatenate([first(x), last(x)], axis=1)
