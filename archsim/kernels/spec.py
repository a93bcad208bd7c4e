"""What the values of a crossbar array depend on: encodings, converters, and what is not ideal."""

from dataclasses import dataclass, field
from typing import Literal

from archsim.errors import ArchsimError

Signs = Literal["differential", "offset", "sign_magnitude"]
Where = Literal["analog", "digital"]
_MOST_ADC_BITS = 24
_MOST_CAM_BITS = 12


@dataclass(frozen=True, slots=True)
class Adc:
    """A converter. bits: None converts without loss.

    range: `full`, all that the array can give; `clipped`, `share` of that; `calibrated`, the sums of samples up to
    quantile `share`. noise, offset: standard deviations in steps of the converter; the offset is drawn once a column.
    bounds, search: of analog CAMs as converters, standard deviations of each bound as shares of the range: of errors
    that stay, and of those at each search.
    """

    bits: int | None = None
    range: Literal["full", "clipped", "calibrated"] = "full"
    share: float = 1.0
    noise: float = 0.0
    offset: float = 0.0
    bounds: float = 0.0
    search: float = 0.0

    @property
    def noisy(self) -> bool:
        """Whether it is anything but a converter of equal steps."""
        return bool(self.noise or self.offset or self.bounds or self.search)


@dataclass(frozen=True, slots=True)
class Programming:
    """Error of a programmed conductance; standard deviations as shares of the largest conductance.

    additive: `sigma`. proportional: `sigma` times the conductance. pcm: a polynomial of the conductance. table:
    linear between `points` of (conductance, deviation).
    """

    model: Literal["none", "additive", "proportional", "pcm", "table"] = "none"
    sigma: float = 0.0
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """Conductances fall as (t / t0)^-nu. nu is drawn once a cell. compensated: outputs are scaled back as a whole.

    Default of t0 and nu: phase-change memory, Joshi et al., Nature Communications 11 (2020) 2473, as in AIHWKIT.
    """

    time_s: float = 0.0
    nu: float = 0.06
    nu_sigma: float = 0.02
    t0_s: float = 20.0
    compensated: bool = False


@dataclass(frozen=True, slots=True)
class NonIdeal:
    """Switches, all off. read: deviation of one cell at each read, as a share of the largest conductance.

    stuck_on, stuck_off: shares of the cells. on_off: ratio of the largest to the smallest conductance; None: infinite.
    wire: resistance of a wire between two cells times the largest conductance (IR drop); activity: the share of rows
    that carry current meanwhile, for its first-order model.
    """

    programming: Programming = field(default_factory=Programming)
    read: float = 0.0
    drift: Drift = field(default_factory=Drift)
    stuck_on: float = 0.0
    stuck_off: float = 0.0
    on_off: float | None = None
    wire: float = 0.0
    activity: float = 0.5

    @property
    def any(self) -> bool:
        """Whether anything is switched on."""
        return self != NonIdeal(activity=self.activity)


def used_bits(cell: int, weight: int, *, paired: bool) -> int:
    """Of a cell's bits those that weights of so many use, so that the largest weight has the largest conductance."""
    return min(cell, weight - 1 if paired else weight)


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """Crossbar arrays of one kind, and how numbers are put into them.

    rows, cols: cells of an array. cell_bits: bits of a weight in one cell. weight_bits: bits of a signed weight.
    signs: `differential`, two cells whose currents are subtracted before conversion; `sign_magnitude`, the same,
    converted apart; `offset`, weights are stored with 2^(weight_bits-1) added, which the sum of inputs takes away.
    flipped: columns of an `offset` array that hold more than half of what they can are stored inverted (ISAAC).
    input_bits: of an input; read_bits: those of them driven at once; signed_inputs: two's complement, whose sign bit is
    read alone. active_rows: rows driven at a time; None: all. bits, slices: where input bits and slices of weights are
    added up. slicing: `digital` cells hold some bits of a weight each; of `analog` ones (pairs of cells) the first
    holds the weight as nearly as it can, and each next one what those before really left over.
    """

    rows: int = 256
    cols: int = 256
    cell_bits: int = 2
    weight_bits: int = 8
    signs: Signs = "differential"
    flipped: bool = False
    input_bits: int = 8
    read_bits: int = 1
    signed_inputs: bool = False
    active_rows: int | None = None
    bits: Where = "digital"
    slices: Where = "digital"
    slicing: Literal["digital", "analog"] = "digital"
    adc: Adc = field(default_factory=Adc)
    non_ideal: NonIdeal = field(default_factory=NonIdeal)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("rows", 1, 1 << 20),
            ("cols", 1, 1 << 20),
            ("cell_bits", 1, 8),
            ("weight_bits", 2, 16),
            ("input_bits", 1, 16),
            ("read_bits", 1, 8),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ArchsimError(f"array: found {name} {value}; expected {low} to {high}")
        if self.active_rows is not None and not 1 <= self.active_rows <= self.rows:
            raise ArchsimError(f"array: found active_rows {self.active_rows}; expected 1 to {self.rows}, its rows")
        if self.adc.bits is not None and not 1 <= self.adc.bits <= _MOST_ADC_BITS:
            raise ArchsimError(f"array: found an ADC of {self.adc.bits} bits; expected 1 to {_MOST_ADC_BITS}")
        if (self.adc.bounds or self.adc.search) and not 1 <= (self.adc.bits or 0) <= _MOST_CAM_BITS:
            expected = f"expected 1 to {_MOST_CAM_BITS} for errors of its bounds"
            raise ArchsimError(f"array: found an analog CAM of {self.adc.bits or 'all'} bits; {expected}")
        if self.flipped and (self.signs != "offset" or self.slices == "analog"):
            raise ArchsimError("array: flipped columns need 'offset' signs and slices that are put together digitally")
        if self.slicing == "analog" and (self.signs != "differential" or self.slices == "digital"):
            raise ArchsimError("array: analog slices need 'differential' signs, and to be put together analog")
        if not 0 < self.adc.share <= 1:
            raise ArchsimError(f"array: found an ADC range of share {self.adc.share}; expected more than 0, at most 1")

    @property
    def n_slices(self) -> int:
        """Cells that hold the magnitude of a weight, one behind the other."""
        stored = self.weight_bits if self.signs == "offset" else self.weight_bits - 1
        return -(-stored // self.cell_bits)

    @property
    def top_level(self) -> int:
        """Largest number in a cell."""
        return (1 << self.cell_bits) - 1

    @property
    def block_rows(self) -> int:
        """Rows driven at a time."""
        return self.active_rows or self.rows

    def reads(self) -> tuple[tuple[int, int, int], ...]:
        """(lowest bit, number of bits, weight) of each read of an input; the sign bit's weight is negative."""
        plain = self.input_bits - self.signed_inputs
        found = [(low, min(self.read_bits, plain - low), 1 << low) for low in range(0, plain, self.read_bits)]
        if self.signed_inputs:
            found.append((plain, 1, -(1 << plain)))
        return tuple(found)
