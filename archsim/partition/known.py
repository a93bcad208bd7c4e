"""A profile that was made before: whether it is whole, and of this machine, model and text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archsim.graph.graph import Graph
    from archsim.machine.machine import Machine
    from archsim.profile.replay import Losses

_ALIKE = 1e-4
"""Nats a token: what another order of additions may change."""


def require_profile(profile: Mapping[str, Any], machine: Machine, graph: Graph) -> None:
    """Raise ArchsimError for data that lack what a choice needs, and for those of something else."""
    try:
        kept = profile["seeds"], profile["machine"], profile["machine_digest"], profile["model"]
        sensitive = {row["key"]: row["delta_nll"]["mean"] + 0.0 for row in profile["projections"]}
        _ = profile["tokens"] + 0, profile["baseline"]["nll"] + 0.0  # numbers, not their texts
    except (KeyError, TypeError, ValueError) as error:
        raise ArchsimError(
            f"the profile is not whole ({error}); expected what `archsim profile --out` writes"
        ) from None
    seeds, name, digest, model = kept
    if type(seeds) is not int or seeds < 1:
        raise ArchsimError(f"the profile has {seeds!r} seeds; expected a whole number")
    if digest != machine.digest:
        other = f"another machine, {name}" if name != machine.name else f"{name} with other settings"
        raise ArchsimError(f"the profile is of {other}; expected {machine.name} as it is here. Make it anew")
    if len(sensitive) < len(profile["projections"]):
        raise ArchsimError("the profile is not whole (a projection stands there twice)")
    keys = [linear.key for linear in graph.linears]
    apart = [key for key in keys if key not in sensitive] + [key for key in sensitive if key not in keys]
    if apart or graph.name not in (model, Path(str(model)).stem):
        found = f": {apart[0]} is in one alone" if apart else ""
        raise ArchsimError(f"the profile is of {model}; expected one of {graph.name}{found}")


def require_text(profile: Mapping[str, Any], losses: Losses) -> None:
    """Raise ArchsimError where the losses (tokens,), in float, are those of another text than the profile's."""
    tokens, nll = profile["tokens"], profile["baseline"]["nll"]
    if tokens != len(losses) or abs(nll - losses.mean()) > _ALIKE:
        found = f"{tokens} predicted tokens, {nll:.4f} nats each; here are {len(losses)}, {losses.mean():.4f}"
        raise ArchsimError(f"the profile is of another text: {found}. Take its text and --limit, or make it anew")
