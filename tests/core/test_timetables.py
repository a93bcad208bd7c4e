"""The path of one product, checked against timetables worked out by hand."""

import pytest

from archsim.errors import ArchsimError
from archsim.machine import load_machine
from tests.core.small import small, times, timing

ALL_BUT_THE_REST = "ir > dac + xbar + sh > adc > sa"


def test_isaac_takes_22_cycles_and_16_between_two() -> None:
    """The paper's Fig. 4: 1 eDRAM and input register; 2-17 crossbar; 18 ADC; 19 shift-and-add and output register;
    20 tile's shift-and-add; 21 sigmoid; 22 eDRAM. The 16 reads of the next product follow at once."""
    found = timing(load_machine("isaac"))
    assert (found.latency, found.interval) == (2_200_000, 1_600_000)
    ends = {stage: start // 100_000 + 1 for mvm, stage, _, start, _ in found.timeline if mvm == 0}
    assert ends == {
        "edram + bus + ir": 1,
        "dac + xbar + sh": 17,
        "adc": 18,
        "sa + or": 19,
        "tile_sa + tile_or": 20,
        "sigmoid": 21,
        "edram": 22,
    }
    alone = timing(load_machine("isaac"), with_tile=False)
    assert (alone.latency, alone.interval) == (1_900_000, 1_600_000)


def test_isaac_counts() -> None:
    """8 arrays, 16 reads: 128 array reads; 1,024 rows driven and 1,024 columns sampled and converted at each read.

    1,024 inputs of 16 b: 64 words of 256 b, 43 of 384 b; of one bit at each read: 3 words. 128 outputs of 16 b: 8 words
    of 256 b, 6 of 384 b.
    """
    assert timing(load_machine("isaac")).counts == {
        "tile.edram.read": 64,
        "tile.bus.transfer": 43,
        "core.ir.write": 43,
        "core.ir.read": 16 * 3,
        "core.dac.drive": 16_384,
        "core.xbar.read": 128,
        "core.sh.sample": 16_384,
        "core.adc.convert": 16_384,
        "core.sa.add": 16_384,
        "core.or.write": 6,
        "core.or.read": 6,
        "tile.tile_sa.add": 128,
        "tile.tile_or.write": 6,
        "tile.tile_or.read": 6,
        "tile.edram.write": 8,
    }


def test_the_table_rate_of_isaac_misses_its_cycle() -> None:
    """At 1.2 GS/s 128 conversions take 106.7 ns: two cycles for every read."""
    found = timing(load_machine("isaac", ["parts.adc.alternative=table_i"]))
    assert (found.latency, found.interval) == (2_200_000 + 16 * 100_000, 3_200_000)


def test_reads_and_conversions_overlap_behind_a_sample_and_hold() -> None:
    """The converter, slower than the reads, is never idle.

    ns        read 0   read 1   read 2   read 3
    ir        0-1
    crossbar  1-11     11-21    23-33    35-45    two samples: one being made, one held until it is converted
    ADC       11-23    23-35    35-47    47-59    8 columns on 2 ADCs: 4 x 3
    add       23-31    35-43    47-55    59-67    8 columns: 8 x 1

    Interval: 4 x 12 = 48.
    """
    found = timing(small())
    assert times(found, "ir") == [(0, 1)]
    assert times(found, "dac + xbar + sh") == [(1, 11), (11, 21), (23, 33), (35, 45)]
    assert times(found, "adc") == [(11, 23), (23, 35), (35, 47), (47, 59)]
    assert times(found, "sa") == [(23, 31), (35, 43), (47, 55), (59, 67)]
    assert (found.latency, found.interval) == (67_000, 48_000)


def test_without_a_sample_and_hold_the_array_waits_for_its_converter() -> None:
    """ns        read 0   read 1   read 2   read 3
    ir        0-1
    crossbar  1-11     23-33    45-55    67-77    holds its result until it is converted
    ADC       11-23    33-45    55-67    77-89
    add       23-31    45-53    67-75    89-97

    Interval: 4 x (10 + 12) = 88.
    """
    found = timing(small(path="ir > dac + xbar > adc > sa"))
    assert times(found, "dac + xbar") == [(1, 11), (23, 33), (45, 55), (67, 77)]
    assert times(found, "adc") == [(11, 23), (33, 45), (55, 67), (77, 89)]
    assert (found.latency, found.interval) == (97_000, 88_000)


def test_a_sample_and_hold_in_a_stage_of_its_own() -> None:
    """ns        read 0   read 1   read 2   read 3
    ir        0-1
    crossbar  1-11     13-23    27-37    41-51    holds its result until it is sampled
    sampling  11-13    25-27    39-41    53-55    waits until the sample before is converted
    ADC       13-25    27-39    41-53    55-67
    add       25-33    39-47    53-61    67-75

    Interval: 4 x (2 + 12) = 56.
    """
    found = timing(small(path="ir > dac + xbar > sh > adc > sa", sample=2))
    assert times(found, "dac + xbar") == [(1, 11), (13, 23), (27, 37), (41, 51)]
    assert times(found, "sh") == [(11, 13), (25, 27), (39, 41), (53, 55)]
    assert (found.latency, found.interval) == (75_000, 56_000)


def test_a_converter_beside_the_crossbar_takes_the_longer_of_both() -> None:
    """ir 0-1; reads of 12: 1-13, 13-25, 25-37, 37-49; the last add 49-57. Interval 4 x 12."""
    found = timing(small(path="ir > dac + xbar + adc > sa"))
    assert times(found, "dac + xbar + adc") == [(1, 13), (13, 25), (25, 37), (37, 49)]
    assert (found.latency, found.interval) == (57_000, 48_000)


def test_reads_summed_in_the_analog_domain_are_converted_once() -> None:
    """ir 0-1; four reads 1-41; 8 columns are 4 weights of 2 slices: 2 ADCs, 41-47. Interval: the reads."""
    found = timing(small(bits="analog", slices="analog", held=4, path="ir > dac + xbar + sh > adc"))
    assert times(found, "adc") == [(41, 47)]
    assert (found.latency, found.interval) == (47_000, 40_000)
    assert found.counts["core.adc.convert"] == 4
    assert found.counts["core.dac.drive"] == 32


def test_a_sum_that_is_not_converted_keeps_the_next_but_one_product_waiting() -> None:
    """Converting the sum of four reads takes 4 x 40 = 160 ns, the reads 40: a sum waits while another is converted.

    ns        product 0   product 1   product 2
    crossbar  1-41        41-81       201-241     two sums, one held and one being converted, are all that there is
    ADC       41-201      201-361     361-521
    """
    found = timing(small(bits="analog", first="40 ns", convert="40 ns"))
    read = "dac + xbar + sh"
    spans = [(times(found, read, mvm)[0][0], times(found, read, mvm)[-1][1]) for mvm in range(3)]
    assert spans == [(1, 41), (41, 81), (201, 241)]
    assert [times(found, "adc", mvm) for mvm in range(3)] == [[(41, 201)], [(201, 361)], [(361, 521)]]
    assert (found.latency, found.interval) == (209_000, 160_000)


def test_a_dac_of_two_bits_halves_the_reads() -> None:
    """ir 0-1; reads 1-11, 11-21; conversions 11-23, 23-35; adds to 43. Interval 2 x 12."""
    found = timing(small(dac_bits=2))
    assert (found.latency, found.interval) == (43_000, 24_000)
    assert found.counts["core.xbar.read"] == 2


def test_a_dac_of_three_bits_drives_the_fourth_alone() -> None:
    found = timing(small(dac_bits=3))
    assert found.counts["core.xbar.read"] == 2
    assert (found.latency, found.interval) == (43_000, 24_000)


def test_without_a_dac_all_bits_come_in_one_read() -> None:
    """ir 0-1; read 1-11; conversion 11-23; adds 23-31. Interval: the conversion."""
    found = timing(small(path="ir > xbar + sh > adc > sa"))
    assert (found.latency, found.interval) == (31_000, 12_000)
    assert found.counts["core.xbar.read"] == 1
    assert "core.dac.drive" not in found.counts


def test_an_input_register_that_is_too_small() -> None:
    message = r"core.ir holds 31 b, one product needs 32 b\. Try parts.ir.size: 32 b\."
    with pytest.raises(ArchsimError, match=message):
        timing(small(size=31))


def test_an_input_register_of_one_product_is_filled_during_the_last_read() -> None:
    """8 inputs of 4 b fill it; each read frees 8 b, and the 8 b of a read that goes on stand in the drivers.

    crossbar 1-11, 11-21, 23-33, 35-45: the next product's register is filled when read 2 has ended, 33-34.
    """
    assert times(timing(small(size=32)), "ir", 1) == [(33, 34)]
    assert times(timing(small(size=64)), "ir", 1) == [(1, 2)]


def test_clocked_stages_take_whole_cycles() -> None:
    """Cycle 16 ns: ir 1, reads 4 of 1 (10 ns), conversion 1 (12), add 1 (8): 7 cycles; interval 4."""
    found = timing(small(cycle="cycle: 16 ns"))
    assert (found.latency, found.interval) == (7 * 16_000, 4 * 16_000)


def test_a_function_is_passed_by_at_once_or_in_a_cycle() -> None:
    path = f"{ALL_BUT_THE_REST} > relu"
    assert timing(small(path=path)) == timing(small())
    assert timing(small(path=path, cycle="cycle: 16 ns")).latency == 8 * 16_000


def test_from_the_tiles_memory_and_back_to_it() -> None:
    """Two cores, one in use: 8 inputs of 4 b, 4 outputs of 8 b.

    0-2    memory is read: 2 words of 16 b; meanwhile the bus, 1 word of 32 b, and the input register, 1 of 64 b
    2-68   the core as without a tile; its last add, with the output register, 60-68
    68-72  the tile adds 4 x 1; meanwhile the output register is read and the tile's filled, 1 word of 32 b each
    72-73  that is read, the function passed by
    73-77  memory is written: 2 words x 2
    """
    path = f"{ALL_BUT_THE_REST} + or"
    found = timing(small(path=path, tile_path="memory + bus + core > tsa + tr > relu > memory"))
    assert times(found, "memory + bus + ir") == [(0, 2)]
    assert times(found, "sa + or")[-1] == (60, 68)
    assert times(found, "tsa + tr") == [(68, 72)]
    assert times(found, "relu") == [(72, 73)]
    assert times(found, "memory") == [(73, 77)]
    assert (found.latency, found.interval) == (77_000, 48_000)
    assert {key: found.counts[key] for key in found.counts if key.startswith("tile")} == {
        "tile.memory.read": 2,
        "tile.bus.transfer": 1,
        "tile.tsa.add": 4,
        "tile.tr.write": 1,
        "tile.tr.read": 1,
        "tile.memory.write": 2,
    }


def test_a_tiles_memory_that_feeds_the_drivers_is_read_bit_by_bit() -> None:
    """8 inputs of 1 b at each of 4 reads: a word of 16 b each. Without an input register nothing comes before."""
    found = timing(small(path="dac + xbar + sh > adc > sa", tile_path="memory + core > memory"))
    assert found.counts["tile.memory.read"] == 4
    assert times(found, "memory + dac + xbar + sh")[0] == (0, 10)


def test_a_register_behind_the_converter_is_filled_and_read_at_every_read() -> None:
    """8 columns of 4 b are 2 words of 16 b. Adds begin a read later than without it: the last at 59 all the same."""
    found = timing(small(path="ir > dac + xbar + sh > adc + pr > sa"))
    assert (found.counts["core.pr.write"], found.counts["core.pr.read"]) == (4 * 2, 4 * 2)
    assert (found.latency, found.interval) == (67_000, 48_000)


def test_a_register_behind_the_converter_that_holds_one_read_makes_it_wait() -> None:
    """ns        read 0   read 1   read 2   read 3
    crossbar  1-11     11-21    23-33    43-53
    ADC       11-23    31-43    51-63    71-83    begins when the adder has emptied the register
    add       23-31    43-51    63-71    83-91
    """
    found = timing(small(path="ir > dac + xbar + sh > adc + pr > sa", between=32))
    assert times(found, "adc + pr") == [(11, 23), (31, 43), (51, 63), (71, 83)]
    assert times(found, "dac + xbar + sh") == [(1, 11), (11, 21), (23, 33), (43, 53)]
    assert (found.latency, found.interval) == (91_000, 80_000)
    with pytest.raises(ArchsimError, match=r"core.pr holds 31 b, one read needs 32 b\. Try parts.pr.size: 32 b\."):
        timing(small(path="ir > dac + xbar + sh > adc + pr > sa", between=31))


def test_a_slow_memory_behind_the_adder_is_not_overtaken() -> None:
    """The output register takes 100 ns to fill, 1 ns after another: the next product's first add ends later.

    Adds of 8 at 23, 35, 47; the last with the register 59-159; then none may end before it: 92 ns later at the
    earliest, 151-159. Interval: 3 x 8 + 92.
    """
    found = timing(small(path=f"{ALL_BUT_THE_REST} + or", empty="latency: 100 ns, interval: 1 ns"))
    assert times(found, "sa + or") == [(23, 31), (35, 43), (47, 55), (59, 159)]
    assert times(found, "sa + or", 1)[0] == (151, 159)
    assert found.interval == 116_000
