"""Register file between two stages of a path."""

from archsim.parts.buffer import Buffer


class Register(Buffer):
    """Holds bits, in words, between two stages.

    Parameters, actions and steps are those of a buffer.
    """
