"""The keys of a transformer's file that describe state-space layers."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from archsim.graph.mechanisms import Layers
from archsim.parts.quantity import Count, Number, Truth

_VALUES_OF_A_RANK = 16
"""Values of a position for each value of which the step sizes are made."""


class StateSpace(BaseModel):
    """Layers with a selective state space in place of attention: Mamba (A. Gu, T. Dao, arXiv:2312.00752).

    Parameters
    ----------
    channels
        Of a layer; twice `hidden`, if not given.
    state
        Numbers that each channel keeps from a position to the next.
    kernel
        Positions under the causal convolution: a position's own and those before it.
    rank
        Values of which the step sizes of all channels are made; a sixteenth of `hidden`, rounded up, if not given.
    conv_bias, bias
        Whether the convolution, and the projections in and out, have a bias. That of the step sizes always has.
    norms
        RMS norms of what step sizes, B and C are made of, each by itself: with trained scales (Jamba), without
        (Falcon Mamba), or none.
    norm_epsilon
        Of these, if not that of the other norms.
    layers
        Those that have a state space, by their numbers from 0 on; all, if not given. The others have attention.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    channels: Count | None = None
    state: Count = 16
    kernel: Count = 4
    rank: Count | None = None
    conv_bias: Truth = True
    bias: Truth = False
    norms: Literal["none", "plain", "scaled"] = "none"
    norm_epsilon: Number | None = None
    layers: Layers | None = None

    @model_validator(mode="after")
    def _norms_are_there(self) -> "StateSpace":
        if self.norm_epsilon is not None and self.norms == "none":
            raise PydanticCustomError("preset", "found 'norm_epsilon', which has a use only with norms", {})
        return self

    def channels_of(self, hidden: int) -> int:
        """Of a layer between positions of so many values."""
        return self.channels or 2 * hidden

    def rank_of(self, hidden: int) -> int:
        """Values of which the step sizes are made."""
        return self.rank or -(-hidden // _VALUES_OF_A_RANK)

    def attends(self, layer: int) -> bool:
        """Whether a layer has attention."""
        return self.layers is not None and layer not in self.layers
