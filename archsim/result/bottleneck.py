"""What bounds a run, in a sentence."""

from collections.abc import Mapping

_NAMED = 3
_WORTH_NAMING = 0.1


def bottleneck(by_part: Mapping[str, float], in_operators: Mapping[str, Mapping[str, float]]) -> str:
    """Name the part that the critical path spends most time in, and for which operators.

    by_part: seconds on the critical path; in_operators: the same by operator.
    """
    whole = sum(by_part.values())
    if not whole:
        return "nothing takes time"
    part = max(by_part, key=lambda name: by_part[name])
    of_part = {operator: parts.get(part, 0.0) for operator, parts in in_operators.items()}
    largest = sorted(of_part.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{name} {time / whole:.0%}" for name, time in largest[:_NAMED] if time >= _WORTH_NAMING * by_part[part]]
    second = next((name for name in sorted(by_part, key=lambda name: -by_part[name]) if name != part), None)
    sentence = f"{part} takes {by_part[part] / whole:.0%} of the critical path ({', '.join(named)})"
    return sentence if second is None else f"{sentence}; next is {second} with {by_part[second] / whole:.0%}"
