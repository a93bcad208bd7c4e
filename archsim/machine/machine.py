"""Machine: the checked tree of parts. It knows areas, peak figures and counts before any run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from archsim.machine.provenance import Provenance
from archsim.machine.schema import Chips, Choices, Combine, Mesh, Precision
from archsim.machine.source import Document, Loc
from archsim.parts.base import Part


@dataclass(frozen=True)
class Module:
    """Members with counts per module, and the path: stages, each the names that act together; `cycle` in ps."""

    name: str
    members: Mapping[str, Fraction]
    path: tuple[tuple[str, ...], ...]
    cycle: Fraction | None
    memory: str | None
    mesh: Mesh | None
    combine: Combine | None
    slices_in: str
    signs: str
    one_at_a_time: bool
    overlap: bool

    @property
    def paired(self) -> bool:
        """Whether a weight has positive and negative cells; else an offset makes all weights positive."""
        return self.signs in ("columns", "arrays")

    @property
    def flat(self) -> tuple[str, ...]:
        """Names on the path, in order."""
        return tuple(name for stage in self.path for name in stage)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a recipe.

    step: its function and the operands that it names. by: the part or module that does it. free: it costs nothing.
    """

    step: str
    by: str
    free: bool = False

    @property
    def function(self) -> str:
        """Its function."""
        return self.step.split()[0]


@dataclass(frozen=True, repr=False)
class Machine:
    """The whole described hardware. `digest` is the hash of all that results depend on; `document` is its text."""

    name: str
    file: str
    description: str
    precision: Precision
    parts: Mapping[str, Part]
    modules: Mapping[str, Module]
    root: str
    core: str
    chips: Chips
    choices: Choices
    recipes: Mapping[str, tuple[Step, ...]]
    logarithms: Mapping[str, frozenset[str]]
    digital: str | None
    digital_weights: str | None
    fusion: str
    function_cores: int | str
    kv_cache: tuple[str, ...]
    provenance: Mapping[Loc, Provenance]
    digest: str
    document: Document = field(compare=False)

    def __repr__(self) -> str:
        return f"<Machine {self.name}: {self.description or self.file}; {len(self.parts)} parts>"

    @cached_property
    def tile(self) -> str:
        """What projections are placed on: the module that holds cores, or the core where that is the outermost one."""
        holder = self.holder(self.core)
        if holder is None or (holder == self.root and not self.modules[holder].path):
            return self.core
        return holder

    @cached_property
    def taking_turns(self) -> str | None:
        """The module whose tiles work one at a time."""
        return next((module.name for module in self.modules.values() if module.one_at_a_time), None)

    def recipe(self, kind: str, role: str) -> tuple[Step, ...]:
        """How an operator is done: by the recipe of its role (`scores`, `context`), else by that of its kind."""
        return self.recipes.get(role) or self.recipes[kind]

    def paid(self, kind: str, role: str) -> tuple[Step, ...]:
        """The steps of a recipe that cost something."""
        return tuple(step for step in self.recipe(kind, role) if not step.free)

    def holder(self, name: str) -> str | None:
        """The module that holds a part or module; None for the root."""
        return self._holders.get(name)

    @cached_property
    def _holders(self) -> Mapping[str, str]:
        """The first module that has each member."""
        return {name: m.name for m in reversed(list(self.modules.values())) for name in m.members}

    @cached_property
    def _counts(self) -> dict[tuple[str, str], Fraction]:
        """What `count` has found: it is asked again and again."""
        return {}

    def seat(self, by: str) -> str:
        """Where a performer of steps sits: a core in its tile; a part in its module, whose memory it shares.

        Parts of a module that a chip has once are spread over the chip, so each is a seat of its own.
        """
        if by == self.core:
            return self.tile
        module = str(self.holder(by))
        return module if self.count(module) > 1 else by

    def at_seat(self, part: str, seat: str) -> int:
        """How many of a part stand at a seat."""
        return int(self.modules[seat].members[part]) if seat in self.modules else 1

    def memory_at(self, seat: str) -> str | None:
        """The memory that a seat's parts share."""
        return self.modules[seat].memory if seat in self.modules else None

    def count(self, name: str, within: str | None = None) -> Fraction:
        """How many of a part or module stand in one `within` (default: the root)."""
        top = within or self.root
        if name == top:
            return Fraction(1)
        if (name, top) not in self._counts:
            holders = (m for m in self.modules.values() if name in m.members)
            found = sum((m.members[name] * self.count(m.name, top) for m in holders), Fraction(0))
            self._counts[name, top] = found
        return self._counts[name, top]

    def area(self, name: str) -> Fraction:
        """Area of one part or module, um2."""
        if name in self.parts:
            return self.parts[name].area or Fraction(0)
        return sum((n * self.area(inner) for inner, n in self.modules[name].members.items()), Fraction(0))

    def peak_power(self, name: str) -> Fraction:
        """Power of one part or module with all of it working without pause, nW."""
        if name in self.parts:
            return self.parts[name].peak_power()
        return sum((n * self.peak_power(inner) for inner, n in self.modules[name].members.items()), Fraction(0))

    def static_power(self, name: str) -> Fraction:
        """Leakage and refresh of one part or module, nW."""
        if name in self.parts:
            return self.parts[name].static_power()
        return sum((n * self.static_power(inner) for inner, n in self.modules[name].members.items()), Fraction(0))

    def walk(self) -> Iterator[tuple[str, str, Fraction]]:
        """All (module, part, parts in one root) pairs that hold a part."""
        for module in self.modules.values():
            for name, number in module.members.items():
                if name in self.parts:
                    yield module.name, name, number * self.count(module.name)

    def find(self, place: str, module: str) -> tuple[str, ...]:
        """Names of the parts of `place` that stand directly in `module`."""
        members = self.modules[module].members
        return tuple(name for name in members if name in self.parts and self.parts[name].place == place)
