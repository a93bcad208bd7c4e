"""The cheapest choice that leaves little harm, as an integer program (HiGHS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.errors import ArchsimError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_TIE = 1e-3
"""Of the longest: so little does the sum count beside it, so that of equally long choices the smaller is taken.

HiGHS takes what is within a ten-thousandth of the best: of less it would not choose by it."""
_INFEASIBLE = 2
"""What `scipy.optimize.milp` says of limits that cannot all be kept."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A share of the unit number `owner`: the harm that is left, what it costs, how long digital units are busy.

    bits: of weights in their memory.
    """

    owner: int
    share: float
    harm: float
    cost: float
    busy: float
    bits: int


def cheapest(offers: Sequence[Offer], most: float, room: int, start: float | None = None) -> list[float] | None:
    """A share for each owner, with at most so much harm in all, and bits that have room; None where there is none.

    Costs add up; or, where `start` is given, the larger of two is made least: `start` with all costs, and the sum of
    what is busy, since what digital units do, they do one after another. Raises ArchsimError, UsageError.
    """
    try:
        from scipy.optimize import Bounds, milp
    except ImportError:
        raise UsageError("choosing by an integer program needs SciPy: pip install 'archsim[scipy]'") from None
    costs, busy = (np.array([getattr(each, name) for each in offers]) for name in ("cost", "busy"))
    scale = max(float(np.abs(costs).max()), float(busy.max()), start or 0.0) or 1.0
    costs, busy = costs / scale, busy / scale
    number = len(offers)
    aim = costs if start is None else np.append(busy * _TIE, 1.0)
    found = milp(
        aim,
        constraints=_limits(offers, most, room, None if start is None else (costs, busy, start / scale)),
        integrality=np.append(np.ones(number), [0] * (len(aim) - number)),
        bounds=Bounds(0, np.append(np.ones(number), [np.inf] * (len(aim) - number))),
    )
    if found.status == _INFEASIBLE:
        return None
    if found.x is None:
        raise ArchsimError(f"the integer program found no choice ({found.message})")
    return [each.share for each, chosen in zip(offers, found.x, strict=False) if round(chosen)]


def _limits(
    offers: Sequence[Offer],
    most: float,
    room: int,
    longest: tuple[NDArray[np.float64], NDArray[np.float64], float] | None,
) -> list[Any]:
    """One share each; little harm; room for all; and, of the last variable, that it is no less than either time."""
    from scipy.optimize import LinearConstraint

    owner = np.array([each.owner for each in offers])
    harm, bits = (np.array([getattr(each, name) for each in offers], float) for name in ("harm", "bits"))
    one = (owner[None, :] == np.unique(owner)[:, None]).astype(float)
    more = np.zeros(1 if longest else 0)

    def row(values: NDArray[np.float64], last: float = 0.0) -> NDArray[np.float64]:
        return np.append(values, more + last)[None, :]

    limits = [
        LinearConstraint(np.hstack([one, np.zeros((len(one), len(more)))]), 1, 1),
        LinearConstraint(row(harm / (most or 1.0)), -np.inf, 1.0 if most else 0.0),
        LinearConstraint(row(bits / (room or 1)), -np.inf, 1.0 if room else 0.0),
    ]
    if longest is not None:
        costs, busy, start = longest
        limits += [LinearConstraint(row(costs, -1.0), -np.inf, -start), LinearConstraint(row(busy, -1.0), -np.inf, 0.0)]
    return limits
