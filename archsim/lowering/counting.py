"""What a token counts by how many positions it sees, without a task for each: exact, and fast for long sequences."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from archsim.core.timing import Timer
from archsim.graph.job import Job, Span
from archsim.graph.operators import Matmul, Operator
from archsim.lowering.cache import Cache
from archsim.lowering.floor import Floor
from archsim.lowering.lower import lower
from archsim.lowering.recipe import lower_recipe
from archsim.mapping.dynamic import is_written
from archsim.mapping.mapping import Mapping
from archsim.program import Program


@dataclass(frozen=True, eq=False)
class TokenCounts:
    """Counts by action, int64: of a token of the prompt, of what only the last one does, and by positions seen.

    seen: (longest + 1, actions), what a token that sees so many positions counts besides; row 0 is empty.
    """

    actions: tuple[str, ...]
    token: NDArray[np.int64]
    last: NDArray[np.int64]
    seen: NDArray[np.int64]

    def of_request(self, prompt: NDArray[np.int64], output: NDArray[np.int64]) -> NDArray[np.int64]:
        """All that requests count, (actions,): each token but the last made is a pass, and each one made has a head."""
        whole = np.concatenate([np.zeros((1, len(self.actions)), np.int64), np.cumsum(self.seen[1:], axis=0)])
        passes = prompt + output - 1
        found: NDArray[np.int64] = self.token * passes.sum() + self.last * output.sum() + whole[passes].sum(axis=0)
        return found


def count_tokens(mapping: Mapping, longest: int, timer: Timer) -> TokenCounts:
    """Count for tokens that see up to `longest` positions of their sequence."""
    one, two = (_total(lower(mapping, _prompt(length), timer)) for length in (1, 2))
    seen = _by_keys(mapping, longest, timer)
    actions = tuple(dict.fromkeys([*two, *seen]))

    def column(counts: dict[str, int]) -> NDArray[np.int64]:
        return np.array([counts.get(action, 0) for action in actions], np.int64)

    rows = np.stack([seen.get(action, np.zeros(longest + 1, np.int64)) for action in actions], axis=1)
    token = column(two) - column(one) - rows[2]
    return TokenCounts(actions, token, column(one) - token - rows[1], rows)


def _prompt(length: int) -> Job:
    return Job(seq=length, mixed=(Span(0, length, length),))


def _total(program: Program) -> dict[str, int]:
    found: Counter[str] = Counter()
    tasks = program.tasks_per_kind()
    for kind in range(program.n_kinds):
        for at in range(program.counts_start[kind], program.counts_start[kind + 1]):
            found[program.actions[program.counts_action[at]]] += int(tasks[kind] * program.counts_number[at])
    return dict(found)


def _by_keys(mapping: Mapping, longest: int, timer: Timer) -> dict[str, NDArray[np.int64]]:
    """Of all operators whose work grows: those that are alike in several layers are counted once."""
    alike: dict[Operator, list[Operator]] = {}
    for operator in mapping.graph.operators:
        if operator.grows:
            alike.setdefault(_shape(operator), []).append(operator)
    found: dict[str, NDArray[np.int64]] = {}
    for operators in alike.values():
        for action, numbers in _of_operator(mapping, operators[0], longest, timer).items():
            found[action] = found.get(action, 0) + len(operators) * numbers
    return found


def _shape(operator: Operator) -> Operator:
    """All that its work depends on."""
    return replace(operator, layer="", inputs=())


def _of_operator(mapping: Mapping, operator: Operator, longest: int, timer: Timer) -> dict[str, NDArray[np.int64]]:
    """A task at each position of one sequence: the first sees one position, the last all."""
    floor = Floor(mapping, _prompt(longest), timer)
    cache = Cache(floor)
    kept = cache.home(operator)
    near = not is_written(mapping.machine, operator) and (kept is None or not kept[1].shared)
    first, _ = lower_recipe(floor, operator, near=near)
    if kept is not None and isinstance(operator, Matmul):
        cache.read(operator, kept[1], first)
    return _per_position(floor.builder.build(), longest)


def _per_position(program: Program, longest: int) -> dict[str, NDArray[np.int64]]:
    """Every block of tasks has one for each position, in order."""
    found = {action: np.zeros(longest + 1, np.int64) for action in program.actions}
    kinds = program.kind.reshape(-1, longest)
    starts, numbers = program.counts_start, program.counts_number
    for block in kinds:
        for slot in range(int(np.diff(starts)[block].max(initial=0))):
            has = starts[block] + slot < starts[block + 1]
            at = starts[block[has]] + slot
            for action in np.unique(program.counts_action[at]):
                mine = program.counts_action[at] == action
                rows = np.flatnonzero(has)[mine] + 1
                found[program.actions[action]][rows] += numbers[at[mine]]
    return found
