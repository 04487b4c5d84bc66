"""The story of a customer, told by the client that openapi-python-client generates."""

import sys
from uuid import uuid4

from seatkeeper_attrs import AuthenticatedClient, models
from seatkeeper_attrs.api.accounts import create_account
from seatkeeper_attrs.api.events import list_events
from seatkeeper_attrs.api.purchases import purchase_seats
from seatkeeper_attrs.api.removals import schedule_removal
from seatkeeper_attrs.api.seats import assign_seat
from seatkeeper_attrs.api.subscriptions import checkout
from seatkeeper_attrs.api.users import create_user
from seatkeeper_attrs.api.webhook_endpoints import (
    create_webhook_endpoint,
    get_webhook_endpoint,
    update_webhook_endpoint,
)

address, token = sys.argv[1:]
client = AuthenticatedClient(base_url=address, token=token)

account = create_account.sync(client=client, body=models.AccountRequest(name="Acme"))
assert isinstance(account, models.Account)
assert account.pricing_model == models.PricingModel.SEAT_BASED
assert account.test_clock_id is None

order = models.CheckoutRequest(
    product="marketing",
    tier="professional",
    interval=models.Interval.MONTH,
    seats=[models.SeatLine(seat_type="core", quantity=1)],
)
subscription = checkout.sync(account.id, client=client, body=order, idempotency_key=str(uuid4()))
assert isinstance(subscription, models.Subscription)
assert subscription.term.number == 1
assert subscription.renews_at == subscription.term.ends_at

users = []
for name in ("Priya", "Noah"):
    person = models.UserRequest(email=f"{name}@example.com", name=name)
    person.status = models.UserRequestStatus.ACTIVE
    user = create_user.sync(account.id, client=client, body=person)
    assert isinstance(user, models.User)
    users.append(user)
priya, noah = users

wanted = models.SeatRequest(user_id=priya.id, seat_type="core")
seat = assign_seat.sync(account.id, client=client, body=wanted)
assert isinstance(seat, models.Seat)
assert seat.user_id == priya.id

wanted.user_id = noah.id
refused = assign_seat.sync_detailed(account.id, client=client, body=wanted)
assert refused.status_code == 409
assert isinstance(refused.parsed, models.Problem)
assert refused.parsed.code == "no_seat_available"
assert (refused.parsed["purchased"], refused.parsed["assigned"]) == (1, 1)

key = str(uuid4())
bought = models.PurchaseRequest(seat_type="core", quantity=2)
first = purchase_seats.sync(account.id, client=client, body=bought, idempotency_key=key)
again = purchase_seats.sync_detailed(account.id, client=client, body=bought, idempotency_key=key)
assert isinstance(first, models.Purchase)
assert again.headers["Idempotency-Replayed"] == "true"
assert again.parsed == first

leaving = models.RemovalRequest(seat_type="core", quantity=1)
removal = schedule_removal.sync(account.id, client=client, body=leaving)
assert isinstance(removal, models.Removal)
assert removal.status == models.RemovalStatus.SCHEDULED
assert (removal.current_quantity, removal.renewal_quantity) == (3, 2)

page = list_events.sync(account.id, client=client, limit=2)
assert isinstance(page, models.EventPage)
sequences = [event.sequence for event in page.items]
while page.next_cursor is not None:
    page = list_events.sync(account.id, client=client, limit=2, cursor=page.next_cursor)
    assert isinstance(page, models.EventPage)
    sequences += [event.sequence for event in page.items]
assert len(sequences) > 5
assert sequences == list(range(1, len(sequences) + 1))

receiver = models.WebhookEndpointRequest(
    url="http://127.0.0.1:9/seats", event_types=["seat.*"], account_id=account.id
)
endpoint = create_webhook_endpoint.sync(client=client, body=receiver)
assert isinstance(endpoint, models.NewWebhookEndpoint)
read = get_webhook_endpoint.sync_detailed(endpoint.id, client=client)
patch = models.WebhookEndpointPatch(description="Billing")
changed = update_webhook_endpoint.sync(
    endpoint.id, client=client, body=patch, if_match=read.headers["ETag"]
)
assert isinstance(changed, models.WebhookEndpoint)
assert changed.description == "Billing"
stale = update_webhook_endpoint.sync_detailed(
    endpoint.id, client=client, body=patch, if_match=read.headers["ETag"]
)
assert stale.status_code == 412
assert isinstance(stale.parsed, models.Problem)
assert stale.parsed.code == "precondition_failed"
