"""`archsim costs`: what the cost models know, and what each says of one part."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = "archsim.estimates/1"
_EXAMPLES = {
    "bits": "8",
    "rate": "1.2GS/s",
    "node": "32nm",
    "size": "64KiB",
    "width": "256b",
    "ports": "4",
    "rows": "128",
    "cols": "128",
    "inputs": "64",
    "length": "1mm",
    "voltage": "0.9V",
}


def _parameters(command: Callable[..., None]) -> Callable[..., None]:
    for name, example in reversed(_EXAMPLES.items()):
        command = click.option(f"--{name}", metavar=example.upper(), help=f"Such as {example}.")(command)
    return command


@click.command("costs", epilog="PART is a class of parts, such as adc; without it the models are listed.")
@click.argument("part", required=False)
@_parameters
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(*, part: str | None, as_json: bool, **given: str | None) -> None:
    """List the models that parts' costs may come from; with a PART, what each says of it, side by side."""
    from archsim.report.costs import estimate_block, model_block
    from archsim.report.tables import write_blocks
    from archsim.result.save import dump

    rows = _listed() if part is None else _estimates(part, {key: text for key, text in given.items() if text})
    if as_json:
        sys.stdout.write(dump({"schema": SCHEMA, "part": part, "models": rows}))
    else:
        write_blocks([model_block(rows) if part is None else estimate_block(rows)], sys.stdout)


def _listed() -> list[dict[str, Any]]:
    from archsim.machine.cost_models import cost_models

    return [
        {
            "part": model.part,
            "model": model.name,
            "range": {key: str(bounds) for key, bounds in model.bounds.items()},
            "source": model.source,
            "text": model.text,
        }
        for model in cost_models()
    ]


def _estimates(part: str, given: dict[str, str]) -> list[dict[str, Any]]:
    """A row for each model of a class of parts: its costs, or why it has none."""
    from archsim import registry
    from archsim.costs.model import PARAMETERS
    from archsim.errors import UsageError, did_you_mean
    from archsim.machine.cost_models import cost_models, models_of
    from archsim.machine.costs import parameter
    from archsim.parts.base import Part
    from archsim.units import UnitError

    known = sorted({model.part for model in cost_models()})
    if part not in known:
        raise UsageError(f"found '{part}', of which no cost model speaks. {did_you_mean(part, known)}")
    models = models_of(registry.part_class(part, Part))
    values: dict[str, float] = {}
    for key, text in given.items():
        if not any(key in model.bounds for model in models.values()):
            takes = did_you_mean(key, [name for name in PARAMETERS if any(name in m.bounds for m in models.values())])
            raise UsageError(f"--{key}: no model of {part} takes it. {takes}")
        try:
            values[key] = parameter(key, f"{text} b" if key == "bits" and text.isdigit() else text)
        except UnitError as error:
            raise UsageError(f"--{key}: {error}") from None
    return [_estimate(model, values) for model in models.values()]


def _estimate(model: Any, values: dict[str, float]) -> dict[str, Any]:  # noqa: ANN401 - a Model, imported late
    usual = {key: bounds.usual.value for key, bounds in model.bounds.items() if bounds.usual is not None}
    own = {key: value for key, value in (usual | values).items() if key in model.bounds}
    missing = [f"--{key}" for key in model.bounds if key not in own]
    outside = [f"{key} {bounds}" for key, bounds in model.outside(own)] if not missing else []
    why = f"needs {', '.join(missing)}" if missing else f"holds for {', '.join(outside)}" if outside else None
    found = model.estimate(own) if why is None else None
    return {
        "model": model.name,
        "energy_j": found and found.energy,
        "area_m2": found and found.area,
        "leakage_w": found and found.leakage,
        "source": model.source,
        "text": model.text,
        "why_not": why,
    }
