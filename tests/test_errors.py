import pickle

import pytest

from archsim.errors import ArchsimError, Fault, Place, UsageError, did_you_mean, near, quoted


def test_a_fault_is_its_place_two_spaces_and_its_message() -> None:
    assert str(Fault("unknown key", Place("a.yaml", 14, 9))) == "a.yaml:14:9  unknown key"
    assert str(Fault("unknown key")) == "unknown key"


def test_faults_are_sorted_by_place_as_numbers_and_the_placeless_come_last() -> None:
    error = ArchsimError(
        "no place",
        Fault("third", Place("b.yaml", 1, 1)),
        Fault("second", Place("a.yaml", 10, 1)),
        Fault("first", Place("a.yaml", 9, 50)),
    )
    assert [fault.message for fault in error.faults] == ["first", "second", "third", "no place"]
    assert str(error).splitlines() == [
        "a.yaml:9:50  first",
        "a.yaml:10:1  second",
        "b.yaml:1:1  third",
        "no place",
    ]


def test_faults_at_one_place_keep_their_order() -> None:
    place = Place("a.yaml", 1, 1)
    assert [f.message for f in ArchsimError(Fault("b", place), Fault("a", place)).faults] == ["b", "a"]


def test_an_error_travels_between_processes() -> None:
    error = UsageError(Fault("x", Place("a.yaml", 1, 2)), "y")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - of its own making
    assert type(copy) is UsageError
    assert copy.faults == error.faults


def test_did_you_mean_names_the_nearest_and_all_known() -> None:
    known = ["rate", "bits", "convert", "area"]
    assert did_you_mean("bitz", known) == "Did you mean 'bits'? Known: area, bits, convert, rate."
    assert did_you_mean("BITS", known) == "Did you mean 'bits'? Known: area, bits, convert, rate."
    assert did_you_mean("quux", known) == "Known: area, bits, convert, rate."
    assert did_you_mean("adk", ["adc"], what="Parts") == "Did you mean 'adc'? Parts: adc."
    assert did_you_mean("x", []) == "Known: none."


def test_did_you_mean_cuts_a_long_list() -> None:
    names = [f"part{i:02}" for i in range(15)]
    text = did_you_mean("quux", names)
    assert text == f"Known: {', '.join(names[:12])}, … and 3 more."
    assert "more" not in did_you_mean("quux", names[:12])


def test_names_that_differ_in_case_only_are_all_near() -> None:
    assert near("gbps", ["Gbps", "GBps", "time"]) == ("GBps", "Gbps")


def test_a_very_long_word_is_near_nothing() -> None:
    assert near("x" * 1_000_000, ["x" * 99]) == ()
    assert near("x" * 99, ["x" * 1_000_000]) == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", "'a'"),
        ("a\nb\x1b[31m", r"'a\nb\x1b[31m'"),
        ("µ", "'µ'"),
        ("x" * 100, "'" + "x" * 50 + "…" + "x" * 9 + "'"),
    ],
)
def test_quoted_text_is_one_short_printable_line(text: str, shown: str) -> None:
    assert quoted(text) == shown
