"""Router of a mesh."""

from typing import ClassVar

from archsim.parts.base import Action, Place, Stream
from archsim.parts.quantity import Bits, Count


class Router(Stream):
    """Moves flits through its ports, and over the links behind them.

    width: bits of a flit, such as 32 b. ports: a count; all may move a flit at once.
    Actions: hop, of one flit through one port. Steps: none.
    """

    place: ClassVar[Place] = "route"
    actions: ClassVar[tuple[str, ...]] = ("hop",)

    width: Bits
    ports: Count
    hop: Action

    @property
    def parallel(self) -> int:
        """All ports may move a flit at once."""
        return self.ports
