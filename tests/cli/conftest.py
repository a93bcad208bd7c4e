from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from archsim.cli import main
from tests.cli import fake


@pytest.fixture
def archsim(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call `archsim` with words in this process, the fake in place of all that lies behind it."""
    for target, stand_in in fake.REPLACED.items():
        monkeypatch.setattr(target, stand_in)
    runner = CliRunner()
    return lambda *words: runner.invoke(main, words, prog_name="archsim")
