"""`archsim acam`: tables of analog CAMs."""

import json

from tests.end_to_end.command import archsim


def test_gelu_does_not_fit_and_says_so() -> None:
    done = archsim("acam", "gelu", "--gray")
    assert (done.returncode, done.stderr) == (0, "")
    assert "rows_per_bit" in done.stdout
    assert "1 1 2 4 9 17 34 67  (highest bit first)" in done.stdout
    assert "does not fit: without its narrowest ranges " in done.stdout


def test_json_has_rows_and_cells() -> None:
    data = json.loads(archsim("acam", "sigmoid", "--bits", "8", "--gray", "--json").stdout)
    assert data["rows_per_bit"] == [64, 32, 16, 8, 4, 2, 1, 1]
    assert (data["rows"], data["cells"], data["fits"]) == (128, 128, True)
    coded = json.loads(archsim("acam", "tanh", "--bits", "8", "--input", "codes", "--json").stdout)
    assert coded["columns"] == 38
    product = json.loads(archsim("acam", "multiply", "--bits", "4", "--depth", "3", "--json").stdout)
    assert (product["columns"], product["gap"]) == (51, 0)


def test_the_whole_table_and_mistakes() -> None:
    assert len(archsim("acam", "relu", "--bits", "3", "--table").stdout.splitlines()) == 9 + 7
    done = archsim("acam", "gleu")
    assert done.returncode == 2
    assert done.stderr.startswith("unknown function 'gleu'. Did you mean 'gelu'?")
    assert archsim("acam", "gelu", "--arrays", "a").stderr == (
        "--arrays: found 'a'; expected whole numbers such as 1,2,2,5,8,16,32,64\n"
    )
