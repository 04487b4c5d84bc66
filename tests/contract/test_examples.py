"""Every operation has an example, which is what the service really answers."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Scope
from tests.contract import story
from tests.contract.recording import Recorder
from tests.http import calling, document
from tests.world import Hands, a_free_account

EXAMPLES = Path(__file__).parent.parent.parent / "openapi/examples"


def _written() -> dict[str, Any]:
    return {file.stem: json.loads(file.read_text()) for file in sorted(EXAMPLES.glob("*.json"))}


def _operations(app: Flask) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for operations in document(app)["paths"].values()
        for method, operation in operations.items()
        if method != "parameters"
    }


@pytest.fixture
def recorder(app: Flask, hands: Hands) -> Recorder:
    """The story, told."""
    key = calling(app, a_free_account(), Scope.ADMIN, bound=False)
    key.client.environ_base["HTTP_AUTHORIZATION"] = key.headers["Authorization"]
    recorder = Recorder(key.client)
    story.told(recorder, hands)
    return recorder


def test_every_example_is_what_is_really_answered(recorder: Recorder) -> None:
    if "SEATKEEPER_TEST_RECORD" in os.environ:
        for operation, example in recorder.examples.items():
            text = json.dumps(example, indent=2, ensure_ascii=False) + "\n"
            (EXAMPLES / f"{operation}.json").write_text(text)

    written = _written()
    assert written.keys() == recorder.examples.keys()
    for operation, example in recorder.examples.items():
        assert example == written[operation], operation


def test_every_operation_has_its_example_in_the_contract(app: Flask) -> None:
    written, operations = _written(), _operations(app)

    assert written.keys() == operations.keys()
    for name, operation in operations.items():
        sent, answered = written[name]["request"], written[name]["response"]
        shown = operation["responses"][str(answered["status"])]
        for body, described in (
            (sent["body"], operation.get("requestBody")),
            (answered["body"], shown),
        ):
            if body is not None:
                assert next(iter(described["content"].values()))["example"] == body, name
