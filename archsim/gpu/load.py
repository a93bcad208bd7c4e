"""GPU specifications: YAML to Gpu, each number with its source and status, like those of machines."""

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from archsim import resources
from archsim.errors import ArchsimError, Fault, did_you_mean
from archsim.gpu.gpu import PRECISIONS, Efficiency, Gpu
from archsim.machine.bibliography import unknown_source
from archsim.machine.provenance import LABELS, separate, sources
from archsim.machine.source import read
from archsim.machine.wording import validate
from archsim.parts.quantity import Area, Bits, Count, Name, Power, Share, Time, quantity_type
from archsim.units import SECONDS_PER_PS, WATTS_PER_NW

FOLDER = "hw_configs/gpus"
_SECTIONS = ("specification", "efficiency")
_USUAL = "a100-80gb"
"""Where nobody measured, the efficiency of this one stands in: the others that were measured are like it."""
_UM2_A_MM2 = 1e6
_PER_SECOND = 1 / SECONDS_PER_PS

Performance = Annotated[object, quantity_type("performance")]
Bandwidth = Annotated[object, quantity_type("bandwidth")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Specification(_Strict):
    """units: streaming multiprocessors; peak: operations/s by precision, without sparsity; idle: power at rest."""

    units: Count
    peak: dict[str, Performance]
    bandwidth: Bandwidth
    memory: Bits
    power: Power
    idle: Power
    area: Area


class EfficiencySpec(_Strict):
    """As `archsim gpu-fit` finds it on measured products."""

    compute: Share
    memory: Share
    launch: Time
    edge: Share
    overlap: Share
    gap: Time
    tail: Share = Fraction(0)
    write: Share = Fraction(0)


class GpuFile(_Strict):
    """A GPU; sibling: one of the same process, whose power at its peak says what an operation needs, if not its own.

    Its efficiency stands in, too, where this one was not measured.
    """

    schema_id: Literal["archsim.gpu/1"] = Field(alias="schema")
    name: Name
    specification: Specification
    sibling: Name | None = None
    efficiency: EfficiencySpec | None = None


def load_gpu(name_or_path: str | Path) -> Gpu:
    """Load a GPU by its name in `hw_configs/gpus`, or by the path of its file; raises ArchsimError."""
    path = resources.locate(FOLDER, str(name_or_path))
    document = read(path)
    data, provenance, faults = separate(document, _SECTIONS)
    for loc, source in sources(document, _SECTIONS):
        wrong = unknown_source(source)
        faults += [Fault(f"{'.'.join(map(str, loc))}: {wrong}", document.place(loc))] if wrong is not None else []
    file = validate(GpuFile, data, document, (), faults, LABELS)
    if file is not None:
        for precision in file.specification.peak:
            if precision not in PRECISIONS:
                found = f"specification.peak.{precision}: no such precision. {did_you_mean(precision, PRECISIONS)}"
                faults.append(Fault(found, document.key_place(("specification", "peak", precision))))
    if faults or file is None:
        raise ArchsimError(*faults)
    own = file.specification
    sibling = load_gpu(file.sibling) if file.sibling is not None else None
    power, idle = float(own.power) * WATTS_PER_NW, float(own.idle) * WATTS_PER_NW
    peak = {name: float(rate) * _PER_SECOND for name, rate in own.peak.items()}  # type: ignore[arg-type]
    energy: dict[str, float] = {}
    if sibling is not None:
        energy = {name: (sibling.power - sibling.idle) / rate for name, rate in sibling.peak.items() if name in peak}
        if "int8" in peak and "fp16" in energy:
            energy.setdefault("int8", energy["fp16"] / 2)
    return Gpu(
        name=file.name,
        sources=tuple(sorted({origin.source for origin in provenance.values() if origin.source})),
        units=own.units,
        peak=peak,
        bandwidth=float(own.bandwidth) * _PER_SECOND / 8,  # type: ignore[arg-type]
        memory=float(own.memory) / 8,
        power=power,
        idle=idle,
        area=float(own.area) / _UM2_A_MM2,
        energy=energy,
        efficiency=_efficiency(file.efficiency) if file.efficiency else sibling.efficiency if sibling else _usual(),
        measured=file.efficiency is not None,
    )


def _efficiency(given: EfficiencySpec) -> Efficiency:
    return Efficiency(
        compute=float(given.compute),
        memory=float(given.memory),
        launch=float(given.launch) * SECONDS_PER_PS,
        edge=float(given.edge),
        overlap=float(given.overlap),
        tail=float(given.tail),
        write=float(given.write),
        gap=float(given.gap) * SECONDS_PER_PS,
    )


@cache
def _usual() -> Efficiency:
    return load_gpu(_USUAL).efficiency
