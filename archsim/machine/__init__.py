"""Machines: YAML to a checked tree of parts."""

from archsim.machine.load import load_machine
from archsim.machine.machine import Machine

__all__ = ["Machine", "load_machine"]
