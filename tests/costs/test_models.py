"""What each cost model says: published values, monotone in size, and nothing outside its range."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.costs.model import Model, OutsideError
from archsim.machine.bibliography import bibliography
from archsim.machine.cost_models import FOLDER, cost_models, read_models
from archsim.machine.provenance import STATUSES, separate
from archsim.machine.source import read
from archsim.resources import find

MODELS = {(model.part, model.name): model for model in cost_models()}
KIB = 8 * 1024
ANYTHING = 1e6
"""Largest value tried of a parameter that has no largest."""


def estimate(part: str, name: str, **parameters: float) -> tuple[float, float | None, float | None]:
    """Picojoules, square micrometres, milliwatts."""
    model = MODELS[part, name]
    usual = {key: bounds.usual.value for key, bounds in model.bounds.items() if bounds.usual is not None}
    found = model.estimate(usual | parameters)
    area, leakage = found.area, found.leakage
    return found.energy * 1e12, area and area * 1e12, leakage and leakage * 1e3


@pytest.mark.parametrize(
    ("node", "bits", "rates"),
    [
        (32, 8, ["1.71 pJ, 3939 um2", "1.71 pJ, 5972 um2", "1.85 pJ, 6313 um2"]),
        (32, 6, ["1.07 pJ, 3417 um2", "1.07 pJ, 5180 um2", "1.07 pJ, 5353 um2"]),
        (32, 4, ["0.924 pJ, 3274 um2", "0.924 pJ, 4964 um2", "0.924 pJ, 5130 um2"]),
        (22, 8, ["0.847 pJ, 2199 um2", "0.847 pJ, 3334 um2", "0.914 pJ, 3525 um2"]),
        (22, 9, ["1.16 pJ, 2414 um2", "2.32 pJ, 4507 um2", "2.62 pJ, 4830 um2"]),
        (16, 8, ["0.466 pJ, 1340 um2", "0.466 pJ, 2031 um2", "0.502 pJ, 2148 um2"]),
        (16, 10, ["0.899 pJ, 1631 um2", "3.79 pJ, 3803 um2", "4.27 pJ, 4075 um2"]),
    ],
)
def test_the_survey_as_it_was_computed_from_its_plug_in(node: int, bits: int, rates: list[str]) -> None:
    """At 100 MS/s, 1 GS/s and 1.2 GS/s; worked out from the plug-in's constants apart from this code."""
    for rate, said in zip((1e8, 1e9, 1.2e9), rates, strict=True):
        energy, area, _ = estimate("adc", "survey", bits=bits, rate=rate, node=node * 1e-9)
        assert f"{energy:.3g} pJ, {area:.0f} um2" == said


def test_the_survey_has_isaac_s_energy_and_five_times_its_area() -> None:
    """ISAAC prints 2 mW at 1.2 GS/s, 1.67 pJ, and 1200 um2 for 8 b at 32 nm."""
    energy, area, _ = estimate("adc", "survey", bits=8, rate=1.2e9, node=32e-9)
    assert energy == pytest.approx(2 / 1.2, rel=0.12)
    assert area is not None
    assert area / 1200 == pytest.approx(5.26, abs=0.01)


def test_isaac_s_converter_at_its_own_bits_is_that_of_its_table() -> None:
    assert estimate("adc", "saberi", bits=8, rate=1.2e9)[:2] == pytest.approx((1.67, 1200))
    assert estimate("adc", "saberi", bits=6, rate=1e8)[:2] == pytest.approx((1.20, 627))


def test_zigzag_by_hand() -> None:
    """All at 0.9 V, 0.81 V2.

    ADC, 8 b: (100 fF x 8 + 1 aF x 65536) x 0.81 = (800 + 65.536) fF x 0.81 = 0.70108 pJ; 10^(1.206 - 0.2952) x 256 um2.
    DAC, 2 b: 50 fF x 2 x 0.81 = 0.081 pJ. Array of 128 x 256: 0.5 x 0.7 fF x 0.81 x 32768 = 9.28973 pJ.
    Shift-add, 16 b: 16 x (6 + 3) x 0.7 fF x 0.81 = 0.081648 pJ; 16 x (7.8 + 6) x 0.614 = 135.571 um2.
    Tree of 4 inputs, 8 b: 2 adders of 8 b, 1 of 9 b: 25 full adders, 25 x 6 x 0.7 fF x 0.81 / 4 = 0.0212625 pJ a value.
    """
    adc = estimate("adc", "zigzag", bits=8, rate=8e7, rows=128)
    assert adc[:2] == pytest.approx((0.70108416, 10**0.9108 * 256))
    assert estimate("dac", "zigzag", bits=2) == pytest.approx((0.081, None, None))
    assert estimate("crossbar", "zigzag", rows=128, cols=256) == pytest.approx((9.289728, None, None))
    assert estimate("shift_add", "zigzag", bits=16)[:2] == pytest.approx((0.081648, 135.5712))
    assert estimate("adder", "zigzag", bits=8, inputs=4)[:2] == pytest.approx((0.0212625, 25 * 7.8 * 0.614))
    assert estimate("dac", "zigzag", bits=2, voltage=0.6)[0] == pytest.approx(0.036)


def test_zigzag_s_converter_is_as_fast_as_its_rows_allow() -> None:
    """8 b under 128 rows: (6.53 ps x 128 + 640 ps) x 8 = 11.80672 ns, 84.7 MS/s."""
    assert estimate("adc", "zigzag", bits=8, rate=84e6, rows=128)[0] > 0
    with pytest.raises(OutsideError) as caught:
        estimate("adc", "zigzag", bits=8, rate=85e6, rows=128)
    assert (caught.value.parameter, str(caught.value.bounds)) == ("rate", "at most 84.7 MS/s")


