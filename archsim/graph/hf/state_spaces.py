"""State-space layers of configs: their channels, and which layers have attention, or a mixture of experts, instead."""

from typing import Any

from archsim.errors import ArchsimError, Fault
from archsim.machine.source import Document

_MOST_LAYERS = 2_000
_EXPAND = "state_space.expand"


def set_state_space(document: Document, data: dict[str, Any], made: dict[str, Any], origin: dict[str, str]) -> None:
    """What follows from other keys. Raises ArchsimError for an offset that is no layer of its period."""
    expand = str(made.pop(_EXPAND, ""))
    if expand and "state_space.channels" not in made:
        made["state_space.channels"] = _product(expand, str(made["hidden"]))
        origin["state_space.channels"] = origin.get(_EXPAND, "")
    origin.pop(_EXPAND, None)
    if str(made.get("state_space.rank")) == "auto":
        del made["state_space.rank"]
    layers = str(made["layers"])
    if "heads" not in made or not layers.isdigit() or int(layers) > _MOST_LAYERS:
        return  # no layer has attention; or sizes are refused with the others
    attention = _periodic(document, data, "attn_layer", "8 4", int(layers))
    if not attention:
        for key in ("heads", "kv_heads", "head_dim"):
            made.pop(key, None)
    made["state_space.layers"] = [str(layer) for layer in range(int(layers)) if layer not in attention]
    if str(made["experts"]) == "1":
        del made["experts_per_token"]
    else:
        made["expert_layers"] = [str(layer) for layer in _periodic(document, data, "expert_layer", "2 1", int(layers))]


def _product(factor: str, size: str) -> str:
    """Rounded down; where one is no number, the first of them, which is refused with the other sizes."""
    try:
        return str(int(float(factor) * int(size)))
    except (ValueError, OverflowError):
        return factor if size.isdigit() else size


def _periodic(document: Document, data: dict[str, Any], key: str, usual: str, layers: int) -> list[int]:
    """One layer of each period, by its offset. usual: period and offset, where a config does not say."""
    names = (f"{key}_period", f"{key}_offset")
    period, offset = (str(data.get(name, default)) for name, default in zip(names, usual.split(), strict=True))
    if not (period.isdigit() and offset.isdigit() and int(offset) < int(period)):
        found = f"found {names[0]} {period} and {names[1]} {offset}; expected a smaller offset, whole numbers"
        raise ArchsimError(Fault(found, document.place((names[1] if names[1] in data else names[0],))))
    return list(range(int(offset), layers, int(period)))
