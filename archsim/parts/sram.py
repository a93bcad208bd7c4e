"""Static memory."""

from archsim.parts.buffer import Buffer


class Sram(Buffer):
    """A buffer that leaks, and needs no refresh.

    Parameters, actions and steps are those of a buffer.
    """
