"""The published schemas of events (R29, R30)."""

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from licensing.api.openapi import document
from licensing.rules.event_types import EventType
from tests.emitted import check_event
from tests.http import calling
from tests.world import an_account
from webhooks.event_types import OperatorEvent

TYPES = [
    *(kind.value for kind in EventType),
    *(kind.value for kind in OperatorEvent),
    "webhook.verification",
    "webhook.ping",
]


def test_every_type_is_listed_with_its_schema_and_an_example(app: Flask) -> None:
    listed = calling(app, an_account()).get("/v1/event-types").json["items"]

    assert [item["type"] for item in listed] == TYPES
    for item in listed:
        Draft202012Validator.check_schema(item["json_schema"])
        assert list(Draft202012Validator(item["json_schema"]).iter_errors(item["example"])) == []


def test_the_contract_has_a_webhook_for_every_type(app: Flask) -> None:
    described = document(app)

    assert list(described["webhooks"]) == TYPES
    for kind, webhook in described["webhooks"].items():
        content = webhook["post"]["requestBody"]["content"]["application/json"]
        name = content["schema"]["$ref"].rpartition("/")[2]
        assert described["components"]["schemas"][name]["properties"]["type"]["enum"] == [kind]


def test_published_schemas_are_open_to_new_members(app: Flask) -> None:
    account = an_account()
    (started, *_) = [e for e in account.log() if e["type"] == "subscription.started"]
    started["data"]["object"]["a_member_of_tomorrow"] = 1

    check_event(app, started)


@pytest.mark.parametrize("lost", ["sequence", "data"])
def test_an_event_that_lacks_something_would_be_noticed(app: Flask, lost: str) -> None:
    """The negative control of the check that every test makes of its events."""
    account = an_account()
    event = account.log()[-1]
    del event[lost]

    with pytest.raises(AssertionError):
        check_event(app, event)
