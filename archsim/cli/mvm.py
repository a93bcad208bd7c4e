"""`archsim mvm`: one product of a matrix and vectors in a machine's arrays, against the exact one."""

import sys
from typing import Any

import click

from archsim.cli.options import json_option, settings_option
from archsim.cli.values import whole

_MOST = 1 << 14


@click.command("mvm", epilog="MACHINE is a name that archsim knows, or a file.")
@click.argument("machine")
@click.option("--rows", metavar="N", default="128", show_default=True, callback=whole(_MOST), help="Inputs.")
@click.option("--cols", metavar="N", default="128", show_default=True, callback=whole(_MOST), help="Outputs.")
@click.option("--batch", metavar="N", default="64", show_default=True, callback=whole(_MOST), help="Input vectors.")
@click.option("--seed", metavar="N", default="1", show_default=True, callback=whole(1 << 30), help="Of all draws.")
@settings_option
@json_option
def command(
    *, machine: str, rows: int, cols: int, batch: int, seed: int, settings: tuple[str, ...], as_json: bool
) -> None:
    """Multiply random signed weights and inputs in MACHINE's arrays, and print how far the result is off."""
    from archsim.machine import load_machine

    found = _measure(load_machine(machine, settings), rows, cols, batch, seed)
    if as_json:
        from archsim.result.save import dump

        sys.stdout.write(dump(found))
        return
    from archsim.report.blocks import Block
    from archsim.report.tables import write_blocks

    shown = (
        ("machine", found["machine"]),
        ("product", f"{rows} x {cols}, {found['weight_bits']}-bit weights, {found['input_bits']}-bit inputs"),
        ("exact outputs", f"{found['exact_share']:.2%}"),
        ("error rms", f"{found['rms_error']:.4g} of the outputs' deviation"),
        ("error largest", f"{found['largest_error']:.4g} of the outputs' deviation"),
        ("conversions", f"{found['conversions']:,}"),
        ("saturated", f"{found['saturated']:,}"),
    )
    write_blocks([Block("", "", "<w", shown, keyed=False)], sys.stdout)


def _measure(machine: Any, rows: int, cols: int, batch: int, seed: int) -> dict[str, Any]:  # noqa: ANN401
    import numpy as np

    from archsim.kernels.crossbar import program
    from archsim.kernels.draws import generator
    from archsim.values.arrays import array_spec

    spec = array_spec(machine)
    rng = generator(seed, "mvm", "operands")
    top, half = (1 << (spec.weight_bits - 1)) - 1, (1 << (spec.input_bits - 1)) - 1
    weights, inputs = rng.integers(-top, top + 1, (rows, cols)), rng.integers(-half, half + 1, (batch, rows))
    array = program(spec, weights, seed=seed, part="mvm", samples=inputs[:64])
    outputs, saturated = array.multiply(inputs)
    exact = (inputs @ weights).astype(np.float64)
    error = (outputs - exact) / (exact.std() or 1.0)
    return {
        "schema": "archsim.mvm/1",
        "machine": machine.name,
        "rows": rows,
        "cols": cols,
        "weight_bits": spec.weight_bits,
        "input_bits": spec.input_bits,
        "exact_share": float((outputs == exact).mean()),
        "rms_error": float(np.sqrt((error**2).mean())),
        "largest_error": float(np.abs(error).max()),
        "conversions": batch * array.conversions,
        "saturated": saturated,
    }
