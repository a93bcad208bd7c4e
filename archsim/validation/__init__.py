"""Published figures beside what archsim computes: `hw_configs/validation`, one file a paper."""

from archsim.validation.check import Checked, summary, validate

__all__ = ["Checked", "summary", "validate"]
