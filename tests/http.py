"""
Calling the API in tests: every answer is held against the published contract.

    api = calling(app, account)                      a key that may do everything, in that account
    answer = api.post("seats", {"user_id": …, "seat_type": "core"})
    answer.status_code, answer.json
"""

import json
from copy import deepcopy
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from licensing import sessions
from licensing.api.openapi import document
from licensing.operations import api_keys
from licensing.rules.permissions import Scope, system
from tests import hygiene
from tests.world import AnAccount

JSON_TYPES = ("application/json", "application/problem+json")


class ContractClient(FlaskClient):
    """A client that fails the test when an answer is not what the contract says."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request and check the answer."""
        answer = super().open(*args, **kwargs)
        hygiene.secrets_of(answer.request.headers.get("Authorization", ""))
        if b"_" in answer.data and not answer.mimetype.startswith("image/"):
            hygiene.secrets_of(answer.get_data(as_text=True))
        check_against_contract(self.application, answer)
        return answer


class Calling:
    """Somebody who calls the API; paths are relative to the account unless they begin with /."""

    def __init__(self, client: FlaskClient, token: str | None, account_id: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.account_id = account_id

    def get(self, path: str, **headers: str) -> TestResponse:
        """GET."""
        return self.send("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, key: str | None = None) -> TestResponse:
        """POST a JSON body, with an idempotency key if one is given."""
        return self.send("POST", path, body, {"Idempotency-Key": key} if key else {})

    def patch(self, path: str, body: Any, if_match: str | None = None) -> TestResponse:
        """PATCH with a JSON Merge Patch."""
        headers = {"If-Match": if_match} if if_match else {}
        return self.send("PATCH", path, body, headers, "application/merge-patch+json")

    def delete(self, path: str) -> TestResponse:
        """DELETE."""
        return self.send("DELETE", path)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> TestResponse:
        """Send any request."""
        absolute = path if path.startswith("/") else f"/v1/accounts/{self.account_id}/{path}"
        extra = {} if body is None else {"data": json.dumps(body), "content_type": content_type}
        return self.client.open(
            absolute, method=method, headers=self.headers | (headers or {}), **extra
        )


def calling(app: Flask, account: AnAccount, *scopes: Scope, bound: bool = True) -> Calling:
    """A service with a key of these scopes (all of them by default), bound to the account."""
    _, token = api_keys.create_key(
        system(), "test", list(scopes) or [Scope.ADMIN], account.id if bound else None
    )
    return Calling(a_client(app), token, account.id)


def signed_in(app: Flask, account: AnAccount, user_id: str) -> Calling:
    """A user with a session token."""
    token, _ = sessions.mint(account.id, user_id, sessions.SHORTEST)
    return Calling(a_client(app), token, account.id)


def nobody(app: Flask, account: AnAccount) -> Calling:
    """Somebody without any token."""
    return Calling(a_client(app), None, account.id)


def a_client(app: Flask) -> FlaskClient:
    """A client of the application that checks every answer against the contract."""
    return ContractClient(app, use_cookies=False)


def check_against_contract(app: Flask, answer: TestResponse) -> None:
    """Fail unless the status is documented for the operation and the body is as documented."""
    declared = _operation(app, answer)
    if declared is None:
        return
    path = declared.rule.replace("<", "{").replace(">", "}")
    described = _strict_contract(app)["paths"][path][declared.method.lower()]
    where = f"{declared.method} {path}: {answer.status_code}"
    assert str(answer.status_code) in described["responses"], f"{where} is not documented"
    assert answer.headers["X-Request-Id"]
    if answer.status_code in (204, 304):
        assert answer.data == b""
        return
    documented = _resolved(app, described["responses"][str(answer.status_code)])
    schema = documented["content"][answer.mimetype]["schema"]
    shown = answer.json if answer.mimetype in JSON_TYPES else answer.text
    mistakes = [
        f"{error.json_path}: {error.message}"
        for error in _validator(app, _frozen(schema)).iter_errors(shown)
    ]
    assert mistakes == [], f"{where} answers {shown}"


def _operation(app: Flask, answer: TestResponse) -> Any:
    if answer.request.method == "OPTIONS":
        return None  # a preflight of a browser is no operation
    urls = app.url_map.bind_to_environ(answer.request.environ)
    try:
        endpoint, _ = urls.match()
    except HTTPException:
        return None
    return getattr(app.view_functions[endpoint], "declared", None)


@cache
def _strict_contract(app: Flask) -> dict[str, Any]:
    """The contract, in which an answer has no member that is not documented."""
    strict = deepcopy(document(app))
    for name, schema in strict["components"]["schemas"].items():
        if "properties" in schema and name != "Problem":
            schema["additionalProperties"] = False
    return strict


def _resolved(app: Flask, response: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in response:
        name = response["$ref"].rsplit("/", 1)[-1]
        found: dict[str, Any] = _strict_contract(app)["components"]["responses"][name]
        return found
    return response


@cache
def _registry(app: Flask) -> Registry[Any]:
    contract = Resource.from_contents(_strict_contract(app), default_specification=DRAFT202012)
    return Registry().with_resource("contract:", contract)


@cache
def _validator(app: Flask, schema: str) -> Draft202012Validator:
    anchored = schema.replace('"#/', '"contract:#/')
    return Draft202012Validator(json.loads(anchored), registry=_registry(app))


def _frozen(schema: dict[str, Any]) -> str:
    return json.dumps(schema, sort_keys=True)
