"""The map of a profile: shades of what is above 0, stripes for what is below."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from archsim.report.profile import profile_map


def drawn(changes: dict[str, float]) -> Figure:
    rows = [{"block": 0, "key": f"layer 0/{name}", "delta_ppl": {"mean": each}} for name, each in changes.items()]
    return profile_map({"model": "m", "machine": "n", "projections": rows})


def test_what_is_below_0_has_stripes_and_a_legend_in_the_map() -> None:
    """Shades are of changes from 0 up: the negative one is masked in the picture below its stripes."""
    figure = drawn({"qkv": 2.0, "ffn up": -0.5, "ffn down": 1e-9})
    assert [each.get_hatch() for each in figure.axes[0].patches] == ["////"]
    left = figure.axes[0].transData.transform((0.5, 0))[0]
    assert figure.axes[0].patches[0].get_extents().x0 == left  # the second of three columns
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["change below 0"]
    shades: Any = np.ma.masked_invalid(np.ma.asarray(figure.axes[0].images[0].get_array()))
    assert shades.mask.tolist() == [[False, True, False]]
    assert shades[0, 2] == 2.0 / 1000  # less than a thousandth of the largest
    whole, none = drawn({"qkv": 2.0, "ffn up": 0.0}), drawn({"qkv": -2.0})
    assert (len(whole.legends), len(whole.axes[0].patches), len(whole.axes)) == (0, 0, 2)
    assert (len(none.legends), len(none.axes[0].patches), len(none.axes)) == (1, 1, 1)  # no scale of shades
