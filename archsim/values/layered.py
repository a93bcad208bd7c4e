"""What decoders have in common: a beginning, blocks one after another, an end."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from archsim.values.arithmetic import Values


class Layered(Protocol):
    """A decoder that can be entered at any block."""

    @property
    def depth(self) -> int:
        """Blocks."""
        ...

    def begin(self, tokens: NDArray[np.int64]) -> Values:
        """What the first block takes, (batch x n, dim), for tokens (batch, n); raises ArchsimError for too many."""
        ...

    def block(self, index: int, x: Values, batch: int) -> Values:
        """What a block makes of (batch x n, dim): as much."""
        ...

    def end(self, x: Values) -> Values:
        """Logits (any, vocabulary) of what the last block gave, (any, dim)."""
        ...

    def logits(self, tokens: NDArray[np.int64]) -> Values:
        """All of these: (batch, n, vocabulary)."""
        ...
