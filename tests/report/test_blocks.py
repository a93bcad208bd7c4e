import pytest

from archsim.report.blocks import cell, figure, percent, quantities, quantity


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (57603.4, "57603"),
        (999.96, "1000.0"),
        (380.71, "380.7"),
        (-2.5, "-2.500"),
        (0.0125, "0.01250"),
        (1.2e-7, "1.200e-07"),
        (3e12, "3.000e+12"),
    ],
)
def test_a_figure_has_four_digits_or_all_whole_ones(value: float, text: str) -> None:
    assert figure(value) == text


def test_a_quantity_is_a_number_and_a_prefixed_unit() -> None:
    assert quantity(0.0022, "s") == ("2.2", "ms")
    assert quantity(0.0, "J") == ("0", "J")
    assert quantity(8.54e-05, "m2") == ("85.4", "mm²")
    assert quantity(None, "s") == ("-", "-")


@pytest.mark.parametrize(
    ("values", "whole", "texts", "unit"),
    [
        ([0.0021, 2e-6, 0.0], 0.02813, ["2.100", "0.002", "0.000"], "mJ"),
        ([2.813e-4], 2.813e-4, ["281.30"], "µJ"),
        ([0.5, 1.5], 2.0, ["0.5000", "1.5000"], "J"),
        ([0.99999], 0.999999, ["0.99999"], "J"),
        ([1000.0, 1.0], 123456.0, ["1.00", "0.00"], "kJ"),
        ([0.0], 0.0, ["0"], "J"),
    ],
)
def test_shares_of_a_whole_are_in_its_unit(values: list[float], whole: float, texts: list[str], unit: str) -> None:
    """0.999999 J is written 1 J, so its shares are in J, not mJ."""
    assert quantities(values, "J", whole) == [(text, unit) for text in texts]


def test_a_percentage_has_two_decimals() -> None:
    assert percent(0.45674) == ("45.67", "%")


def test_a_cell_is_one_printable_line() -> None:
    assert cell("two\nlines\tand  \x1b[31mred\udc80") == "two lines and \\x1b[31mred\\udc80"
