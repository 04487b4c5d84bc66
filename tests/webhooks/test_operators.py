"""What operators are told of endpoints (promise 4), and what endpoints are not told."""

from tests.receivers import Receiver
from tests.webhooks.stage import a_stage
from tests.world import AnAccount, Hands, an_account
from webhooks.models import Notice


def _busy(company: AnAccount) -> None:
    company.user(seats=["core"])


def _told() -> list[str]:
    return [row.type for row in Notice.select().order_by(Notice.sequence)]


def test_operators_are_told_when_an_endpoint_works_again(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, Receiver() as operator, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        stage.endpoint(operator, None, "endpoint.*")
        receiver.answer = 500
        _busy(account)
        stage.pass_time(minutes=5)
        receiver.answer = 204
        stage.pass_time(minutes=2)

        failing, recovered = operator.events

    assert (failing["type"], recovered["type"]) == ("endpoint.failing", "endpoint.recovered")
    assert (failing["account_id"], failing["sequence"], recovered["previous_sequence"]) == (
        None,
        1,
        1,
    )
    assert failing["data"]["object"]["failing_since"] is not None
    assert recovered["data"]["object"]["failing_since"] is None


def test_an_endpoint_is_told_nothing_about_itself(hands: Hands) -> None:
    with Receiver() as operator, a_stage(hands) as stage:
        stage.endpoint(operator, None, "endpoint.*", "account.created")
        operator.answer = 500
        an_account()
        stage.pass_time(minutes=5)
        operator.answer = 204
        stage.pass_time(minutes=2)

    assert _told() == ["endpoint.failing", "endpoint.recovered"]
    assert {event["type"] for event in operator.events} == {"account.created"}


def test_a_star_does_not_ask_for_what_is_told_of_endpoints(hands: Hands) -> None:
    account = an_account(core=10)
    with Receiver() as receiver, Receiver() as other, a_stage(hands) as stage:
        stage.endpoint(receiver, account)
        stage.endpoint(other, None, "*")
        receiver.answer = 410
        _busy(account)
        stage.pass_time(minutes=5)

    assert _told() == ["endpoint.gone"]
    assert all(not event["type"].startswith("endpoint") for event in other.events)
