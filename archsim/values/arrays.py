"""The arrays that a machine's core has, as its file says: what the kernels need to know."""

from typing import cast

from archsim.kernels.spec import Adc, ArraySpec, Drift, NonIdeal, Programming, used_bits
from archsim.machine.fits import layout
from archsim.machine.machine import Machine
from archsim.machine.schema import Combine
from archsim.parts.errors import AcamErrors, CellErrors, ConverterErrors, ProgrammingError

_PS = 1e-12


def array_spec(machine: Machine) -> ArraySpec:
    """Encodings, converter and errors of the core's arrays. Inputs are signed.

    Raises ArchsimError where the kernels cannot do what the file says.
    """
    core = machine.modules[machine.core]
    crossbar = layout(core, machine.parts, machine.precision).crossbar
    combine = core.combine or Combine()
    parts = [machine.parts[name] for name in core.flat if name in machine.parts]
    drives = [int(getattr(part, "bits")) for part in parts if part.place == "drive" and hasattr(part, "bits")]  # noqa: B009
    converters = [part for part in parts if part.place == "convert"]
    inputs = int(machine.precision.inputs)
    pairs = "differential" if combine.signs == "analog" else "sign_magnitude"
    weights = int(machine.precision.weights)
    return ArraySpec(
        rows=min(crossbar.rows, crossbar.rows_per_read or crossbar.rows),  # what is read apart is converted apart
        cols=crossbar.cols,
        cell_bits=used_bits(int(crossbar.cell_bits), weights, paired=core.paired),
        weight_bits=weights,
        signs=pairs if core.paired else "offset",  # type: ignore[arg-type]
        flipped=core.signs == "flipped",
        input_bits=inputs,
        read_bits=min(drives[0], 8) if drives else min(inputs, 8),
        signed_inputs=True,
        bits=combine.bits,
        slices=combine.slices,
        slicing=crossbar.slicing if core.paired and combine.signs == combine.slices == "analog" else "digital",
        adc=_adc(converters[0]) if converters else Adc(),
        non_ideal=_cells(crossbar.errors),
    )


def _adc(part: object) -> Adc:
    errors = cast("ConverterErrors", getattr(part, "errors", ConverterErrors()))
    return Adc(
        bits=int(getattr(part, "bits")) if hasattr(part, "bits") else None,  # noqa: B009
        range=errors.range,
        share=float(errors.share),
        noise=float(errors.noise),
        offset=float(errors.offset),
        bounds=float(errors.bounds) if isinstance(errors, AcamErrors) else 0.0,
        search=float(errors.search) if isinstance(errors, AcamErrors) else 0.0,
    )


def _programming(error: ProgrammingError | None) -> Programming:
    if error is None:
        return Programming()
    points = tuple((float(level), float(sigma)) for level, sigma in error.points)
    return Programming(error.model, float(error.sigma), points)


def _cells(errors: CellErrors) -> NonIdeal:
    drift = errors.drift
    return NonIdeal(
        programming=_programming(errors.programming),
        read=float(errors.read),
        drift=Drift(
            time_s=float(drift.time) * _PS,
            nu=float(drift.nu),
            nu_sigma=float(drift.nu_sigma),
            t0_s=float(drift.t0) * _PS,
            compensated=drift.compensated == "yes",
        )
        if drift
        else Drift(),
        stuck_on=float(errors.stuck_on),
        stuck_off=float(errors.stuck_off),
        on_off=float(errors.on_off) if errors.on_off is not None else None,
        wire=float(errors.wire),
    )
