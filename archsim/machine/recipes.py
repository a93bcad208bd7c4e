"""Checks of recipes: operators are known, and each step is done by one that can do it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archsim.errors import did_you_mean, quoted
from archsim.machine.checks import check_whole
from archsim.machine.draft import Draft, names
from archsim.machine.machine import Step
from archsim.machine.schema import MachineFile, StepSpec
from archsim.machine.source import Loc
from archsim.parts.base import Part
from archsim.steps.operators import inputs_of
from archsim.steps.proof import fault
from archsim.vocabulary import OPERATORS, PRODUCTS, PROJECTIONS

_RESULT = "result"
_LOG = "log"


@dataclass(frozen=True)
class Recipe:
    """How an operator is done.

    Parameters
    ----------
    steps
        In order.
    logarithms
        Inputs that come as logarithms, and `result` where it is left as one.
    """

    steps: tuple[Step, ...]
    logarithms: frozenset[str] = frozenset()


def recipe_of(operator: str, entries: Sequence[Mapping[str, str | StepSpec]]) -> Recipe:
    """Read a recipe's entries: steps, and `NAME: log` of an input or of the result."""
    names = {_RESULT, *(one.name for one in inputs_of(operator))}
    steps, logarithms = [], set()
    for name, of in (item for entry in entries for item in entry.items()):
        if name in names and of == _LOG:
            logarithms.add(name)
        elif isinstance(of, StepSpec):
            steps.append(Step(name, of.by, of.free))
        else:
            steps.append(Step(name, of))
    return Recipe(tuple(steps), frozenset(logarithms))


def standard_recipes(file: MachineFile, parts: Mapping[str, Part]) -> dict[str, Recipe]:
    """The recipes of a file, and those of operators that have none and that its `digital` unit can do."""
    unit = parts.get(file.digital) if file.digital is not None else None
    able = set(unit.steps) if unit is not None else set()
    standard = {
        operator: Recipe(tuple(Step(step, str(file.digital)) for step in steps))
        for operator, steps in (*OPERATORS.items(), ("dense", PROJECTIONS["dense"]))
        if able.issuperset(step.split()[0] for step in steps)
    }
    return {**standard, **{operator: recipe_of(operator, entries) for operator, entries in file.recipes.items()}}


def check_digital(draft: Draft) -> None:
    """Check the unit that does what has no recipe."""
    name, loc = draft.file.digital, ("digital",)
    if name is None or draft.broken(name):
        return
    if name not in draft.parts:
        draft.fault(loc, f"no such part: {quoted(name)}. {did_you_mean(name, draft.file.parts)}")
    elif not draft.parts[name].steps or draft.parts[name].place != "compute":
        able = [part for part in draft.parts if draft.parts[part].place == "compute"]
        draft.fault(loc, f"{quoted(name)} is no unit that computes. {did_you_mean(name, able)}")
    else:
        _check_holder(draft, loc, name)


def check_placement(draft: Draft) -> None:
    """What `mapping.digital` asks for: a recipe, and a memory for the weights."""
    file, loc = draft.file, ("mapping", "digital")
    if not any(file.mapping.digital.values()):
        return
    if "dense" not in standard_recipes(file, draft.parts):
        found = "no unit does projections; expected recipes.dense: [multiply_accumulate: PART]"
        draft.fault(loc, f"{found}, or a 'digital' unit that does it", key=True)
    if file.digital_weights is None:
        memories = [name for name in draft.parts if draft.place(name) == "memory"]
        found = "no memory holds the weights; expected digital_weights: MEMORY"
        draft.fault(loc, f"{found}. {did_you_mean('', memories)}" if memories else found, key=True)
    if file.chips.split == "projections":
        draft.fault(loc, "goes with chips.split: layers alone", key=True)


def check_recipes(draft: Draft, core: str | None) -> None:
    """Check every recipe; `core` is None where it is not known."""
    for operator, entries in draft.file.recipes.items():
        loc = ("recipes", operator)
        if operator not in (*OPERATORS, *PRODUCTS, *PROJECTIONS):
            known = did_you_mean(operator, (*OPERATORS, *PRODUCTS, *PROJECTIONS))
            draft.fault(loc, f"unknown operator. {known}", key=True)
        recipe = recipe_of(operator, entries)
        if not recipe.steps:
            draft.fault(loc, "is empty; expected steps, such as [exp: vector, sum: vector]")
        before = len(draft.faults)
        left = {step.step: step for step in recipe.steps}
        for index, name in ((index, name) for index, entry in enumerate(entries) for name in entry):
            if name in left:
                _check_step(draft, (*loc, index, name), left[name], core)
        if core is not None:
            _check_arrays(draft, operator, recipe.steps, core)
        if len(draft.faults) == before:
            _check_meaning(draft, operator, recipe)


def _check_meaning(draft: Draft, operator: str, recipe: Recipe) -> None:
    """That the steps, in exact arithmetic, compute the operator."""
    wrong = fault(operator, [step.step for step in recipe.steps], dict.fromkeys(recipe.logarithms, True))
    if wrong is not None:
        draft.fault(("recipes", operator), wrong, key=True)


def _check_arrays(draft: Draft, operator: str, steps: Sequence[Step], core: str) -> None:
    """A projection is one product in the core; another product there needs an operand that is written before."""
    loc, shown = ("recipes", operator), quoted(core)[1:-1]
    done = [step.function for step in steps if step.by == core]
    if operator == "linear":
        if steps and [(step.step, step.by) for step in steps] != [("mvm", core)]:
            draft.fault(loc, f"a projection is one product in the core; expected [mvm: {shown}]")
    elif "mvm" in done and (operator not in ("matmul", *PRODUCTS) or "write" not in done[: done.index("mvm")]):
        found = "'mvm' multiplies by what is written into the core's arrays"
        draft.fault(
            loc, f"{found}; expected [write: {shown}, mvm: {shown}], in {', '.join(('matmul', *PRODUCTS))} alone"
        )


def _check_step(draft: Draft, loc: Loc, step: Step, core: str | None) -> None:
    name, by = step.function, step.by
    if by in draft.modules:
        if core is None:
            return  # it may be what lacks its path
        if by != core:
            draft.fault(loc, f"{quoted(by)} is a module; expected a part, or the core, {quoted(core)}")
            return
        able = {able for part in draft.modules[by].flat if part in draft.parts for able in draft.parts[part].steps}
    elif by in draft.parts:
        able = set(draft.parts[by].steps)
        _check_holder(draft, loc, by)
    else:
        if not draft.broken(by):
            known = did_you_mean(by, (*draft.file.parts, *draft.modules))
            draft.fault(loc, f"no such part or module: {quoted(by)}. {known}")
        return
    if name not in able:
        draft.fault(loc, f"{quoted(by)} does not do {quoted(name)}. {did_you_mean(name, able)}", key=True)


def _check_holder(draft: Draft, loc: Loc, by: str) -> None:
    holders = draft.holders(by)
    if len(holders) == 1:
        check_whole(draft, loc, holders[0], by)
    elif holders or not draft.faults:  # what else is wrong may be why it stands nowhere
        draft.fault(
            loc, f"{quoted(by)} stands in {names(holders)}; a part that does steps stands in exactly one module"
        )
