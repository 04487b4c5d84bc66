"""Endpoints and dispatchers share what there is (promises 5 to 7)."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from licensing import clock, db, events
from licensing.compiled import compiled
from licensing.db import for_update, transactional
from licensing.row_security import EVERY_ACCOUNT
from licensing.rules.permissions import system
from licensing.settings import Settings, current
from tests.receivers import Answer, Received, Receiver
from tests.webhooks.stage import a_stage, endpoint
from tests.world import START, Hands, an_account
from webhooks import dispatcher, endpoints, lanes, messages, outcomes, positions, waking
from webhooks.dispatcher import Dispatcher
from webhooks.models import Attempt, Endpoint, Lane
from webhooks.operations import endpoints as endpoint_operations
from webhooks.operations import replaying
from webhooks.operations.endpoints import NewEndpoint
from webhooks.rules import Breaker, Occasion
from webhooks.transport import Outcome, Transport


@contextmanager
def _running(number: int = 1, **options: object) -> Iterator[list[Dispatcher]]:
    """So many dispatchers at work in threads of their own."""
    allowed = current().webhook_allowed_hosts
    working = [Dispatcher(Transport(allowed), **options) for _ in range(number)]  # type: ignore[arg-type]
    threads = [threading.Thread(target=one.run) for one in working]
    for thread in threads:
        thread.start()
    try:
        yield working
    finally:
        for one in working:
            one.stop()
        for thread in threads:
            thread.join(timeout=30)


def test_promise_5_a_dead_endpoint_among_ten_does_not_hold_up_the_nine(hands: Hands) -> None:
    companies = [an_account(core=10) for _ in range(6)]
    alive = threading.Event()
    with a_stage(hands) as stage, Receiver(lambda _: Answer(after=alive)) as dead:
        living = [Receiver() for _ in range(9)]
        for receiver in living:
            receiver.start()
        for receiver in (dead, *living):
            stage.endpoint(receiver, None, "user.created")
        with _running():
            for company in companies:
                company.user(seats=[])
                company.user(seats=[])
            for receiver in living:
                receiver.wait_for(12)
            hanging = len(dead.requests)
            alive.set()
            dead.wait_for(12)
        for receiver in living:
            receiver.stop()

    assert hanging == 4  # in flight at once, per endpoint and dispatcher
    assert len(dead.events) == 12


def test_promise_5_without_a_limit_a_dead_endpoint_would_hold_up_the_others(hands: Hands) -> None:
    """The negative control: as much may be on its way to one endpoint as there are senders."""
    companies = [an_account(core=10) for _ in range(4)]
    alive = threading.Event()
    with (
        a_stage(hands) as stage,
        Receiver(lambda _: Answer(after=alive)) as dead,
        Receiver() as receiver,
    ):
        stage.endpoint(dead, None, "user.created", max_in_flight=4)
        stage.endpoint(receiver, None, "user.deactivated")
        with _running(senders=4):
            for company in companies:
                company.user(seats=[])
            dead.wait_for(4)
            companies[0].deactivate(companies[0].user(seats=[]))
            with pytest.raises(AssertionError):
                receiver.wait_for(1, seconds=0.5)
            alive.set()
            receiver.wait_for(1)


def test_promise_5_endpoints_in_trouble_share_half_of_the_senders(hands: Hands) -> None:
    company = an_account(core=10)
    alive = threading.Event()
    with a_stage(hands) as stage, Receiver(503) as dead, Receiver() as receiver:
        troubled = [stage.endpoint(dead, None, "user.created") for _ in range(6)]
        stage.endpoint(receiver, None, "seat.assigned")
        company.user(seats=[])
        stage.pass_time(minutes=1)
        assert all(endpoint(id).failures >= 5 for id in troubled)
        dead.forget()
        dead.answer = lambda _: Answer(after=alive)
        hands.move(minutes=2)
        with _running(senders=4, now=stage.now):
            dead.wait_for(2)
            company.user(seats=["core"])
            receiver.wait_for(1)
            company.user(seats=["core"])
            receiver.wait_for(2)
            assert len(dead.requests) == 2
            alive.set()


def test_promise_6_a_commit_wakes_the_dispatcher(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "SECONDS_BETWEEN_LOOKS", 3600)
    company = an_account(core=10)
    with a_stage(hands) as stage, Receiver() as receiver:
        stage.endpoint(receiver, None, "user.created")
        with _running():
            for number in range(5):
                company.user(seats=[])
                receiver.wait_for(number + 1)


def test_promise_6_and_without_being_woken_it_looks_by_itself(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "wake", lambda: None)
    company = an_account(core=10)
    with a_stage(hands) as stage, Receiver() as receiver:
        stage.endpoint(receiver, None, "user.created")
        with _running():
            company.user(seats=[])
            receiver.wait_for(1)


def test_promise_6_postgresql_wakes_other_processes(service: Settings) -> None:
    if service.on_sqlite:
        pytest.skip("SQLite has one process, whose bells are rung directly")
    rung, stopped = waking.bell(), threading.Event()
    listening = threading.Thread(target=waking.listen, args=(service.database_url, stopped.is_set))
    listening.start()
    try:
        assert rung.wait(10)  # it listens
        rung.clear()
        db.db.execute_sql(f"NOTIFY {waking.CHANNEL}")
        assert rung.wait(10)
    finally:
        stopped.set()
        listening.join()


def test_promise_7_dispatchers_share_the_work_whatever_their_clocks_say(hands: Hands) -> None:
    companies = [an_account(core=10) for _ in range(12)]
    chance = random.Random(7)  # noqa: S311

    def wrong() -> object:
        return START + timedelta(seconds=chance.uniform(-3600, 3600))

    with a_stage(hands) as stage, Receiver() as receiver:
        stage.endpoint(receiver, None, "user.created", max_in_flight=16)
        with clock.reading(wrong), _running(3):  # type: ignore[arg-type]
            for _ in range(5):
                for company in companies:
                    company.user(seats=[])
            receiver.wait_for(60)

    seen = [event["id"] for event in receiver.events]
    assert len(seen) == len(set(seen)) == 60


def test_promise_7_clocks_of_their_own_would_make_them_send_twice(hands: Hands) -> None:
    """The negative control: leases that are judged by clocks an hour apart."""
    company = an_account(core=10)
    taken = threading.Event()
    with a_stage(hands) as stage, Receiver(lambda _: Answer(after=taken)) as receiver:
        stage.endpoint(receiver, None, "user.created")
        company.user(seats=[])
        ahead = Dispatcher(
            Transport(current().webhook_allowed_hosts), now=lambda: stage.now() + 3_600_000
        )
        late = threading.Thread(target=_delivering, args=(stage.dispatcher,))
        early = threading.Thread(target=_delivering, args=(ahead,))
        late.start()
        receiver.wait_for(1)
        early.start()
        receiver.wait_for(2)
        taken.set()
        late.join()
        early.join()
        ahead.close()

    assert len(receiver.requests) == 2


def _delivering(one: Dispatcher) -> None:
    with db.connection(EVERY_ACCOUNT):
        one.deliver_all()
    db.close()


def test_promise_7_who_has_lost_the_lease_changes_nothing(hands: Hands) -> None:
    company = an_account(core=10)
    with a_stage(hands) as stage, a_stage(hands) as other, Receiver() as receiver:
        id = stage.endpoint(receiver, company, "user.created")

        def answer(_: Received) -> Answer:
            if len(receiver.requests) == 1:
                # It has taken so long that the lease is over, and another one delivers it.
                hands.move(seconds=60)
                thread = threading.Thread(target=_delivering, args=(other.dispatcher,))
                thread.start()
                thread.join()
                return Answer(500)
            return Answer(204)

        receiver.answer = answer
        company.user(seats=[])
        stage.deliver()
        lane = stage.lane(id, company)

    assert len(receiver.requests) == 2
    assert (lane.state, lane.cursor, lane.refusals) == ("idle", lane.head, 0)
    assert Attempt.select().count() == 2


@pytest.mark.parametrize(
    ("lock", "tries"), [(endpoints.LOCK, 2), ("FOR UPDATE", 3)], ids=["as it is", "control"]
)
def test_promise_7_dispatchers_that_settle_at_once_do_not_wait_for_each_other(
    service: Settings, hands: Hands, monkeypatch: pytest.MonkeyPatch, lock: str, tries: int
) -> None:
    if service.on_sqlite:
        pytest.skip("SQLite has one writer at a time")
    company = an_account(core=10)
    with a_stage(hands) as stage, Receiver() as receiver:
        id = stage.endpoint(receiver, company, "user.created")
    message = messages.outside_of_logs(endpoint(id), messages.PING, {})
    locked = compiled(lambda id: for_update(Endpoint.select().where(Endpoint.id == id), lock))
    monkeypatch.setattr(endpoints, "_locked_endpoint", locked)
    both, tried = threading.Barrier(2), list[str]()

    @transactional
    def settle() -> None:
        tried.append(threading.current_thread().name)
        outcomes.note_attempt(company.id, id, message, Outcome(204), Occasion.DELIVERY)
        if len(tried) <= 2:
            both.wait(10)
        endpoints.locked(id)

    def work() -> None:
        with db.connection(EVERY_ACCOUNT):
            settle()
        db.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tried) == tries
    assert Attempt.select().count() == 2


def _create(account_id: str | None, start: str, receiver: Receiver, _: str) -> None:
    wanted = NewEndpoint(receiver.url, ["*"], account_id, start=start)
    endpoint_operations.create_endpoint(system(), wanted)


def _replay(account_id: str | None, _: str, __: Receiver, endpoint_id: str) -> None:
    replaying.replay(system(), endpoint_id, account_id, from_time=START)


@pytest.mark.parametrize(
    ("act", "of_one", "start", "held"),
    [
        pytest.param(_create, True, "now", True, id="an endpoint of an account"),
        pytest.param(_create, True, "beginning", True, id="and of its past"),
        pytest.param(_create, False, "beginning", True, id="an endpoint of all accounts"),
        pytest.param(_replay, True, "", True, id="a replay"),
        pytest.param(_replay, False, "", True, id="a replay of all accounts"),
        pytest.param(_create, True, "beginning", False, id="control"),
    ],
)
def test_who_sends_the_past_and_a_command_that_is_alone_do_not_wait_for_each_other(
    service: Settings,
    hands: Hands,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[str | None, str, Receiver, str], None],
    of_one: bool,
    start: str,
    held: bool,
) -> None:
    """Else one of the two is undone after a second, and does all of it again."""
    if service.on_sqlite:
        pytest.skip("SQLite has one writer at a time")
    if not held:
        monkeypatch.setattr(positions, "hold", lambda _: None)
    account, tried = an_account(), list[str]()
    with a_stage(hands) as stage, Receiver() as receiver:
        id = stage.endpoint(receiver)
        account_id = account.id if of_one else None

        @transactional
        def other() -> None:
            tried.append("other")
            act(account_id, start, receiver, id)

        def elsewhere() -> None:
            with db.connection(EVERY_ACCOUNT):
                other()
            db.close()

        thread = threading.Thread(target=elsewhere)

        @transactional
        def alone() -> None:
            tried.append("alone")
            events.hold(account.id, "FOR UPDATE")
            if tried.count("alone") == 1:
                thread.start()
                while thread.is_alive() and not _somebody_waits():
                    thread.join(0.001)
            account.user(seats=[])

        alone()
        thread.join()

    assert (len(tried) == 2) == held, tried


def _somebody_waits() -> bool:
    return db.db.execute_sql("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None


@pytest.mark.parametrize(("rate", "seconds", "step"), [(5, 4, 50), (50, 2, 20)])
def test_an_endpoint_is_sent_no_more_a_second_than_it_wants(
    hands: Hands, rate: int, seconds: int, step: int
) -> None:
    companies = [an_account(core=10) for _ in range(10)]
    sent: list[int] = []
    with a_stage(hands) as stage, a_stage(hands) as other, Receiver() as receiver:
        more = {"rate": rate, "max_in_flight": 16, "start": "beginning"}
        stage.endpoint(receiver, None, "*", **more)
        while _waiting() <= rate * (seconds + 1):
            for company in companies:
                company.user(seats=["core"])
        for look, at in enumerate(range(0, seconds * 1000, step)):
            hands.move(milliseconds=step)
            sent += [at] * (stage if look % 2 else other).deliver()

    in_a_second = max(sum(start <= at < start + 1000 for at in sent) for start in sent)
    assert in_a_second <= rate * 1.2
    assert len(sent) >= rate * seconds * 0.95


def _waiting() -> int:
    """How many events wait in all lanes of an endpoint that is told everything."""
    return sum(lane.head - lane.cursor for lane in Lane.select(Lane.head, Lane.cursor))


def test_a_slow_start_doubles() -> None:
    breaker = Breaker(5, 3, 0, 1)
    most = []
    for _ in range(60):
        breaker = breaker.delivered()
        most.append(breaker.in_flight(16))

    assert most[0] == most[9] == 1
    assert (most[10], most[20], most[30], most[40], most[59]) == (2, 4, 8, 16, 16)


def test_promise_1_holds_when_a_dispatcher_loses_its_connection() -> None:
    account = an_account()
    cut = threading.Event()

    def now() -> int:
        if not cut.is_set():
            cut.set()
            _cut_the_connection()
        return lanes.database_now()

    with clock.reading(clock.system_time), Receiver() as receiver:
        made, _ = endpoint_operations.create_endpoint(system(), NewEndpoint(receiver.url, ["*"]))
        endpoint_operations.enable_endpoint(system(), made.id)
        account.user(seats=[])
        with _running(now=now):
            receiver.wait_for(1)

    assert cut.is_set()


def _cut_the_connection() -> None:
    """Cut what this thread works on."""
    if db.on_sqlite():
        db.db.connection().close()
    else:
        db.db.execute_sql("SELECT pg_terminate_backend(pg_backend_pid())")
