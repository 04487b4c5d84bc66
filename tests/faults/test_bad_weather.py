"""F10: every event is delivered or parked, and repeated only where nobody knows of its coming."""

import pytest

from tests.conftest import POSTGRES_URL
from tests.faults.delivering import run
from tests.faults.dispatching import careless
from tests.faults.harness import a_seed
from webhooks import jobs

EVENTS, OF_THE_CONTROL = 120, 20

pytestmark = pytest.mark.skipif(
    bool(POSTGRES_URL), reason="so many deliveries are tried on one database"
)


def test_in_bad_weather_every_event_is_delivered_and_repeated_only_with_an_excuse() -> None:
    totals = run(a_seed(), EVENTS)

    print(dict(totals))  # noqa: T201
    assert totals["attempts"] > totals["deliveries"] > totals["duplicates"] > 0


def test_a_dispatcher_that_moves_the_cursor_first_is_found() -> None:
    """The negative control."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "delivery", jobs.delivery)
        careless()
        with pytest.raises(AssertionError, match="was never told of"):
            run(a_seed(), OF_THE_CONTROL)
