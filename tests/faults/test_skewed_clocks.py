"""F11: dispatchers who do not agree on the time take nothing from each other."""

import pytest

from tests.conftest import POSTGRES_URL
from tests.faults.harness import a_seed
from tests.faults.skewing import LIBRARY, run
from tests.requiring import needs

EVENTS, OF_THE_CONTROL = 200, 60
HISTORIES_OF_THE_CONTROL = 4

pytestmark = pytest.mark.skipif(
    not POSTGRES_URL, reason="SQLite's clock is that of the machine, which all dispatchers share"
)


@pytest.fixture(autouse=True)
def _a_wrong_clock() -> None:
    needs("clocks", LIBRARY.exists(), "libfaketime")


def test_dispatchers_with_wrong_clocks_send_each_event_once() -> None:
    print(dict(run(a_seed(), EVENTS)))  # noqa: T201


def test_dispatchers_that_go_by_their_own_clocks_are_found() -> None:
    """The negative control; on a busy machine one history in some shows nothing."""

    def some_histories() -> None:
        for _ in range(HISTORIES_OF_THE_CONTROL):
            run(a_seed(), OF_THE_CONTROL, ("+0", "+1h"), "own")

    with pytest.raises(AssertionError, match="were sent twice"):
        some_histories()
