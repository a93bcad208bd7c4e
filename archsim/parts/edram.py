"""Embedded DRAM."""

from fractions import Fraction

from archsim.parts.buffer import Buffer
from archsim.parts.quantity import Period


class Edram(Buffer):
    """A buffer that forgets.

    retention: a time, such as 40 us, in which every word is read and written once; without it, nothing is refreshed.
    All else is as of a buffer.
    """

    retention: Period | None = None

    def static_power(self) -> Fraction:
        """Leakage and refresh, nW."""
        if self.retention is None:
            return self.leakage
        word = self.cost("read").energy + self.cost("write").energy
        return self.leakage + self.words(int(self.size)) * word / self.retention
