"""Parts of a transformer that some models have: mixtures of experts, latent attention, temperatures of queries."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from archsim.parts.quantity import Count, Number, Truth, Whole

_MOST_LAYERS = 2_000

Layers = Annotated[list[Whole], Field(max_length=_MOST_LAYERS)]
"""Numbers of layers, from 0 on."""


class Mixture(BaseModel):
    """What a mixture of experts has beside their number.

    Parameters
    ----------
    ffn
        Values of an expert's feed-forward part; those of the preset, if not given.
    layers
        Those that have experts; all, if not given. The others have the preset's feed-forward part.
    shared
        Values of one more feed-forward part, which all positions go through; 0: none.
    shared_gate
        Its result is multiplied by the sigmoid of a product with one output.
    scores
        How gates are made of the router's results: a softmax over all experts, or the sigmoid of each.
    router_bias
        The router has a bias.
    choice_bias
        A number of each expert is added to its gate for the choice of experts alone.
    groups, groups_per_token, group_largest
        Experts one after the other are a group; a position's experts are of its `groups_per_token` best groups, by the
        sum of their `group_largest` largest gates.
    scale
        By which gates of chosen experts are multiplied.
    multiply
        What gates multiply: the results of experts, or what comes into them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    ffn: Count | None = None
    layers: Layers | None = None
    shared: Whole = 0
    shared_gate: Truth = False
    scores: Literal["softmax", "sigmoid"] = "softmax"
    router_bias: Truth = False
    choice_bias: Truth = False
    groups: Count = 1
    groups_per_token: Count = 1
    group_largest: Count = 1
    scale: Number = 1.0
    multiply: Literal["results", "inputs"] = "results"

    @property
    def routed(self) -> bool:
        """Whether the choice needs more than the largest gates, or gates more than a sum of 1."""
        return self.choice_bias or self.groups > 1 or self.scale != 1


class Latent(BaseModel):
    """Latent attention: keys and values of all heads are made of one vector of a position (DeepSeek-V2, 2024).

    Parameters
    ----------
    width
        Values of that vector.
    queries
        Values of the vector that queries are made of; if not given, they are one product.
    plain, rotary
        Values of a head's queries and keys that are not turned, and that are; turned keys are the same in all heads.
    values
        Of a head.
    form
        `absorbed`: queries are brought into the latent's space, and the latent and the turned key of a position are
        kept. `expanded`: keys and values of all heads are made once for each position, and kept beside its latent.
    epsilon
        Of the norms of both vectors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    width: Count
    queries: Count | None = None
    plain: Count
    rotary: Count
    values: Count
    form: Literal["absorbed", "expanded"] = "absorbed"
    epsilon: Number = 1e-6


class Temperature(BaseModel):
    """Of queries in layers that do not turn them: times 1 + rise * log(1 + floor((position + 1) / every))."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    every: Number = 8192.0
    rise: Number = 0.1
