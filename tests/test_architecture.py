"""The list of modules in docs/architecture.md is that of today; every layer and file that the page names exists."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"


def test_the_list_of_modules_is_up_to_date() -> None:
    """`python scripts/architecture.py` renews it."""
    renewed = runpy.run_path(str(ROOT / "scripts" / "architecture.py"))["renewed"]
    text = PAGE.read_text(encoding="utf-8")
    assert renewed(text) == text


def test_every_file_that_it_names_exists() -> None:
    named = set(re.findall(r"`([\w/]+/[\w]+\.py)`", PAGE.read_text(encoding="utf-8")))
    assert len(named) > 15
    assert not [name for name in named if not (ROOT / "archsim" / name).is_file()]


def test_every_module_says_in_a_line_what_it_is() -> None:
    purpose = runpy.run_path(str(ROOT / "scripts" / "architecture.py"))["purpose"]
    lines = [purpose(path) for path in (ROOT / "archsim").rglob("*.py")]
    assert all(lines)
    assert len(set(lines)) == len(lines)
