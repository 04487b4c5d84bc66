"""API keys and session tokens (R10)."""

from datetime import timedelta

import pytest

from licensing import sessions
from licensing.models import ApiKey
from licensing.operations.api_keys import create_key, revoke_key, rotate_key
from licensing.queries.actors import actor_of_key, actor_of_session, session_for
from licensing.rules.permissions import Actor, ActorType, Scope, system
from licensing.rules.refusals import (
    KeyNotLive,
    NotFound,
    PermissionDenied,
    Unacceptable,
    UserNotActive,
)
from tests.world import Hands, an_account, in_days


def test_a_token_belongs_to_its_key() -> None:
    account = an_account()

    key, token = create_key(system(), "billing", [Scope.BILLING], account.id)

    actor = actor_of_key(token)
    assert actor is not None
    assert (actor.id, actor.account_id, actor.scopes) == (key.id, account.id, {Scope.BILLING})


def test_what_is_stored_is_not_the_token() -> None:
    _, token = create_key(system(), "billing", [Scope.READ])

    stored = str(list(ApiKey.select().dicts()))

    assert token.rsplit("_", 1)[-1] not in stored


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), id="changed"),
        pytest.param(lambda token: token + "x", id="longer"),
        pytest.param(lambda token: token.replace("sk_", "sk_0", 1), id="of another key"),
        pytest.param(lambda token: "sk_" + token.rsplit("_", 1)[-1], id="without its key"),
        pytest.param(lambda _: "sk__", id="empty"),
    ],
)
def test_a_forged_token_belongs_to_nobody(forge: object) -> None:
    _, token = create_key(system(), "billing", [Scope.READ])

    assert actor_of_key(forge(token)) is None  # type: ignore[operator]


def test_an_expired_key_belongs_to_nobody(hands: Hands) -> None:
    _, token = create_key(system(), "short", [Scope.READ], expires_at=in_days(1))

    assert actor_of_key(token) is not None
    hands.move(days=1)
    assert actor_of_key(token) is None


def test_a_key_that_expires_in_the_past_is_refused() -> None:
    with pytest.raises(Unacceptable, match="past"):
        create_key(system(), "late", [Scope.READ], expires_at=in_days(-1))


def test_a_revoked_key_belongs_to_nobody() -> None:
    key, token = create_key(system(), "lost", [Scope.READ])

    revoke_key(system(), key.id)
    revoke_key(system(), key.id)

    assert actor_of_key(token) is None


def test_after_a_rotation_both_tokens_work_for_a_while(hands: Hands) -> None:
    key, old = create_key(system(), "billing", [Scope.READ])

    _, new = rotate_key(system(), key.id, timedelta(hours=2))

    assert actor_of_key(old) == actor_of_key(new)
    hands.move(hours=2)
    assert actor_of_key(old) is None
    assert actor_of_key(new) is not None


def test_a_revoked_or_expired_key_is_not_rotated(hands: Hands) -> None:
    revoked, _ = create_key(system(), "lost", [Scope.READ])
    expired, _ = create_key(system(), "short", [Scope.READ], expires_at=in_days(1))
    revoke_key(system(), revoked.id)
    hands.move(days=2)

    for key, status in ((revoked, "revoked"), (expired, "expired")):
        with pytest.raises(KeyNotLive) as refusal:
            rotate_key(system(), key.id, timedelta(0))
        assert refusal.value.key_status == status


def test_an_overlap_has_an_upper_bound() -> None:
    key, _ = create_key(system(), "billing", [Scope.READ])

    with pytest.raises(Unacceptable, match="14 days"):
        rotate_key(system(), key.id, timedelta(days=15))


def test_r10_managing_keys_takes_the_scope_admin() -> None:
    service = Actor(ActorType.API_KEY, "key_1", scopes=frozenset({Scope.ACCOUNTS}))

    with pytest.raises(PermissionDenied, match="admin"):
        create_key(service, "more", [Scope.ADMIN])


def test_r10_a_bound_key_manages_the_keys_of_its_account_only() -> None:
    account, other = an_account(), an_account()
    bound = account.key(Scope.ADMIN)
    foreign, _ = create_key(system(), "other", [Scope.READ], other.id)

    mine, _ = create_key(bound, "mine", [Scope.READ])

    assert mine.account_id == account.id
    with pytest.raises(NotFound):
        create_key(bound, "theirs", [Scope.READ], other.id)
    with pytest.raises(NotFound):
        revoke_key(bound, foreign.id)


def test_a_session_token_proves_identity_and_permissions_are_read_each_time() -> None:
    account = an_account()
    admin = account.super_admin

    token, _ = session_for(account.key(Scope.ACCOUNTS), account.id, admin.id, timedelta(hours=1))

    actor = actor_of_session(token)
    assert actor == admin


def test_a_session_ends_with_its_time_or_its_user(hands: Hands) -> None:
    account = an_account()
    priya, noah = account.user(), account.user()
    token, _ = sessions.mint(account.id, priya, timedelta(hours=1))
    other, _ = sessions.mint(account.id, noah, timedelta(hours=12))

    account.deactivate(noah)
    assert actor_of_session(other) is None
    hands.move(hours=1)
    assert actor_of_session(token) is None


@pytest.mark.parametrize("status", ["invited", "deactivated"])
def test_only_active_users_get_a_session(status: str) -> None:
    account = an_account()
    user_id = account.user(status="invited" if status == "invited" else "active")
    if status == "deactivated":
        account.deactivate(user_id)

    with pytest.raises(UserNotActive) as refusal:
        session_for(account.key(Scope.ACCOUNTS), account.id, user_id, timedelta(hours=1))

    assert refusal.value.user_status == status


def test_r10_users_do_not_make_sessions() -> None:
    account = an_account()
    admin = account.super_admin

    with pytest.raises(PermissionDenied):
        session_for(admin, account.id, admin.id, timedelta(hours=1))
