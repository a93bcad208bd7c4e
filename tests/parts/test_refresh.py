"""Static power of memories that forget."""

from fractions import Fraction

from archsim.machine import load_machine


def test_edram_reads_and_writes_every_word_once_a_retention() -> None:
    """64 KiB are 2,048 words of 256 bits; 20.24 pJ to read and as much to write one, in 40 us; and 0.46 mW leak."""
    memory = load_machine("nl_dpe").parts["memory"]
    refresh = Fraction(2048 * 2 * 20_240_000_000, 40_000_000)
    assert memory.static_power() == 460_000 + refresh
    forgetful = load_machine("nl_dpe", ["parts.memory.retention=20 us"]).parts["memory"]
    assert forgetful.static_power() == 460_000 + 2 * refresh
