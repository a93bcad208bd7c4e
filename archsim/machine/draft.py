"""A machine that is not yet checked, and the faults found in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from archsim.errors import Fault, quoted
from archsim.machine.machine import Module
from archsim.machine.schema import MachineFile, ModuleSpec
from archsim.machine.source import Document, Loc, dotted
from archsim.parts.base import Part


@dataclass(frozen=True)
class Draft:
    """Modules as written, and the parts that are whole: those with faults of their own are left out."""

    document: Document
    file: MachineFile
    parts: Mapping[str, Part]
    faults: list[Fault] = field(default_factory=list)
    modules: Mapping[str, Module] = field(init=False)

    def __post_init__(self) -> None:
        found = {name: _module(name, spec) for name, spec in self.file.modules.items()}
        object.__setattr__(self, "modules", found)

    def fault(self, loc: Loc, message: str, *, key: bool = False) -> None:
        """Note a fault of the value at `loc`, or of its key."""
        place = self.document.key_place(loc) if key else self.document.value_place(loc)
        self.faults.append(Fault(f"{dotted(loc)}: {message}", place))

    def place(self, name: str) -> str | None:
        """The place of a part; None for what is no whole part."""
        return self.parts[name].place if name in self.parts else None

    def broken(self, name: str) -> bool:
        """Whether a part has faults of its own, so that nothing can be said of it."""
        return name in self.file.parts and name not in self.parts

    def holders(self, name: str) -> tuple[str, ...]:
        """Modules that hold a part or module."""
        return tuple(module.name for module in self.modules.values() if name in module.members)

    def within(self, module: str) -> frozenset[str]:
        """All that stands in a module, at any depth; itself too, if it is held in a circle."""
        seen: set[str] = set()
        left = [module]
        while left:
            inner = self.modules[left.pop()].members
            left += [name for name in inner if name in self.modules and name not in seen]
            seen.update(inner)
        return frozenset(seen)


def names(found: Iterable[str]) -> str:
    """Modules in a sentence."""
    return " and ".join(quoted(name) for name in found) or "no module"


def _module(name: str, spec: ModuleSpec) -> Module:
    stages = spec.path.split(">") if spec.path else ()
    return Module(
        name=name,
        members=spec.parts,
        path=tuple(tuple(member.strip() for member in stage.split("+")) for stage in stages),
        cycle=spec.cycle,
        memory=spec.memory,
        mesh=spec.mesh,
        combine=spec.combine,
        slices_in=spec.slices_in,
        signs=spec.signs,
        one_at_a_time=spec.one_at_a_time,
        overlap=spec.overlap,
    )
