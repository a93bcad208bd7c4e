"""Machine code from Python functions: the one module that calls numba, and says what is kept on the disk."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from numba import njit, types
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_INLINED: Final[dict[str, dict[str, Any]]] = {
    "not": {},
    "source": {"inline": "always"},
    "code": {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True},
}


class _Cache(FunctionCache):
    """Machine code on the disk, where that can be: what cannot be read or written is compiled, and not kept."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:  # noqa: ANN401 - numba's own types
        """What is kept for a signature; None where there is nothing, or nothing whole."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception:  # noqa: BLE001 - whatever a broken file makes it raise
            return None

    def save_overload(self, sig: Any, data: Any) -> None:  # noqa: ANN401
        """Keep it, if there is room."""
        with suppress(Exception):  # a disk that is full, or not there any more, is no reason to stop a run
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]


def compiled(*, inlined: Literal["not", "source", "code"] = "not", counting: bool = True) -> Callable[[F], F]:
    """Make a decorator that compiles a function at its first call, for the types that it is called with.

    Args:
        inlined: into its callers: before types are known (`source`), or as machine code (`code`; Python cannot call
            it then).
        counting: references to arrays are counted. A function that allocates nothing, and hands on nothing that was
            made on the way, may go without.

    Arithmetic is IEEE's, in the order in which it is written (no `fastmath`), on one thread (no `parallel`): the same
    bits everywhere. Machine code is kept where numba keeps it: in `NUMBA_CACHE_DIR`, in `__pycache__` beside the file,
    or in the user's folder of caches. Where none of them can be written it is compiled in each process.
    """
    options = _INLINED[inlined] | ({} if counting else {"_nrt": False})

    def decorate(function: F) -> F:
        made: Any = njit(**options)(function)
        with suppress(RuntimeError, OSError):  # no folder that can be written
            # What `cache=True` does, but for errors.
            made._cache = _Cache(function)  # type: ignore[no-untyped-call]  # noqa: SLF001
        code: F = made
        return code

    return decorate


def _population_count(_typing: Any, _word: Any) -> Any:  # noqa: ANN401 - numba's own types
    """Number of bits that are set in a 64-bit word: the processor's own instruction."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


population_count: Any = intrinsic(_population_count)
"""For compiled functions alone."""
