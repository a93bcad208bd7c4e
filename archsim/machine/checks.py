"""Checks of a machine as a whole: that names exist, that paths fit together, that recipes can be followed."""

from collections.abc import Iterator, Mapping

from archsim.errors import Fault, did_you_mean
from archsim.machine.machine import Module
from archsim.machine.schema import MachineFile
from archsim.machine.source import Document
from archsim.parts.base import Part
from archsim.vocabulary import OPERATORS, PRODUCTS

BESIDE = ("compute", "route", "link")


class Checker:
    """Collects faults with their places."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.faults: list[Fault] = []

    def fault(self, loc: tuple[str | int, ...], message: str, *, key: bool = False) -> None:
        """Note a fault of the value at `loc`, or of its key."""
        place = self.document.key_place(loc) if key else self.document.place(loc)
        self.faults.append(Fault(f"{'.'.join(map(str, loc))}: {message}", place))


def check_members(check: Checker, file: MachineFile) -> None:
    """Members exist, no name has two meanings, whole modules are not split."""
    known = (*file.parts, *file.modules)
    for name in file.modules:
        if name in file.parts:
            check.fault(("modules", name), f"'{name}' is also a part; give one of them another name", key=True)
    for name, module in file.modules.items():
        if not module.parts:
            check.fault(("modules", name, "parts"), "is empty; expected parts with their counts")
        for member, number in module.parts.items():
            loc = ("modules", name, "parts", member)
            if member not in known:
                check.fault(loc, f"no such part or module. {did_you_mean(member, known)}", key=True)
            elif number.denominator != 1 and (member in file.modules or number.numerator != 1):
                check.fault(loc, f"found {number}; expected a whole number, or 1/N for a part that N modules share")
            elif number <= 0:
                check.fault(loc, "found 0; expected at least 1, or leave it out")


def find_root(check: Checker, file: MachineFile) -> str | None:
    """The one module that no other holds; circles and second roots are faults."""
    inside = {member for module in file.modules.values() for member in module.parts}
    roots = [name for name in file.modules if name not in inside]
    circle = next((name for name in file.modules if _reaches(file, name, name, frozenset())), None)
    if circle is not None:
        check.fault(("modules", circle), "holds itself, directly or through its modules", key=True)
        return None
    if len(roots) > 1:
        names = ", ".join(f"'{name}'" for name in roots)
        check.fault(("modules",), f"{names} stand in no other module; expected one outermost module")
        return None
    if not roots:
        check.fault(("modules",), "is empty; expected at least one module", key=True)
        return None
    return roots[0]


def _reaches(file: MachineFile, start: str, target: str, seen: frozenset[str]) -> bool:
    for member in file.modules[start].parts:
        if member == target:
            return True
        if member in file.modules and member not in seen and _reaches(file, member, target, seen | {member}):
            return True
    return False


def find_core(check: Checker, modules: Mapping[str, Module], parts: Mapping[str, Part]) -> str | None:
    """The one module whose path goes through a crossbar."""
    cores = [m.name for m in modules.values() if any(_place(parts, name) == "array" for name in _flat(m))]
    if len(cores) == 1:
        return cores[0]
    found = ", ".join(f"'{name}'" for name in cores) or "none"
    check.fault(("modules",), f"expected one module whose path goes through a crossbar, the core; found {found}")
    return None


def _flat(module: Module) -> Iterator[str]:
    for stage in module.path:
        yield from stage


def _place(parts: Mapping[str, Part], name: str) -> str | None:
    return parts[name].place if name in parts else None


def check_paths(check: Checker, modules: Mapping[str, Module], parts: Mapping[str, Part]) -> None:
    """Paths run through members, and through parts that carry data."""
    for module in modules.values():
        loc = ("modules", module.name, "path")
        for name in _flat(module):
            if name not in module.members:
                check.fault(loc, f"'{name}' is not in this module. {did_you_mean(name, module.members)}")
            elif _place(parts, name) in BESIDE:
                check.fault(
                    loc,
                    f"'{name}' is of class '{_place(parts, name)}', which stands beside paths, not on them",
                )


def check_helpers(check: Checker, modules: Mapping[str, Module], parts: Mapping[str, Part], file: MachineFile) -> None:
    """`memory`, `mesh.router` and `chips.link` name parts of the right kind, where they are needed."""
    wanted: list[tuple[tuple[str, ...], str | None, str, tuple[str, ...]]] = [
        (("modules", m.name, "memory"), m.memory, "memory", tuple(m.members)) for m in modules.values()
    ]
    wanted += [
        (("modules", m.name, "mesh", "router"), m.mesh.router, "route", tuple(parts))
        for m in modules.values()
        if m.mesh is not None
    ]
    wanted.append((("chips", "link"), file.chips.link, "link", tuple(parts)))
    wanted += [(("kv_cache", str(i)), name, "memory", tuple(parts)) for i, name in enumerate(file.kv_cache)]
    for loc, name, place, among in wanted:
        if name is None:
            continue
        fitting = [n for n in among if _place(parts, n) == place]
        if name not in fitting:
            kind = {"memory": "a memory of this module", "route": "a router", "link": "a link between chips"}[place]
            check.fault(loc, f"found '{name}'; expected {kind}. {did_you_mean(name, fitting)}")


def check_recipes(check: Checker, file: MachineFile, modules: Mapping[str, Module], parts: Mapping[str, Part]) -> None:
    """Each recipe is of a known operator, and each step is done by one that can do it."""
    for operator, steps in file.recipes.items():
        if operator not in (*OPERATORS, *PRODUCTS):
            known = did_you_mean(operator, (*OPERATORS, *PRODUCTS))
            check.fault(("recipes", operator), f"unknown operator. {known}", key=True)
        if not steps:
            check.fault(("recipes", operator), "is empty; expected steps, such as 'exp: vector'")
        for index, entry in enumerate(steps):
            for step, by in entry.items():
                _check_step(check, ("recipes", operator, index, step), step, by, modules, parts)


def _check_step(
    check: Checker,
    loc: tuple[str | int, ...],
    step: str,
    by: str,
    modules: Mapping[str, Module],
    parts: Mapping[str, Part],
) -> None:
    if by in modules:
        able = {s for name in _flat(modules[by]) if name in parts for s in parts[name].steps}
    elif by in parts:
        able = set(parts[by].steps)
        holders = [m.name for m in modules.values() if by in m.members]
        if len(holders) != 1:
            found = " and ".join(f"'{h}'" for h in holders) or "no module"
            check.fault(loc, f"'{by}' stands in {found}; a part that does steps must stand in exactly one module")
    else:
        check.fault(loc, f"no such part or module. {did_you_mean(by, (*parts, *modules))}")
        return
    operand = step.partition(" ")[2]
    if operand and operand not in ("first", "second"):
        check.fault(loc, f"found operand '{operand}' of a step; expected 'first' or 'second'", key=True)
    step = step.partition(" ")[0]
    if step not in able:
        check.fault(loc, f"'{by}' does not do '{step}'. {did_you_mean(step, able)}", key=True)
