"""What run.json says of an error."""

import pytest

from flows.record import failure_message


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_what_follows_from_an_interruption_is_one(interruption: type[BaseException]) -> None:
    error = ValueError("Task run is not set")
    error.__context__ = interruption()
    assert failure_message(error) == "interrupted"


def test_an_error_is_told_in_one_line() -> None:
    assert failure_message(ValueError("no\n such  cell")) == "no such cell"
    assert failure_message(TimeoutError()) == "TimeoutError"
