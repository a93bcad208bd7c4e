"""The README's example is what archsim prints."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_example_is_up_to_date() -> None:
    """`python scripts/readme.py` renews it."""
    renewed = runpy.run_path(str(ROOT / "scripts" / "readme.py"))["renewed"]
    text = (ROOT / "README.md").read_text()
    assert renewed(text) == text
