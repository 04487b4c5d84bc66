"""Every event that the suite brings about, held against the schema that is published for it."""

import json
from functools import cache
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator

from licensing.api.event_types import PUBLISHED, json_schema
from licensing.models import Event
from webhooks.models import Notice

# An event of a shape that was seen already says nothing new.
_seen: set[tuple[str, Any]] = set()


def check_events(app: Flask) -> None:
    """Fail when an event in the database is not as its schema says."""
    told = [*Event.select(Event.type, Event.body), *Notice.select(Notice.type, Notice.body)]
    for row in told:
        event = json.loads(row.body)
        shape = (row.type, _shape(event))
        if shape not in _seen:
            _seen.add(shape)
            check_event(app, event)


def check_event(app: Flask, event: dict[str, Any]) -> None:
    """Fail unless the event is as the schema of its type says."""
    found = _validator(app, event["type"]).iter_errors(event)
    mistakes = [f"{error.json_path}: {error.message}" for error in found]
    assert mistakes == [], event


@cache
def _validator(app: Flask, kind: str) -> Draft202012Validator:
    schema = json_schema(app, PUBLISHED[kind][0].__name__)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _shape(value: Any) -> Any:
    """The members and the types of their values, without the values."""
    if isinstance(value, dict):
        return tuple(sorted((name, _shape(member)) for name, member in value.items()))
    if isinstance(value, list):
        return tuple(sorted({_shape(item) for item in value}, key=repr))
    return type(value).__name__
