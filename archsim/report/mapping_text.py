"""A mapping file's text: `archsim run MACHINE MODEL --mapping FILE` plays it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def mapping_text(machine: str, model: str, note: str, choices: Mapping[str, str]) -> str:
    """Of what was made for a machine and a model; choices: by key of `mapping`, as YAML."""
    lines = [
        "schema: archsim.mapping/1",
        f"machine: {json.dumps(machine)}",
        f"model: {json.dumps(model)}",
        f"note: {json.dumps(note)}",
        "mapping:",
        *(f"  {key}: {value}" for key, value in choices.items()),
    ]
    return "\n".join(lines) + "\n"


def with_settings(command: str, given: Sequence[str]) -> str:
    """A command with settings of the machine, which a mapping file does not hold, for its note."""
    return "".join((command, *(f" --set {setting}" for setting in given)))
