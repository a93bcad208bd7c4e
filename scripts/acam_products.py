"""Rectangles that store 4-bit products in an analog CAM, for `hw_configs/tables`: `python scripts/acam_products.py`.

Exact minimum covers by mixed-integer programming, for results that are Gray-coded 0 to 5 times. Ten seconds.
"""

from __future__ import annotations

import json
from pathlib import Path

from archsim.kernels.acam_cover import compile_product

FILE = Path(__file__).resolve().parent.parent / "hw_configs" / "tables" / "products_4b.json"
DEPTHS = range(6)


def main() -> None:
    """Write the file, a line for each bit."""
    lines = []
    for depth in DEPTHS:
        product = compile_product(lambda x, y: x * y, 4, depth=depth)
        bits = ",\n".join(json.dumps(cover.rectangles.tolist(), separators=(",", ":")) for cover in product.covers)
        lines.append(f'"{depth}": [\n{bits}\n]')
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
