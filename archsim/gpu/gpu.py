"""A GPU by its specification: peak rates, bandwidth, power; and how much of them kernels reach."""

from dataclasses import dataclass

PRECISIONS = ("fp32", "tf32", "fp16", "int8")
BYTES = {"fp32": 4, "tf32": 4, "fp16": 2, "int8": 1}
"""Of a value in memory."""
_UNIT = 1e12
"""Operations/s, fp16, of the unit that `Efficiency.edge` is for."""
_REUSE = 0.25
"""What small tiles lose rises so with a unit's rate. Calibrated: what brings A40, A100 and H100 closest together."""
VECTOR = ("fp32",)
"""Computed by vector units, which draw less than the power allows."""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What is fitted on measured products, but overlap and gap; typical numbers where nobody measured.

    compute: share of the peak rate that the power allows for long: no kernel is faster. memory: share of the bandwidth
    that a large kernel reaches. launch: s for each kernel.
    edge: what small tiles lose where a unit makes 1 TFLOP/s of fp16: a tile of t x t reaches 1 / (1 + 128 edge / t) of
    the peak. tail: share of the last wave's idle units that smaller tiles, or tiles that follow each other without a
    stop, still use. write: share of the time of writing results that no computing hides.
    overlap: how well computing hides moving; time is (computing^overlap + moving^overlap)^(1/overlap).
    gap: s between kernels that follow each other.
    """

    compute: float
    memory: float
    launch: float
    edge: float
    overlap: float
    tail: float = 0.0
    write: float = 0.0
    gap: float = 0.0


@dataclass(frozen=True)
class Gpu:
    """peak: operations/s (2 a multiply-accumulate) by precision, without sparsity. bandwidth: bytes/s. power, idle: W.

    area: mm2. energy: J an operation at most, by precision, from the power that a sibling of the same process needs at
    its peak; where power / energy is less than the peak, the GPU cannot hold it.
    """

    name: str
    sources: tuple[str, ...]
    units: int
    peak: dict[str, float]
    bandwidth: float
    memory: float
    power: float
    idle: float
    area: float
    energy: dict[str, float]
    efficiency: Efficiency
    measured: bool

    def rate(self, precision: str) -> float:
        """Operations/s that last: what the power allows tensor units to hold; all that others have.

        Half as much power allows 0.7 of the clock: voltage falls with the clock, if not as fast.
        """
        wanted = self.energy.get(precision, 0.0) * self.peak[precision]
        slower = min(1.0, (self.power - self.idle) / wanted) ** 0.5 if wanted else 1.0
        return self.peak[precision] * slower * (1.0 if precision in VECTOR else self.efficiency.compute)

    def edge(self, precision: str) -> float:
        """What small tiles lose at a precision: it is the operands that do not come fast enough.

        From GPU to GPU, a unit that computes faster also reuses operands more, if not quite as much more. A precision
        that takes in fewer bytes a second at its peak loses less.
        """
        whole = self.peak.get("fp16", self.peak[precision])
        share = self.peak[precision] * BYTES[precision] / (whole * BYTES["fp16"])
        return self.efficiency.edge * float((whole / self.units / _UNIT) ** _REUSE) * min(1.0, share)

    @property
    def moved(self) -> float:
        """Bytes/s."""
        return self.bandwidth * self.efficiency.memory
