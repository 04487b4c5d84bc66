"""
A network that is cut (F9): between the service and its database, or the receivers of webhooks.

Clients go on meanwhile. Whoever asks while the database cannot be reached is told to come again,
before the cable is mended; at the end everything that was answered is held against the log.
"""

import random
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from licensing import clock, db, settings
from licensing.settings import Settings
from tests.faults.filling import Prober
from tests.faults.harness import Database, Harness
from tests.faults.load import Load
from tests.faults.machines import Works
from tests.faults.networks import Cut, FarWeb, Network
from tests.faults.scene import Scene
from tests.faults.seen import Seen
from tests.receivers import Receiver

CLIENTS, DATABASE, RECEIVERS = "clients", "database", "receivers"
# The defaults are five seconds each.
IMPATIENT = "tcp_user_timeout=2000&connect_timeout=2"
# Of those who ask at once, some wait until others have given up.
SECONDS_TO_ANSWER = 10
# As many as the service has threads, and more.
ASKED_AT_ONCE = 8
SECONDS_TO_RECOVER = 30
COMMANDS_WITHOUT_RECEIVERS = 20


@contextmanager
def _far_service(options: str) -> Iterator[tuple[Network, Scene, FarWeb]]:
    """The service in a network of its own."""
    seen = Seen()
    before = settings.current()
    cables = [CLIENTS, RECEIVERS] if before.on_sqlite else [CLIENTS, RECEIVERS, DATABASE]
    with ExitStack() as stack:
        network = stack.enter_context(Network(cables))
        stack.enter_context(clock.reading(clock.system_time))
        receiver = stack.enter_context(Receiver(seen))
        host = stack.enter_context(network.cable[RECEIVERS].gate(receiver.port))
        allowed = frozenset({host})
        settings.put_in_force(replace(before, webhook_allowed_hosts=allowed))
        stack.callback(settings.put_in_force, before)
        scene = Scene(f"http://{host}/", seen, accounts=2)
        db.close()
        works = Works(before)
        works.environment["SEATKEEPER_WEBHOOK_ALLOWED_HOSTS"] = host
        if not before.on_sqlite:
            works.environment["SEATKEEPER_DATABASE_URL"] = stack.enter_context(
                _far_database(network, before, options)
            )
        stack.enter_context(works)
        web = stack.enter_context(FarWeb(works, network, network.cable[CLIENTS]))
        yield network, scene, web


@contextmanager
def _far_database(network: Network, chosen: Settings, options: str) -> Iterator[str]:
    """The address of the database, as it is from the namespace."""
    parts = urlsplit(chosen.database_url)
    with network.cable[DATABASE].gate(parts.port or 5432) as host:
        who = parts.netloc.rpartition("@")[0]
        yield parts._replace(netloc=f"{who}@{host}", query=options).geturl()


def _ask_at_once(prober: Prober) -> list[int]:
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        asked = [pool.submit(prober.open_an_account) for _ in range(ASKED_AT_ONCE)]
        return [one.result() for one in asked]


def _a_round(network: Network, prober: Prober, load: Load, chance: random.Random) -> int:
    """Cut each cable and mend it; returns how many requests were refused meanwhile."""
    refused = 0
    assert set(_ask_at_once(prober)) == {201}
    if DATABASE in network.cable:
        with network.cable[DATABASE].cut(chance.choice(list(Cut))):
            answers = _ask_at_once(prober)
        assert set(answers) == {503}, answers
        refused = len(answers)
        # The first ones may find connections that have ended, or be told that nothing was reached.
        deadline = time.monotonic() + SECONDS_TO_RECOVER
        while set(_ask_at_once(prober)) != {201}:
            assert time.monotonic() < deadline, "it does not go on although the cable is mended"
    with network.cable[RECEIVERS].cut(chance.choice(list(Cut))):
        load.wait_for(COMMANDS_WITHOUT_RECEIVERS)
    return refused


def run(seed: int, size: int, options: str = IMPATIENT) -> Mapping[str, int]:
    """So many times each cable is cut, one way or both."""
    chance = random.Random(seed)  # noqa: S311 chance that can be repeated
    with _far_service(options) as (network, scene, web):
        prober = Prober(web, scene.token, SECONDS_TO_ANSWER)
        with Load([web.address], scene.token, scene.accounts, scene.clock_id, seed) as load:
            load.wait_for(2)
            refused = sum(_a_round(network, prober, load, chance) for _ in range(size))
        totals = scene.holds_up(load)
    return {"rounds": size, "refused": refused} | totals


HARNESSES = (Harness("F9", "a network that is cut", run, 5, Database.BOTH, plan=5),)
