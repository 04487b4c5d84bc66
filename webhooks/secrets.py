"""The signing secrets and own headers of endpoints, encrypted at rest and bound to their rows."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag

from licensing import ids, sealing
from licensing.compiled import compiled
from webhooks import signing
from webhooks.models import Endpoint, Secret


class Unreadable(Exception):
    """What is stored was encrypted under a secret key that is not among the settings."""


def add(endpoint_id: str, now: datetime) -> str:
    """A new signing secret, which is to be shown this once."""
    secret, id = signing.new_secret(), ids.new("whs")
    Secret.create(
        endpoint_id=endpoint_id,
        id=id,
        sealed=sealing.seal(secret.encode(), secret_context(endpoint_id, id)),
        created_at=now,
    )
    return secret


def live(endpoint_id: str, now: datetime) -> list[Secret]:
    """The secrets that have not expired, the newest first."""
    return _live.models(endpoint_id, now)


@compiled
def _live(endpoint_id: Any, now: Any) -> Any:
    lasting = Secret.expires_at.is_null() | (Secret.expires_at > now)
    rows = Secret.select().where(Secret.endpoint_id == endpoint_id, lasting)
    return rows.order_by(Secret.id.desc())


def opened(row: Secret) -> str:
    """The secret itself. Raises `Unreadable`."""
    return _unsealed(row.sealed, secret_context(row.endpoint_id, row.id)).decode()


def _unsealed(sealed: str, context: str) -> bytes:
    try:
        return sealing.unseal(sealed, context)
    except InvalidTag:
        raise Unreadable(context) from None


def secret_context(endpoint_id: str, secret_id: str) -> str:
    """What a sealed secret is bound to: its row."""
    return f"webhook_secrets/{endpoint_id}/{secret_id}"


def headers_context(endpoint_id: str) -> str:
    """What sealed headers are bound to: their row."""
    return f"webhook_endpoints/{endpoint_id}/headers"


def sealed_headers(endpoint_id: str, headers: Mapping[str, str]) -> str:
    """The endpoint's own headers as they are stored: they may hold a password."""
    return sealing.seal(json.dumps(dict(headers)).encode(), headers_context(endpoint_id))


def own_headers(endpoint: Endpoint) -> dict[str, str]:
    """The headers that the endpoint's owner wants sent. Raises `Unreadable`."""
    content = _unsealed(endpoint.headers, headers_context(endpoint.id))
    headers: dict[str, str] = json.loads(content)
    return headers
