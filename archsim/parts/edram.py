"""Embedded DRAM."""

from fractions import Fraction

from archsim.parts.buffer import Buffer
from archsim.parts.quantity import Time


class Edram(Buffer):
    """A buffer that forgets: with a `retention` time, every word is read and written once in it."""

    retention: Time | None = None

    def static_power(self) -> Fraction:
        """Leakage and refresh, nW."""
        if self.retention is None:
            return self.leakage
        word = self.cost("read").energy + self.cost("write").energy
        return self.leakage + self.words(int(self.size)) * word / self.retention
