"""Memory off the chip."""

from archsim.parts.buffer import Buffer


class Dram(Buffer):
    """Shared by all layers of a chip; reads and writes queue at one port.

    Parameters, actions and steps are those of a buffer.
    """
