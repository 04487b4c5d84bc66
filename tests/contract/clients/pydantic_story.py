"""The story of a customer, told by the client that openapi-generator makes from the 3.0 file."""

import sys
from uuid import uuid4

import pytest
import seatkeeper_pydantic as seatkeeper
from seatkeeper_pydantic.exceptions import ApiException, ConflictException

address, token = sys.argv[1:]
api = seatkeeper.ApiClient(seatkeeper.Configuration(host=address, access_token=token))

account = seatkeeper.AccountsApi(api).create_account(seatkeeper.AccountRequest(name="Acme"))
assert account.pricing_model == seatkeeper.PricingModel.SEAT_BASED
assert account.test_clock_id is None

order = seatkeeper.CheckoutRequest(
    product="marketing",
    tier="professional",
    interval=seatkeeper.Interval.MONTH,
    seats=[seatkeeper.SeatLine(seat_type="core", quantity=1)],
)
subscription = seatkeeper.SubscriptionsApi(api).checkout(account.id, str(uuid4()), order)
assert subscription.term.number == 1
assert subscription.renews_at == subscription.term.ends_at

people = seatkeeper.UsersApi(api)
priya, noah = (
    people.create_user(
        account.id,
        seatkeeper.UserRequest(email=f"{name}@example.com", name=name, status="active"),
    )
    for name in ("Priya", "Noah")
)
assert priya.invitation is None

seats = seatkeeper.SeatsApi(api)
seat = seats.assign_seat(account.id, seatkeeper.SeatRequest(user_id=priya.id, seat_type="core"))
assert seat.user_id == priya.id
with pytest.raises(ConflictException) as refused:
    seats.assign_seat(account.id, seatkeeper.SeatRequest(user_id=noah.id, seat_type="core"))
assert refused.value.data.code == "no_seat_available"
assert refused.value.data.additional_properties["purchased"] == 1

key = str(uuid4())
purchases = seatkeeper.PurchasesApi(api)
bought = seatkeeper.PurchaseRequest(seat_type="core", quantity=2)
first = purchases.purchase_seats(account.id, key, bought)
again = purchases.purchase_seats_with_http_info(account.id, key, bought)
assert again.headers["idempotency-replayed"] == "true"
assert again.data == first

leaving = seatkeeper.RemovalRequest(seat_type="core", quantity=1)
removal = seatkeeper.RemovalsApi(api).schedule_removal(account.id, leaving)
assert removal.status == seatkeeper.RemovalStatus.SCHEDULED
assert (removal.current_quantity, removal.renewal_quantity) == (3, 2)

log = seatkeeper.EventsApi(api)
page = log.list_events(account.id, limit=2)
sequences = [event.sequence for event in page.items]
while page.next_cursor is not None:
    page = log.list_events(account.id, limit=2, cursor=page.next_cursor)
    sequences += [event.sequence for event in page.items]
assert len(sequences) > 5
assert sequences == list(range(1, len(sequences) + 1))

endpoints = seatkeeper.WebhookEndpointsApi(api)
receiver = seatkeeper.WebhookEndpointRequest(
    url="http://127.0.0.1:9/seats", event_types=["seat.*"], account_id=account.id
)
endpoint = endpoints.create_webhook_endpoint(receiver)
etag = endpoints.get_webhook_endpoint_with_http_info(endpoint.id).headers["etag"]
patch = seatkeeper.WebhookEndpointPatch(description="Billing")
assert endpoints.update_webhook_endpoint(endpoint.id, etag, patch).description == "Billing"
with pytest.raises(ApiException) as stale:
    endpoints.update_webhook_endpoint(endpoint.id, etag, patch)
assert (stale.value.status, stale.value.data.code) == (412, "precondition_failed")
