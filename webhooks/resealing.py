"""Encrypting anew, under the present secret key, what was encrypted under former ones."""

from collections.abc import Iterator

from licensing import idempotency, sealing
from licensing.db import for_update, transactional
from webhooks import secrets
from webhooks.models import Endpoint, Secret


def reseal() -> int:
    """Encrypt every stored secret anew, in small steps; returns how many there were."""
    return sum(_reseal_endpoint(id) for id in _endpoint_ids()) + idempotency.reseal()


def _endpoint_ids() -> Iterator[str]:
    yield from [row.id for row in Endpoint.select(Endpoint.id).order_by(Endpoint.id)]


@transactional
def _reseal_endpoint(endpoint_id: str) -> int:
    endpoint = for_update(Endpoint.select().where(Endpoint.id == endpoint_id)).get_or_none()
    if endpoint is None:
        return 0
    headers = secrets.sealed_headers(endpoint_id, secrets.own_headers(endpoint))
    Endpoint.update(headers=headers).where(Endpoint.id == endpoint_id).execute()
    rows = list(Secret.select().where(Secret.endpoint_id == endpoint_id))
    for row in rows:
        context = secrets.secret_context(endpoint_id, row.id)
        sealed = sealing.seal(secrets.opened(row).encode(), context)
        Secret.update(sealed=sealed).where(
            Secret.endpoint_id == endpoint_id, Secret.id == row.id
        ).execute()
    return 1 + len(rows)
