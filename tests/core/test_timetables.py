"""The path of one product, checked against timetables worked out by hand."""

import pytest

from archsim.core.load import Load, full_core
from archsim.core.timing import Timer, Timing
from archsim.errors import ArchsimError
from archsim.machine import Machine, load_machine
from archsim.machine.fits import layout
from tests.core.small import small


def load_of(machine: Machine) -> Load:
    return full_core(layout(machine.modules[machine.core], machine.parts, machine.precision))


def timing(machine: Machine, *, with_tile: bool = True) -> Timing:
    return Timer(machine).time(load_of(machine), with_tile=with_tile)


def test_isaac_takes_22_cycles_and_16_between_two() -> None:
    """The paper's Fig. 4: 1 eDRAM and input register; 2-17 crossbar; 18 ADC; 19 shift-and-add and output register;
    20 tile's shift-and-add; 21 sigmoid; 22 eDRAM. The 16 reads of the next product follow at once."""
    found = timing(load_machine("isaac"))
    assert (found.latency, found.interval) == (2_200_000, 1_600_000)
    stages = [(stage, start // 100_000 + 1) for mvm, stage, read, start, _ in found.timeline if mvm == 0 and read == 15]
    assert stages == [("dac + xbar + sh", 17), ("adc", 18), ("sa + or", 19)]
    alone = timing(load_machine("isaac"), with_tile=False)
    assert (alone.latency, alone.interval) == (1_900_000, 1_600_000)


def test_isaac_counts() -> None:
    """8 arrays, 16 reads: 128 array reads; 1,024 rows driven and 1,024 columns converted at each read."""
    found = timing(load_machine("isaac")).counts
    assert found["core.xbar.read"] == 128
    assert found["core.dac.drive"] == found["core.adc.convert"] == found["core.sa.add"] == 16_384
    # 1,024 inputs of 16 bits: 64 words of 256 bits, 43 of 384; 128 outputs of 16 bits: 8 and 6
    assert (found["tile.edram.read"], found["tile.bus.transfer"], found["core.ir.write"]) == (64, 43, 43)
    assert (found["core.or.write"], found["tile.edram.write"]) == (6, 8)


def test_the_table_rate_of_isaac_misses_its_cycle() -> None:
    """At 1.2 GS/s 128 conversions take 106.7 ns: two cycles for every read."""
    found = timing(load_machine("isaac", ["parts.adc.alternative=table_i"]))
    assert (found.latency, found.interval) == (2_200_000 + 16 * 100_000, 3_200_000)


def test_reads_and_conversions_overlap_behind_a_sample_and_hold() -> None:
    """ir 0-1; reads 1-11, 11-21, 21-31, 31-41 (10 ns each, 4 bits); 8 columns on 2 ADCs are 4 x 3 = 12 ns.

    Conversions: 11-23, 23-35, 35-47 and, as only two samples fit (one held, one being made), read 3 waits for the
    end of the first conversion, at 23: 23-33; read 4 for that of the second, at 35: 35-45. Conversions follow each
    other: 11-23, 23-35, 35-47, 47-59. Adds of 8 columns: 8 ns each, the last 59-67. Interval: 4 x 12 = 48 ns.
    """
    found = timing(small())
    assert [row[3:] for row in found.timeline if row[0] == 0 and row[1] == "dac + xbar + sh"] == [
        (1_000, 11_000),
        (11_000, 21_000),
        (23_000, 33_000),
        (35_000, 45_000),
    ]
    assert (found.latency, found.interval) == (67_000, 48_000)


def test_without_a_sample_and_hold_the_array_waits_for_its_converter() -> None:
    """Each read is converted before the next begins: 4 x (10 + 12) = 88 ns; ir 0-1, the last add 89-97."""
    found = timing(small(path="ir > dac + xbar > adc > sa"))
    assert (found.latency, found.interval) == (97_000, 88_000)


def test_reads_summed_in_the_analog_domain_are_converted_once() -> None:
    """ir 0-1; four reads 1-41; 8 columns are 4 weights of 2 slices: 2 ADCs, 41-47. Interval: the reads."""
    found = timing(small(bits="analog", slices="analog", held=4, path="ir > dac + xbar + sh > adc"))
    assert (found.latency, found.interval) == (47_000, 40_000)
    assert found.counts["core.adc.convert"] == 4


def test_a_dac_of_two_bits_halves_the_reads() -> None:
    """ir 0-1; reads 1-11, 11-21; conversions 11-23, 23-35; adds to 43. Interval 2 x 12."""
    found = timing(small(dac_bits=2))
    assert (found.latency, found.interval) == (43_000, 24_000)
    assert found.counts["core.xbar.read"] == 2


def test_without_a_dac_all_bits_come_in_one_read() -> None:
    """ir 0-1; read 1-11; conversion 11-23; adds 23-31."""
    found = timing(small(path="ir > xbar + sh > adc > sa"))
    assert (found.latency, found.interval) == (31_000, 12_000)


def test_an_input_register_that_is_too_small() -> None:
    message = r"core.ir holds 31 b, one product needs 32 b\. Try parts.ir.size: 32 b\."
    with pytest.raises(ArchsimError, match=message):
        timing(small(size=31))


def test_clocked_stages_take_whole_cycles() -> None:
    """Cycle 16 ns: ir 1, reads 4 of 1 (10 ns), conversion 1 (12), add 1 (8): 7 cycles; interval 4."""
    found = timing(small(cycle="cycle: 16 ns"))
    assert (found.latency, found.interval) == (7 * 16_000, 4 * 16_000)
