"""The screen of webhooks, for operators with an API key."""

from licensing.operations import api_keys, buying
from licensing.rules.permissions import Scope, system
from tests.console.stage import Console, Opening
from tests.receivers import Receiver
from tests.webhooks.stage import Stage, a_stage
from tests.world import AnAccount, Hands, an_account


def a_key(*scopes: Scope) -> str:
    return api_keys.create_key(system(), "operators", list(scopes))[1]


def an_operator(opening: Opening, account: AnAccount, key: str) -> Console:
    operator = opening.super_admin(account)
    operator.go("Webhooks")
    operator.page.get_by_label("API key").fill(key)
    operator.press("Show webhooks")
    return operator


def test_an_operator_looks_at_an_endpoint_and_works_on_it(opening: Opening, hands: Hands) -> None:
    account = an_account(core=3)
    with Receiver() as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, None, "seats.*", "seat.*", description="Billing")
        buying.purchase_seats(account.super_admin, "core", 2)
        stage.deliver()
        operator = an_operator(opening, account, a_key(Scope.WEBHOOKS, Scope.READ))
        operator.page.get_by_role("link", name="Billing").click()

        _looks_at_a_delivery(operator)
        operator.press("Ping")
        operator.sees("The receiver answered 204 in")
        operator.press("Pause")
        operator.hears("Paused. Nothing is lost; events wait.")
        operator.press("Resume")
        operator.hears("Deliveries go on.")
        _replays(operator, stage, receiver)
        operator.press("Rotate secret…")
        operator.confirm("Make a new secret")
        operator.sees("It cannot be shown again.", operator.dialog)
        assert operator.dialog.get_by_label("Secret").input_value().startswith("whsec_")
        operator.press("Done")


def _looks_at_a_delivery(operator: Console) -> None:
    operator.sees("seats.purchased")
    operator.page.get_by_role("button", name="Details of seats.purchased").click()
    operator.sees("answered 204", operator.dialog)
    payload = operator.dialog.get_by_label("Payload")
    payload.wait_for()
    assert '"purchased_after": 5' in payload.inner_text()
    operator.dialog.get_by_role("button", name="Done").click()


def _replays(operator: Console, stage: Stage, receiver: Receiver) -> None:
    receiver.forget()
    operator.press("Replay…")
    operator.dialog.get_by_label("Since (UTC)").fill("2026-03-01T00:00")
    operator.sees("Events", operator.dialog)
    operator.confirm("Replay")
    operator.hears("will be sent again.")
    stage.deliver()
    assert "seats.purchased" in {event["type"] for event in receiver.events}


def test_a_failing_endpoint_says_since_when_and_what_waits(opening: Opening, hands: Hands) -> None:
    account = an_account(core=3)
    opening.errors_are_meant = True
    with Receiver(503) as receiver, a_stage(hands) as stage:
        stage.endpoint(receiver, account, "seats.*")
        buying.purchase_seats(account.super_admin, "core", 2)
        stage.deliver()
        operator = an_operator(opening, account, "sk_wrong")
        operator.page.get_by_role("alert").first.wait_for()
        operator.page.get_by_label("API key").fill(a_key(Scope.WEBHOOKS))
        operator.press("Show webhooks")
        operator.page.get_by_role("link", name=receiver.url).click()

        operator.sees("1 account waits")
        operator.page.get_by_role("button", name="Details of seats.purchased").click()
        operator.sees("answered 503", operator.dialog)
        operator.sees("This needs the scope read.", operator.dialog)
        operator.dialog.get_by_role("button", name="Done").click()
        operator.press("Ping")
        operator.page.locator(".ping-answer .bad").wait_for()
