import pytest

from archsim.report.blocks import cell, figure, percent, quantity


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


def test_a_percentage_has_two_decimals() -> None:
    assert percent(0.45674) == ("45.67", "%")


def test_a_cell_is_one_printable_line() -> None:
    assert cell("two\nlines\tand  \x1b[31mred\udc80") == "two lines and \\x1b[31mred\\udc80"
