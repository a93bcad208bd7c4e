"""Router of a mesh."""

from typing import ClassVar

from archsim.parts.base import Action, Place, Stream
from archsim.parts.quantity import Bits, Count


class Router(Stream):
    """One `hop` moves a flit of `width` bits through one of `ports` ports and over the link behind it."""

    place: ClassVar[Place] = "route"
    actions: ClassVar[tuple[str, ...]] = ("hop",)

    width: Bits
    ports: Count
    hop: Action

    @property
    def parallel(self) -> int:
        """All ports may move a flit at once."""
        return self.ports
