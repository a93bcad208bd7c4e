"""What a comparison names: machines, variants of them (`nl_dpe@parts.dac.alternative=isaac_rate`), GPUs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from archsim.errors import ArchsimError, UsageError
from archsim.gpu.gpu import Gpu
from archsim.gpu.load import load_gpu
from archsim.machine import Machine, load_machine


@dataclass
class Rivals:
    """Machines and GPUs to run; of machines, the first `compared` have ratios. references: names, in order."""

    machines: list[Machine]
    gpus: list[Gpu]
    compared: int
    references: list[str] = field(default_factory=list)


def rivals(machines: Sequence[str], gpus: Sequence[str], against: Sequence[str], settings: Sequence[str]) -> Rivals:
    """Load all that is named; what stands only in `against` is run too, and is not changed by `settings`.

    Every GPU is a reference, besides what `against` names; without either, the first machine is.
    """
    described = [load_variant(name, settings) for name in machines]
    found = Rivals(described, [load_gpu(name) for name in gpus], len(described))
    names = [machine.name for machine in found.machines] + [gpu.name for gpu in found.gpus]
    known = dict(zip((*machines, *gpus), names, strict=True))
    for name in against:
        if name not in known and name not in known.values():
            known[name] = _join(found, name)
        found.references.append(known.get(name, name))
    found.references = list(dict.fromkeys((*found.references, *(gpu.name for gpu in found.gpus))))
    if not found.references:
        found.references = [described[0].name]
    return found


def load_variant(text: str, settings: Sequence[str]) -> Machine:
    """A machine, by its name or file; each `@key=value` behind it is a setting of its own, and part of its name."""
    name, *own = [text] if Path(text).is_file() else text.split("@")
    if not all("=" in each for each in own):
        raise UsageError(f"found {text!r}; expected NAME@KEY=VALUE, such as isaac@parts.adc.alternative=survey")
    machine = load_machine(name, (*settings, *own))
    return replace(machine, name="@".join((machine.name, *own))) if own else machine


def _join(found: Rivals, name: str) -> str:
    """Load what `against` alone names; its name in the rows."""
    try:
        found.gpus.append(load_gpu(name))
    except ArchsimError:
        found.machines.append(load_variant(name, ()))
        return found.machines[-1].name
    return found.gpus[-1].name
