"""Operators one after another, where the machine's file says so: each begins when the one before is through.

A pass is a prompt, or one token after it; passes follow each other by themselves, as tokens need those before. Of a
model whose layers look back at what comes after them (recurrent ones) each position is a pass.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from archsim.graph.job import SEQUENCE
from archsim.graph.operators import Operator, Product
from archsim.lowering.floor import Floor, Tasks


def passes(floor: Floor, operator: Operator) -> NDArray[np.int64]:
    """The pass of each place of an operator, int64 (tasks,)."""
    sequence, row = np.divmod(floor.job.places(operator), SEQUENCE)
    prompts = np.array([span.prompt for span in floor.job.spans(operator.stream)], np.int64)
    return np.maximum(0, row - (prompts[sequence] - 1)) if len(row) else row


@dataclass
class Order:
    """What was last in each pass, and before that; without `order: sequential` it does nothing."""

    floor: Floor
    last: dict[int, int] = field(default_factory=dict)
    before: dict[int, int] = field(default_factory=dict)

    def follow(self, operator: Operator, starts: Tasks, ends: Tasks) -> None:
        """An operator's tasks wait for those of the operator before, and are waited for by the next.

        The two parts of a projection that is split work at the same time.
        """
        if self.floor.mapping.machine.choices.order != "sequential" or not len(starts):
            return
        builder = self.floor.builder
        recurrent = any(edge.scope == "before" for each in self.floor.mapping.graph.operators for edge in each.inputs)
        at = self.floor.job.places(operator) % SEQUENCE if recurrent else passes(self.floor, operator)
        for number in np.unique(at).tolist():
            here = at == number
            ended = ends[here]
            if isinstance(operator, Product) and operator.beside is not None:
                ended = np.append(ended, self.last[number])
            elif number in self.last:
                self.before[number] = self.last[number]
            if number in self.before:
                builder.after(starts[here], self.before[number])
            self.last[number] = builder.join(ended, operator.key)
