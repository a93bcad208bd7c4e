"""Random numbers by counter (Philox 4x32-10): each is a function of (seed, part, use) and its own number alone.

J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3. SC 2011.
"""

from hashlib import blake2b
from typing import Any

import numpy as np

from archsim.compiling import compiled

_ROUNDS = 10


def key(seed: int, part: str, use: str) -> int:
    """64 bits that stand for a seed, the part that draws, and what for."""
    return int.from_bytes(blake2b(f"{seed}/{part}/{use}".encode(), digest_size=8).digest(), "little")


def generator(seed: int, part: str, use: str) -> np.random.Generator:
    """Numpy's generator on the same kind of counter, for what is drawn once."""
    return np.random.Generator(np.random.Philox(key=key(seed, part, use)))


@compiled(inlined="source")
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:  # noqa: ANN401 (a block of the cipher)
    """Four random 32-bit words for a counter of four words and a key of two; all held in uint64."""
    low = np.uint64(0xFFFFFFFF)
    for _ in range(_ROUNDS):
        a = np.uint64(0xD2511F53) * c0
        b = np.uint64(0xCD9E8D57) * c2
        c0, c1 = (b >> np.uint64(32)) ^ c1 ^ k0, b & low
        c2, c3 = (a >> np.uint64(32)) ^ c3 ^ k1, a & low
        k0 = (k0 + np.uint64(0x9E3779B9)) & low
        k1 = (k1 + np.uint64(0xBB67AE85)) & low
    return c0, c1, c2, c3


@compiled(inlined="source")
def normals(counter: Any, lane: Any, word: Any) -> Any:  # noqa: ANN401
    """Two independent standard normal numbers for a counter of 64 bits, a lane of 64 and a key of 64 (Box-Muller)."""
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    a, b, _, _ = philox(counter & low, counter >> half, lane & low, lane >> half, word & low, word >> half)
    radius = np.sqrt(-2.0 * np.log((np.float64(a) + 1.0) * 2.0**-32))
    angle = 2.0 * np.pi * (np.float64(b) * 2.0**-32)
    return radius * np.cos(angle), radius * np.sin(angle)
