"""Endpoints and their secrets: make, change, rotate, pause, enable, delete."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from licensing import clock, ids, settings
from licensing.db import transaction, transactional
from licensing.models import Account
from licensing.rules.permissions import MANAGE_WEBHOOKS, Actor, require
from licensing.rules.refusals import NotFound, PreconditionFailed
from webhooks import addresses, lanes, positions, secrets
from webhooks.access import locked_endpoint
from webhooks.event_types import is_filter
from webhooks.models import Endpoint, Secret
from webhooks.refusals import (
    EndpointGone,
    EventTypeUnknown,
    StartNotPossible,
    TooManyEndpoints,
    UrlNotAllowed,
)
from webhooks.rules import FULL_SPEED, EndpointStatus, Poison
from webhooks.waking import wake

MOST_ENDPOINTS = 100
MOST_LIVE_SECRETS = 3
USUAL_OVERLAP = timedelta(hours=24)
NOW, BEGINNING = "now", "beginning"


@dataclass(frozen=True)
class NewEndpoint:
    """
    What an endpoint is to be.

    Attributes:
        url: where events are posted.
        event_types: names of types, `noun.*`, `billing` or `*`.
        account_id: the one account whose events are sent, None for those of all.
        description: what it is for.
        headers: sent with every event.
        max_in_flight: how many events of different accounts may be on their way at once.
        rate: how many events a second at the most, None for as many as it takes.
        poison_policy: what becomes of an event that it goes on refusing.
        start: `now`, `beginning`, or, for one account, the sequence after which to begin.
    """

    url: str
    event_types: list[str]
    account_id: str | None = None
    description: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    max_in_flight: int = 4
    rate: int | None = None
    poison_policy: Poison = Poison.PARK
    start: str | int = NOW


@transactional
def create_endpoint(actor: Actor, wanted: NewEndpoint) -> tuple[Endpoint, str]:
    """
    Make an endpoint and its first secret, which is shown this once.

    It is `pending` until it has answered a signed challenge; what is told meanwhile waits in its
    lanes. Refuses with `UrlNotAllowed`, `EventTypeUnknown`, `StartNotPossible`, `TooManyEndpoints`,
    `NotFound` for the account, and `PermissionDenied`.
    """
    require(actor, MANAGE_WEBHOOKS)
    account_id = _account(actor, wanted.account_id)
    _refuse_too_many(account_id)
    _refuse_unknown_types(wanted.event_types)
    refuse_url(wanted.url)
    if account_id is not None or wanted.start != NOW:
        # That of one account refers to it. No account that is made after this has an old event.
        positions.hold(positions.accounts_of(account_id))
    lanes.hold_back_events()
    id, now = ids.new("whe"), clock.now()
    endpoint = Endpoint.create(
        id=id,
        account_id=account_id,
        url=wanted.url,
        description=wanted.description,
        event_types=list(dict.fromkeys(wanted.event_types)),
        headers=secrets.sealed_headers(id, wanted.headers),
        header_names=sorted(wanted.headers),
        max_in_flight=wanted.max_in_flight,
        rate=wanted.rate,
        poison_policy=wanted.poison_policy,
        status=EndpointStatus.PENDING,
        failures=0,
        probes=0,
        successes=FULL_SPEED,
        warnings=0,
        next_send_at=0,
        paced_until=0,
        version=1,
        created_at=now,
    )
    secret = secrets.add(id, now)
    _open_lanes(endpoint, wanted.start)
    transaction().afterwards["dispatcher"] = wake
    return endpoint, secret


def _account(actor: Actor, account_id: str | None) -> str | None:
    """A key that is bound to an account makes endpoints for that one only."""
    if account_id is None:
        return actor.account_id
    wanted = actor.within(account_id).account
    if Account.get_or_none(Account.id == wanted) is None:
        raise NotFound("account", wanted)
    return wanted


def _refuse_too_many(account_id: str | None) -> None:
    if account_id is None:
        there = Endpoint.account_id.is_null()
    else:
        there = Endpoint.account_id == account_id
    if Endpoint.select().where(there).count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints(MOST_ENDPOINTS)


def _refuse_unknown_types(wanted: list[str]) -> None:
    unknown = [one for one in wanted if not is_filter(one)]
    if unknown:
        raise EventTypeUnknown("event_types", unknown[0])


def _open_lanes(endpoint: Endpoint, start: str | int) -> None:
    """Lanes for what was told already; those for what will be told open by themselves."""
    if start == NOW:
        return
    after = 0 if start == BEGINNING else int(start)
    if after and endpoint.account_id is None:
        raise StartNotPossible("start", "a sequence is one of one account; name it as account_id")
    if endpoint.account_id is not None:
        last = Account.get_by_id(endpoint.account_id).last_sequence
        if after > last:
            raise StartNotPossible("start", f"the account's log ends with sequence {last}")
    for account_id in positions.accounts_of(endpoint.account_id):
        positions.rewind(endpoint, account_id, after)


def refuse_url(url: str) -> None:
    """Refuse an address that webhooks are not sent to (promise 9). Raises `UrlNotAllowed`."""
    try:
        addresses.parse(url, settings.current().webhook_allowed_hosts)
    except addresses.AddressRefused as refused:
        raise UrlNotAllowed("url", str(refused)) from None


@transactional
def update_endpoint(
    actor: Actor, endpoint_id: str, changes: dict[str, Any], if_match: int | None
) -> Endpoint:
    """
    Change an endpoint; another host has to answer a challenge before anything is sent there.

    `changes` is a JSON Merge Patch that was validated, in which `headers` replaces all of them. No
    cursor moves: what waits is sent to the new address, under the new filter. Refuses with
    `PreconditionFailed`, `UrlNotAllowed`, `EventTypeUnknown`, `NotFound` and `PermissionDenied`.
    """
    lanes.hold_back_events()
    endpoint = locked_endpoint(actor, endpoint_id)
    _refuse_stale(endpoint, if_match)
    columns = dict(changes)
    if "event_types" in columns:
        _refuse_unknown_types(columns["event_types"])
        columns["event_types"] = list(dict.fromkeys(columns["event_types"]))
    if "url" in columns:
        refuse_url(columns["url"])
        if _host(columns["url"]) != _host(endpoint.url):
            columns |= {"status": EndpointStatus.PENDING} | UNTRIED
    if "headers" in columns:
        columns |= _headers(endpoint, columns.pop("headers"))
    transaction().afterwards["dispatcher"] = wake
    return _changed(endpoint, **columns)


def _headers(endpoint: Endpoint, wanted: Mapping[str, str]) -> dict[str, Any]:
    """The columns of the headers if they are others: encrypted, the same ones would look new."""
    with suppress(secrets.Unreadable):
        if wanted == secrets.own_headers(endpoint):
            return {}
    sealed = secrets.sealed_headers(endpoint.id, wanted)
    return {"headers": sealed, "header_names": sorted(wanted)}


def _refuse_stale(endpoint: Endpoint, if_match: int | None) -> None:
    if if_match not in (None, endpoint.version):
        raise PreconditionFailed("webhook_endpoint", endpoint.version)


def _host(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


# As an endpoint stands of which nothing is known yet.
UNTRIED = {
    "failures": 0,
    "probes": 0,
    "warnings": 0,
    "failing_since": None,
    "successes": FULL_SPEED,
    "next_send_at": 0,
}


@transactional
def pause_endpoint(actor: Actor, endpoint_id: str) -> Endpoint:
    """
    Send nothing to an endpoint until it is enabled; its cursors stand still, nothing is lost.

    Refuses with `EndpointGone`, `NotFound` and `PermissionDenied`.
    """
    endpoint = locked_endpoint(actor, endpoint_id)
    if endpoint.status == EndpointStatus.GONE:
        raise EndpointGone(endpoint.id)
    return _changed(endpoint, status=EndpointStatus.PAUSED)


@transactional
def enable_endpoint(actor: Actor, endpoint_id: str) -> Endpoint:
    """
    Send to an endpoint at once, from where its cursors stand, also where it was given up on.

    Who enables one that is pending vouches for it: no challenge is sent. Refuses with `NotFound`
    and `PermissionDenied`.
    """
    endpoint = locked_endpoint(actor, endpoint_id)
    enabled = _changed(endpoint, status=EndpointStatus.ACTIVE, **UNTRIED)
    transaction().afterwards["dispatcher"] = wake
    return enabled


@transactional
def delete_endpoint(actor: Actor, endpoint_id: str) -> None:
    """Delete an endpoint with all that is known of it. Refuses as `enable_endpoint`."""
    endpoint = locked_endpoint(actor, endpoint_id)
    Endpoint.delete().where(Endpoint.id == endpoint.id).execute()


@transactional
def rotate_secret(
    actor: Actor, endpoint_id: str, overlap: timedelta = USUAL_OVERLAP
) -> tuple[Endpoint, str]:
    """
    Make a new secret, which is shown this once; the former ones sign, too, for `overlap`.

    At most three are live at once: of more, the oldest end at once. Refuses as `enable_endpoint`.
    """
    endpoint = locked_endpoint(actor, endpoint_id)
    now = clock.now()
    until = now + overlap
    for number, row in enumerate(secrets.live(endpoint_id, now), start=1):
        ends = until if number < MOST_LIVE_SECRETS else now
        if row.expires_at is None or row.expires_at > ends:
            Secret.update(expires_at=ends).where(
                Secret.endpoint_id == endpoint_id, Secret.id == row.id
            ).execute()
    secret = secrets.add(endpoint_id, now)
    endpoint.version += 1
    endpoint.save()
    return endpoint, secret


def _changed(endpoint: Endpoint, **changes: Any) -> Endpoint:
    """The endpoint after a change; one that changes nothing has the same version (R32)."""
    differs = {name: value for name, value in changes.items() if getattr(endpoint, name) != value}
    if differs:
        differs["version"] = endpoint.version + 1
        Endpoint.update(**differs).where(Endpoint.id == endpoint.id).execute()
        for name, value in differs.items():
            setattr(endpoint, name, value)
    return endpoint
