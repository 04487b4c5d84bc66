"""F15: a command is answered when it is on the disk."""

import pytest

from tests.conftest import POSTGRES_URL
from tests.faults.harness import a_seed
from tests.faults.syncing import OFF, may_trace, run
from tests.requiring import needs

COMMANDS, OF_THE_CONTROL = 200, 20

pytestmark = pytest.mark.skipif(bool(POSTGRES_URL), reason="PostgreSQL synchronises its own files")


@pytest.fixture(autouse=True)
def _a_tracer() -> None:
    needs("trace", may_trace(), "strace, or the right to use it,")


def test_what_is_acknowledged_is_on_the_disk() -> None:
    print(dict(run(a_seed(), COMMANDS)))  # noqa: T201


def test_a_service_that_leaves_that_to_the_system_is_found() -> None:
    """The negative control."""
    with pytest.raises(AssertionError, match="the log was synchronised 0 times"):
        run(a_seed(), OF_THE_CONTROL, OFF)
