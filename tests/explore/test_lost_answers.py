"""Answers that are lost with the scheduler after they were made."""

from concurrent.futures import CancelledError

import pytest

pytest.importorskip("distributed")

from archsim.explore.dask_pool import _answers


class _Future:
    def __init__(self, status: str, found: object) -> None:
        self.status, self.found = status, found

    def result(self) -> object:
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found


def test_what_cannot_be_fetched_any_more_is_done_again() -> None:
    assert _answers(_Future("finished", [])) == []
    assert _answers(_Future("error", [])) is None
    assert _answers(_Future("finished", CancelledError("scheduler is gone"))) is None
    with pytest.raises(ZeroDivisionError):
        _answers(_Future("finished", ZeroDivisionError()))
