"""Time, energy and area of neural networks on in-memory machines described in YAML.

Public names are resolved when first used, so that `import archsim` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archsim.graph import load_model
    from archsim.machine import load_machine
    from archsim.result.result import Result, load_result
    from archsim.simulation import simulate

__all__ = ["Result", "__version__", "load_machine", "load_model", "load_result", "simulate"]
__version__ = "0.1.0"

if not TYPE_CHECKING:  # a type checker sees the imports above, and thereby misspelt names
    _HOME = {
        "load_machine": "archsim.machine",
        "load_model": "archsim.graph",
        "Result": "archsim.result.result",
        "load_result": "archsim.result.result",
        "simulate": "archsim.simulation",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module 'archsim' has no attribute {name!r}")
        from importlib import import_module

        globals()[name] = value = getattr(import_module(_HOME[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
