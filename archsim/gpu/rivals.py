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


def rivals(
    machines: Sequence[str],
    gpus: Sequence[str],
    against: Sequence[str],
    settings: Sequence[str],
    mapping: Path | None = None,
) -> Rivals:
    """Load all that is named; what stands only in `against` is run too, and is not changed by `settings`.

    Every GPU is a reference, besides what `against` names; without either, the first machine is. mapping: a mapping
    file for the only machine, which is then called MACHINE@FILE, so that MACHINE in `against` is the one without it.
    """
    if mapping is not None and len(machines) > 1:
        raise UsageError(f"--mapping goes with one MACHINE; found {len(machines)}. Name the others with --against.")
    described = [load_variant(name, settings, mapping) for name in machines]
    found = Rivals(described, [load_gpu(name) for name in gpus], len(described))
    names = [machine.name for machine in found.machines] + [gpu.name for gpu in found.gpus]
    known = dict(zip((*(machines if mapping is None else names[:1]), *gpus), names, strict=True))
    for name in against:
        if name not in known and name not in known.values():
            known[name] = _join(found, name)
        found.references.append(known.get(name, name))
    found.references = list(dict.fromkeys((*found.references, *(gpu.name for gpu in found.gpus))))
    if not found.references:
        found.references = [described[0].name]
    return found


def load_variant(text: str, settings: Sequence[str], mapping: Path | None = None) -> Machine:
    """A machine, by its name or file; each `@key=value` behind it is a setting of its own, and part of its name.

    mapping: a mapping file, whose name is part of it too.
    """
    name, *own = [text] if Path(text).is_file() else text.split("@")
    if not all("=" in each for each in own):
        raise UsageError(f"found {text!r}; expected NAME@KEY=VALUE, such as isaac@parts.adc.alternative=survey")
    machine = load_machine(name, (*settings, *own), mapping=mapping)
    more = own if mapping is None else [*own, mapping.name]
    return replace(machine, name="@".join((machine.name, *more)))


def _join(found: Rivals, name: str) -> str:
    """Load what `against` alone names; its name in the rows."""
    try:
        found.gpus.append(load_gpu(name))
    except ArchsimError:
        found.machines.append(load_variant(name, ()))
        return found.machines[-1].name
    return found.gpus[-1].name
