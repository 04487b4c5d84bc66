"""F9: while the network is cut nobody hangs, and when it is mended everything is delivered."""

import pytest

from tests.conftest import POSTGRES_URL
from tests.faults.cutting import run
from tests.faults.harness import a_seed
from tests.faults.networks import may_make_networks
from tests.requiring import needs

ROUNDS = 1
# As it would be without our own settings of the connection.
PATIENT = "tcp_user_timeout=0&keepalives=0&connect_timeout=2"


@pytest.fixture(autouse=True)
def _a_network() -> None:
    needs("network", may_make_networks(), "the right to make network namespaces")


def test_a_cut_network_leaves_nobody_hanging_and_loses_nothing() -> None:
    print(dict(run(a_seed(), ROUNDS)))  # noqa: T201


@pytest.mark.skipif(not POSTGRES_URL, reason="SQLite is reached through no network")
def test_a_connection_that_waits_for_ever_is_found() -> None:
    """The negative control."""
    with pytest.raises(TimeoutError):
        run(a_seed(), 1, PATIENT)
