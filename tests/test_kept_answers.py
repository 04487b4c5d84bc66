"""Answers that were kept for repetitions (R18), when the secret key of the service changes."""

from dataclasses import replace

from licensing import idempotency, metrics, settings
from licensing.idempotency import Answer
from licensing.operations import accounts
from licensing.rules.permissions import Actor, ActorType
from licensing.settings import Settings
from tests.world import an_account

# More than are encrypted anew in one transaction.
MANY = idempotency.ROWS_PER_STEP * 2 + 1


def _callers() -> list[Actor]:
    """Two callers of each of two accounts, and one who acts in none."""
    ids = an_account().id, an_account().id
    found = [Actor(ActorType.API_KEY, name, id) for id in ids for name in ("k1", "k2")]
    return [*found, Actor(ActorType.API_KEY, "k1")]


def _was_kept(number: int, caller: Actor) -> bool:
    """Whether what a caller is answered to the request with a number was kept."""
    told = f"{caller.account_id} {caller.id} {number}".encode()
    answer, was_kept = idempotency.once(
        caller, f"key-{number}", "same", lambda: Answer(201, {}, told)
    )
    assert answer.body == told
    return was_kept


def test_r18_answers_are_encrypted_anew_under_another_key(service: Settings) -> None:
    callers = _callers()
    asked = [(number, callers[number % len(callers)]) for number in range(MANY)]
    asked += [(0, caller) for caller in callers[1:]]  # one key, and a caller for each of them
    for number, caller in asked:
        assert not _was_kept(number, caller)

    new = replace(service, secret_key="n" * 40)
    settings.put_in_force(replace(new, former_secret_keys=(service.secret_key,)))
    resealed = idempotency.reseal()
    settings.put_in_force(new)

    assert resealed == len(asked)
    assert all(_was_kept(*one) for one in asked)


def test_r18_where_nothing_is_kept_nothing_is_encrypted() -> None:
    assert idempotency.reseal() == 0


def test_what_is_counted_is_the_command_and_not_that_it_was_run_once() -> None:
    account = an_account()
    before = _counted("update_account"), _counted("once")

    def rename() -> Answer:
        accounts.update_account(account.by, {"name": "Acme"})
        return Answer(200, {}, b"{}")

    idempotency.once(account.by, "key", "same", rename)

    assert (_counted("update_account"), _counted("once")) == (before[0] + 1, before[1])


def _counted(command: str) -> float:
    labels = {"command": command, "outcome": "done"}
    return metrics.registry.get_sample_value("seatkeeper_commands_total", labels) or 0.0
