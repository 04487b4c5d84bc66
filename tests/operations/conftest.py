"""Every command keeps to one account, so that accounts can live on different machines."""

from collections.abc import Iterator

import pytest

from licensing.settings import Settings
from tests.crossing import watched


@pytest.fixture(autouse=True)
def keeps_to_one_account(service: Settings, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test when a transaction named two accounts, or wrote rows without naming any."""
    with watched() as seen:
        yield
    if request.node.get_closest_marker("of_all_accounts") is None:
        assert (seen.crossing, seen.unnamed) == ([], [])
