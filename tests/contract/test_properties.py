"""
The service held against its contract by somebody else's imagination: schemathesis.

It makes requests of every operation from the contract alone, with data that is right and wrong, and
sequences of them, and judges each answer by the contract. SEATKEEPER_TEST_EXAMPLES says how many
examples of each operation it makes up, beside those that it always tries.
"""

import os
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.engine import events, from_schema

from licensing.rules.permissions import Permission, Scope
from tests.http import Calling, calling, document, nobody, signed_in
from tests.world import AnAccount, an_account

EXAMPLES = int(os.environ.get("SEATKEEPER_TEST_EXAMPLES", "1"))
CALLERS = ("nobody", "viewer", "user admin", "billing admin", "super admin", "API key")
ADMINISTRATORS = {
    "user admin": [Permission.MANAGE_USERS],
    "billing admin": [Permission.MODIFY_BILLING],
    "super admin": [Permission.SUPER_ADMIN],
}
REFUSED = [400, 401, 403, 404, 409, 410, 412, 422, 428, 429]


def _caller(app: Flask, account: AnAccount, who: str) -> Calling:
    if who == "nobody":
        return nobody(app, account)
    if who == "API key":
        return calling(app, account, Scope.ADMIN, bound=False)
    return signed_in(app, account, account.user(who, permissions=ADMINISTRATORS.get(who, [])))


def _config(caller: Calling) -> schemathesis.Config:
    return schemathesis.Config.from_dict(
        {
            "headers": caller.headers,
            "seed": 1,
            "parameters": {"path.account_id": caller.account_id},
            "generation": {"max-examples": EXAMPLES, "database": "none"},
            "phases": {"stateful": {"max-steps": 5}},
            "checks": {
                # Right data may be refused as things stand, and the key may be missing first.
                "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", *REFUSED]},
                "missing_required_header": {"expected-statuses": REFUSED},
                # It calls the application in a way that Werkzeug does not know; who may do what
                # has tests of its own.
                "ignored_auth": {"enabled": False},
            },
        }
    )


def _failures(app: Flask, caller: Calling, contract: dict[str, Any]) -> Iterator[str]:
    schema = schemathesis.openapi.from_dict(contract, config=_config(caller))
    schema.app = app
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            yield repr(event)
        if isinstance(event, events.ScenarioFinished):
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info is not None:
                        failure = check.failure_info.failure
                        yield f"{failure.operation}: {failure.title}: {failure.message}"


def _share(contract: dict[str, Any], number: int, of: int) -> dict[str, Any]:
    """The contract with every so manieth path, so that all callers together have them all."""
    paths = list(contract["paths"].items())[number::of]
    return {name: part for name, part in contract.items() if name != "webhooks"} | {
        "paths": dict(paths)
    }


@pytest.mark.parametrize("who", CALLERS)
def test_whatever_is_made_up_is_answered_as_the_contract_says(app: Flask, who: str) -> None:
    account = an_account()
    caller = _caller(app, account, who)
    shares = 1 if EXAMPLES > 1 else len(CALLERS)

    contract = _share(document(app), CALLERS.index(who) % shares, shares)

    assert list(_failures(app, caller, contract)) == []


def test_a_service_that_breaks_its_contract_is_found_out(app: Flask) -> None:
    account = an_account()
    contract = document(app)
    pools = "/v1/accounts/{account_id}/pools"
    broken = contract | {"paths": {pools: deepcopy(contract["paths"][pools])}}
    del broken["paths"][pools]["get"]["responses"]["200"]

    found = list(_failures(app, _caller(app, account, "API key"), broken))

    assert "Undocumented status code: Received: 200" in "\n".join(found)
