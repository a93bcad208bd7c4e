"""`archsim acam --expression` and `--points`: functions of one's own."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError, UsageError
from archsim.kernels.acam_study import compile_two
from archsim.kernels.expression import parse
from archsim.kernels.points import read_points
from tests.end_to_end.command import archsim


def test_a_formula_is_stored_as_the_function_of_that_name() -> None:
    for formula, name in (
        ("x*sigmoid(x)", "silu"),
        ("max(x, 0)", "relu"),
        ("(exp(x)-exp(-x))/(exp(x)+exp(-x))", "tanh"),
    ):
        own = json.loads(archsim("acam", "--expression", formula, "--gray", "--json").stdout)
        named = json.loads(archsim("acam", name, "--gray", "--range", "-4", "4", "--json").stdout)
        assert own["rows_per_bit"] == named["rows_per_bit"]
        assert own["truncated"]["share_wrong"] == pytest.approx(named["truncated"]["share_wrong"], abs=1e-3)
        rms = [row["rms"] for row in own["against_bits"]]
        assert all(fewer > more for fewer, more in pairwise(rms))
        step = (own["outputs"][1] - own["outputs"][0]) / 255
        assert own["error"]["rms"] <= step / np.sqrt(12) * 1.01
        assert own["error"]["largest"] <= step / 2 * 1.001
        noise = [row["rms"] for row in own["against_noise"]]
        assert noise[0] == own["error"]["rms"] < noise[-1]


def test_a_product_of_two_variables_takes_the_published_rectangles() -> None:
    """Of 4 bits, Gray-coded three times: 51 columns; with signs the codes of results begin below 0."""
    ends, codes = ((0.0, 15.0), (0.0, 15.0)), (0.0, 255.0)
    stored = compile_two(lambda x, y: x * y, 4, 8, ends, depth=3, out=codes)
    assert stored.product.rows_per_bit == (50, 49, 51, 48, 29, 15, 7, 6)
    words = ("acam", "--expression", "x*y", "--bits", "2", "--json")
    signed = json.loads(archsim(*words, "--range", "-1", "1").stdout)
    assert signed["outputs"] == [-1, 1]
    done = archsim(*words, "--range", "-1", "1", "--out-range", "0", "1")
    assert (done.returncode, done.stderr) == (2, "found results from -1 to 1; their codes go from 0 to 1\n")


def test_points_of_a_file(tmp_path: Path) -> None:
    x = np.linspace(-4, 4, 201)
    (tmp_path / "t.csv").write_text("x,result\n" + "".join(f"{a},{np.tanh(a)}\n" for a in x))
    own = json.loads(archsim("acam", "--points", "t.csv", "--gray", "--json", folder=tmp_path).stdout)
    named = json.loads(archsim("acam", "tanh", "--gray", "--json", folder=tmp_path).stdout)
    assert own["rows_per_bit"] == named["rows_per_bit"]
    pairs = "".join(f"{a},{b},{a + 2 * b}\n" for a in (0, 1, 2, 3) for b in (0, 5))
    (tmp_path / "p.csv").write_text(pairs)
    points = read_points(tmp_path / "p.csv")
    assert points.apply(np.array([0.5, 9.0]), np.array([2.5, -1.0])) == pytest.approx([5.5, 3.0])
    found = json.loads(archsim("acam", "--points", "p.csv", "--bits", "3", "--json", folder=tmp_path).stdout)
    assert (found["range"], found["range_y"], found["outputs"]) == ([0, 3], [0, 5], [0, 13])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2\n3\n", ":2:1  found '3'; expected as many numbers as before"),
        ("1,2\n3,b\n", ":2:1  found '3,b'; expected as many numbers as before"),
        ("1,2\n", ": found 1 points; expected two or more"),
        ("1,2\n1,3\n", ": found 2 points for 1 values of x; expected each once"),
        ("0,0,1\n0,1,1\n1,0,1\n1,0,2\n", ": found a point twice, and another not at all; expected each once"),
        ("0,0,1\n0,1,1\n1,0,1\n", ": found 3 points for 2 x 2 values of x and y; expected each once"),
        ("1,2\n2,inf\n", ":2:1  found '2,inf'; expected as many numbers as before"),
    ],
)
def test_points_that_are_none(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(ArchsimError) as caught:
        read_points(tmp_path / "p.csv")
    assert str(caught.value) == f"{tmp_path / 'p.csv'}{said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x*sigmod(x)", "column 3: unknown function 'sigmod'. Did you mean 'sigmoid'?"),
        ("x + z", "column 5: unknown name 'z'."),
        ("", "column 1: found ''; expected a formula of x (and y)"),
        ("3", "found '3', which is the same everywhere"),
        ("x**", "expected a formula of x (and y), such as x*sigmoid(x)"),
        ("__import__('os').system('true')", "expected numbers, x, y, + - * / **, brackets and functions"),
        ("x.real", "found 'x.real'; expected numbers, x, y"),
        ("[x for x in x]", "expected numbers, x, y"),
        ("x if x else y", "expected numbers, x, y"),
        ("True * x", "found 'True'; expected numbers"),
        ("1e999 * x", "expected numbers"),
        ("min(x)", "found 1 operand of min; expected 2"),
        ("y", "found y without x"),
        ("(" * 240 + "x" + ")" * 240, "column"),
        ("-" * 60 + "x", "more than 40 deep in brackets"),
        ("x" * 501, "found 501 characters; expected at most 500"),
    ],
)
def test_formulas_that_are_none(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert str(caught.value).startswith("--expression: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_formulas_are_those_of_numpy() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 50))
    assert parse("2*x**2 - y/3 + pi").apply(x, y) == pytest.approx(2 * x**2 - y / 3 + np.pi)
    assert parse("max(abs(x), exp(y)) * -e").apply(x, y) == pytest.approx(np.maximum(np.abs(x), np.exp(y)) * -np.e)
    assert parse("x - x + 1").apply(x) == pytest.approx(np.ones(50))


def test_stored_pairs_are_the_nearest_codes() -> None:
    stored = compile_two(lambda x, y: x - y, 3, 6, ((-1, 1), (0, 2)), depth=1)
    x, y = np.meshgrid(np.linspace(-1, 1, 8), np.linspace(0, 2, 8))
    results = stored.value(stored.product.search(*stored.codes(x, y)))
    assert np.abs(results - (x - y)).max() <= 4 / 63 / 2 + 1e-12


def test_a_figure_and_mistakes(tmp_path: Path) -> None:
    done = archsim("acam", "--expression", "x*y", "--bits", "3", "--plot", "a.svg", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    for words, said in (
        (("--expression", "x", "--plot", "a.gif"), "--plot a.gif: expected a name that ends in .svg or .png"),
        (("gelu", "--expression", "x"), "found 'gelu' and a function of one's own; expected one of them"),
        ((), "found no function; expected FUNCTION, --expression or --points"),
        (("gelu", "--out-bits", "4"), "found --out-bits, which goes with --expression and --points"),
        (("--expression", "x", "--range-y", "0", "1"), "found --range-y, which is of functions of x and y"),
        (("--expression", "x*y"), "found operands of 8 bits; rectangles of two variables are looked for up to 6"),
        (("--points", "none.csv"), "'none.csv': No such file or directory"),
        (("--expression", "x", "--points", "a.svg"), "found --expression and --points; expected one of them"),
    ):
        done = archsim("acam", *words, folder=tmp_path)
        assert done.returncode in (1, 2)
        assert done.stderr.startswith(said), done.stderr
