"""F26: a service under a steady load answers as it should, and loses no memory."""

import pytest

from tests.conftest import POSTGRES_URL
from tests.faults.harness import a_seed
from tests.faults.steady import growth, work

# A release run loads the service for minutes; this says that it would notice.
SECONDS, SHARE = 3, 0.1


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


@pytest.mark.skipif(bool(POSTGRES_URL), reason="so short a load is tried on one database")
def test_under_a_steady_load_everything_is_answered_and_done_once() -> None:
    work(a_seed(), SECONDS, share=SHARE)


@pytest.mark.skipif(bool(POSTGRES_URL), reason="so short a load is tried on one database")
def test_a_service_that_is_away_for_a_moment_is_noticed() -> None:
    """The negative control."""
    with pytest.raises(AssertionError, match="no answer"):
        work(a_seed(), SECONDS, between_kills=1, share=SHARE)


def test_a_leak_is_told_from_what_is_taken_once() -> None:
    """The negative control of the memory's slope: 2 MB in ten minutes, and none."""
    at_first = [100.0 + second / 10 for second in range(300)]
    leaking = [130 + second / 300 for second in range(900)]

    assert growth(at_first + leaking) == pytest.approx(2)
    assert growth(at_first + [130.0] * 900) == pytest.approx(0)