def test_memories_between_printed_sizes_follow_a_power_law() -> None:
    """Halfway in log size between 1 and 2 KiB the energy is the geometric mean, sqrt(0.33 x 0.57) = 0.433705 pJ.

    Twice the word is twice the energy, at the same area and leakage.
    """
    size = 2**0.5 * KIB
    energy, area, leakage = estimate("sram", "pumasim", size=size, width=16)
    assert energy == pytest.approx((0.33 * 0.57) ** 0.5)
    assert area == pytest.approx((1920 * 3920) ** 0.5)
    assert leakage == pytest.approx((0.147 * 0.33) ** 0.5)
    assert estimate("sram", "pumasim", size=size, width=32) == pytest.approx((2 * energy, area, leakage))
    assert estimate("sram", "pumasim", size=KIB, width=16) == pytest.approx((0.33, 1920, 0.147))


@pytest.mark.parametrize(
    ("part", "name", "parameters", "picojoules", "area"),
    [
        ("dac", "isaac", {"bits": 1, "rate": 1e7}, 4e-3 * 1e-7 / 1024 * 1e12, 170 / 1024),
        ("edram", "pumasim", {"size": 64 * KIB, "width": 256}, 17.2, 86_000),
        ("edram", "isaac", {"size": 64 * KIB, "width": 256}, 20.7 / 1.2, 83_000),
        ("edram", "hwcomponents", {"size": 64 * KIB, "width": 256}, 20.45, 83_000),
        ("sram", "horowitz", {"size": 8 * KIB, "width": 32}, 5, None),
        ("register", "isaac", {"size": 2 * KIB, "width": 384}, 1.24 / 1.2, 2_100),
        ("router", "pumasim", {"ports": 4, "width": 32}, 16.13 / 4, 47_000),
        ("router", "pumasim", {"ports": 8, "width": 32}, 51.48 / 8, 116_000),
        ("router", "isaac", {"ports": 8, "width": 32}, 42 / 8, 151_000),
        ("router", "mit_mesh", {"width": 64}, 0.6 * 64, None),
        ("bus", "wire", {"width": 100, "length": 2e-3}, 0.0404 * 100 * 2, None),
        ("bus", "isaac", {"width": 384}, 7 / 1.2, 90_000),
        ("dram", "hbm2", {"width": 512}, 6.25 * 512, None),
        ("link", "c2c", {"width": 256}, 30 * 256, None),
        ("link", "hypertransport", {"width": 256}, 10.4 / (4 * 6.4e9) * 32 * 1e12, 22_880_000 / 4),
    ],
)
def test_printed_points(
    part: str, name: str, parameters: dict[str, float], picojoules: float, area: float | None
) -> None:
    """As the source prints them: power over the rate at which it holds, shared out to what works side by side."""
    found = estimate(part, name, **parameters)
    assert found[0] == pytest.approx(picojoules, rel=1e-5)
    assert found[1] == (None if area is None else pytest.approx(area))


def drawn(model: Model, data: st.DataObject) -> dict[str, float]:
    """Parameters inside the model's range; bits and counts are whole."""
    found: dict[str, float] = {}
    for key, bounds in model.bounds.items():
        low = bounds.least.value if bounds.least else 1.0
        high = bounds.most.value if bounds.most else ANYTHING
        whole = key not in ("rate", "node", "length", "voltage")
        found[key] = float(data.draw(st.integers(int(low), int(high)) if whole else st.floats(low, high), label=key))
    return found


@pytest.mark.parametrize("key", MODELS, ids="-".join)
@given(st.data())
def test_more_costs_no_less(key: tuple[str, str], data: st.DataObject) -> None:
    """More bits, a higher rate, a larger node, a larger memory, a wider word, more ports: never cheaper or smaller."""
    model = MODELS[key]
    one, other = drawn(model, data), drawn(model, data)
    which = data.draw(st.sampled_from(sorted(model.bounds)))
    less, more = (one | {which: value} for value in sorted((one[which], other[which])))
    if list(model.outside(less)) or list(model.outside(more)):  # too fast for its rows
        return
    small, large = model.estimate(less), model.estimate(more)
    slack = 1 + 1e-9
    for a, b in ((small.energy, large.energy), (small.area, large.area), (small.leakage, large.leakage)):
        assert a is None or b is None or 0 < a <= b * slack


@pytest.mark.parametrize("key", MODELS, ids="-".join)
def test_nothing_is_said_outside_the_range(key: tuple[str, str]) -> None:
    model = MODELS[key]
    inside = model.example() | ({"rate": 1e6} if "rows" in model.bounds and "rate" in model.bounds else {})
    assert list(model.outside(inside)) == []
    for name, bounds in model.bounds.items():
        for factor, end in ((0.99, bounds.least), (1.01, bounds.most)):
            if end is not None:
                with pytest.raises(OutsideError) as caught:
                    model.estimate(inside | {name: end.value * factor})
                assert (caught.value.parameter, caught.value.bounds) == (name, bounds)


@pytest.mark.parametrize("path", sorted(find(FOLDER).glob("*.yaml")), ids=lambda path: path.stem)
def test_every_number_has_a_source_and_a_status_and_one_not_measured_or_simulated_a_note(path: Path) -> None:
    assert read_models(path)
    _, table, faults = separate(read(path), ("models",))
    assert faults == []
    for loc, origin in table.items():
        assert origin.source in bibliography(), loc
        assert origin.status in STATUSES, loc
        assert origin.note or origin.status in ("measured", "simulated"), loc
