"""The page about LRMP's chip says what its script says."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_rows_of_the_smallest_network_are_up_to_date() -> None:
    """`python scripts/lrmp_tables.py` renews them all."""
    script = runpy.run_path(str(ROOT / "scripts" / "lrmp_tables.py"))
    page = (ROOT / "docs" / "lrmp.md").read_text()
    rows = script["rows"]("mlp-mnist")
    assert len(rows) == 12
    for row in rows:
        assert row in page
