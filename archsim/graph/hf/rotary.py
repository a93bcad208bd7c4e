"""Rotary positions as a config says them: the base, the share of a head, and how frequencies are scaled."""

from math import inf, log, sqrt
from typing import Any

SCALINGS = ("default", "linear", "dynamic", "llama3", "yarn", "longrope", "su")
"""Kinds of `rope_scaling` whose values are known. `su` is the first name of longrope."""
_NOTHING = (None, "", "null")


def rotary_scaling(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """By which rule a config has rotary positions scaled, and its numbers; newer ones have the base among them.

    Of a config with numbers for each type of layer, those of the layers that see all.
    """
    given = [data[key] for key in ("rope_scaling", "rope_parameters") if isinstance(data.get(key), dict)]
    numbers: dict[str, Any] = given[0] if given else {}
    if isinstance(numbers.get("full_attention"), dict):
        numbers = numbers["full_attention"]
    return str(numbers.get("rope_type", numbers.get("type", "default"))), numbers


def trained_positions(data: dict[str, Any]) -> str:
    """Positions that a model with scaled frequencies was first trained on."""
    _, numbers = rotary_scaling(data)
    for given in (numbers, data):
        if given.get("original_max_position_embeddings") not in _NOTHING:
            return str(given["original_max_position_embeddings"])
    return str(data.get("max_position_embeddings", "1"))


def set_rotary(data: dict[str, Any], made: dict[str, Any]) -> None:
    """Keys of a model file whose positions are rotary. Wrong numbers are found when its sizes are checked."""
    kind, numbers = rotary_scaling(data)
    share = str(numbers.get("partial_rotary_factor", made.pop("rotary_share", "")))
    made.pop("rotary_share", None)
    values = _head_values(made)
    if values and share not in _NOTHING:
        made["rotary_values"] = str(int(number(share) * values)) if 0 < number(share) < inf else share
    if numbers.get("rope_theta") not in _NOTHING:
        made["rotary_base"] = numbers["rope_theta"]
    local = data.get("rope_parameters")
    local = local.get("sliding_attention") if isinstance(local, dict) else None
    if isinstance(local, dict) and local.get("rope_theta") not in _NOTHING and "window" in made:
        made["window_rotary_base"] = local["rope_theta"]
    scaling = _SCALED[kind](data, numbers) if kind in _SCALED else {}
    made |= {f"rotary_scaling.{key}": value for key, value in scaling.items()}


def _head_values(made: dict[str, Any]) -> int:
    hidden, heads, size = (str(made.get(key, "")) for key in ("hidden", "heads", "head_dim"))
    if size.isdigit():
        return int(size)
    return int(hidden) // int(heads) if hidden.isdigit() and heads.isdigit() and int(heads) else 0


def _linear(data: dict[str, Any], numbers: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - as all are called
    return {"kind": "linear", "factor": numbers.get("factor", "1")}


def _llama3(data: dict[str, Any], numbers: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    return {
        "kind": "llama3",
        "factor": numbers.get("factor", "8"),
        "low": numbers.get("low_freq_factor", "1"),
        "high": numbers.get("high_freq_factor", "4"),
        "positions": numbers.get("original_max_position_embeddings", "8192"),
    }


def _yarn(data: dict[str, Any], numbers: dict[str, Any]) -> dict[str, Any]:
    factor = _factor(data, numbers)
    scales = [number(numbers.get(key)) for key in ("mscale", "mscale_all_dim")]
    one, other = scales if all(scales) else (1.0, 0.0)
    magnitude = _magnitude_of_yarn(factor, one) / _magnitude_of_yarn(factor, other)
    return {
        "kind": "yarn",
        "factor": str(factor),
        "low": str(number(numbers.get("beta_slow")) or 1.0),
        "high": str(number(numbers.get("beta_fast")) or 32.0),
        "positions": trained_positions(data),
        "whole_pairs": str(numbers.get("truncate", "true")),
        "magnitude": str(number(numbers.get("attention_factor")) or magnitude),
    }


def _magnitude_of_yarn(factor: float, scale: float) -> float:
    return 0.1 * scale * log(factor) + 1 if factor > 1 else 1.0


def _longrope(data: dict[str, Any], numbers: dict[str, Any]) -> dict[str, Any]:
    """With the factors of sequences that are no longer than those of the training."""
    factor, positions = _factor(data, numbers), number(trained_positions(data))
    magnitude = sqrt(1 + log(factor) / log(positions)) if factor > 1 and positions > 1 else 1.0
    return {
        "kind": "longrope",
        "factors": numbers.get("short_factor", []),
        "magnitude": str(number(numbers.get("attention_factor")) or magnitude),
    }


def _factor(data: dict[str, Any], numbers: dict[str, Any]) -> float:
    """By how much sequences may be longer than those of the training."""
    longest, trained = number(data.get("max_position_embeddings")), number(trained_positions(data))
    ratio = longest / trained if longest and trained else 1.0
    return number(numbers.get("factor")) or ratio


def number(given: object) -> float:
    """What a config says as a number; 0 for what is absent or none."""
    try:
        return float(str(given))
    except ValueError:
        return 0.0


_SCALED = {"linear": _linear, "llama3": _llama3, "yarn": _yarn, "longrope": _longrope, "su": _longrope}
"""`default` needs nothing; `dynamic` is the same up to the positions that a config says."""
