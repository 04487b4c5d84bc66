"""API keys and session tokens (R10)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from licensing import sessions, tokens
from licensing.models import ApiKey
from licensing.operations import users
from licensing.operations.api_keys import create_key, revoke_key, rotate_key
from licensing.queries.actors import actor_of_key, actor_of_session, session_for
from licensing.rules.permissions import Actor, ActorType, Permission, Scope, system
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

    # The secret itself may have a `_`: what follows its last one can be a single letter.
    parts = tokens.parts_of(token)
    assert parts is not None
    assert parts[1] not in stored


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


def test_a_rotation_without_overlap_ends_the_old_token_at_once() -> None:
    key, old = create_key(system(), "leaked", [Scope.READ])

    _, new = rotate_key(system(), key.id, timedelta(0))

    assert actor_of_key(old) is None
    assert actor_of_key(new) is not None


def test_the_old_token_works_until_the_last_instant_of_the_overlap(hands: Hands) -> None:
    key, old = create_key(system(), "billing", [Scope.READ])
    rotate_key(system(), key.id, timedelta(days=14))

    hands.move(days=14, microseconds=-1)

    assert actor_of_key(old) is not None
    hands.move(microseconds=1)
    assert actor_of_key(old) is None


def test_a_rotated_key_keeps_its_id_scopes_account_and_end() -> None:
    account = an_account()
    scopes = [Scope.BILLING, Scope.READ]
    key, _ = create_key(system(), "billing", scopes, account.id, in_days(30))

    rotated, _ = rotate_key(system(), key.id, timedelta(hours=1))

    assert (rotated.id, rotated.scopes, rotated.account_id, rotated.expires_at) == (
        key.id,
        key.scopes,
        account.id,
        key.expires_at,
    )
    assert rotated.version == key.version + 1


def test_a_revocation_ends_both_tokens_of_a_rotated_key() -> None:
    key, old = create_key(system(), "billing", [Scope.READ])
    _, new = rotate_key(system(), key.id, timedelta(days=1))

    revoke_key(system(), key.id)

    assert (actor_of_key(old), actor_of_key(new)) == (None, None)


def test_an_overlap_does_not_outlive_the_key(hands: Hands) -> None:
    key, old = create_key(system(), "short", [Scope.READ], expires_at=in_days(1))
    _, new = rotate_key(system(), key.id, timedelta(days=7))

    hands.move(days=1)

    assert (actor_of_key(old), actor_of_key(new)) == (None, None)


def test_a_refused_rotation_leaves_the_token_as_it_is() -> None:
    key, token = create_key(system(), "billing", [Scope.READ])

    with pytest.raises(Unacceptable) as refusal:
        rotate_key(system(), key.id, timedelta(days=14, seconds=1))

    assert refusal.value.pointer == "/overlap_seconds"
    assert actor_of_key(token) is not None
    assert ApiKey.get_by_id(key.id).version == key.version


def test_r32_revoking_again_changes_nothing(hands: Hands) -> None:
    key, _ = create_key(system(), "lost", [Scope.READ])
    first = revoke_key(system(), key.id)
    hands.move(days=1)

    again = revoke_key(system(), key.id)

    assert (again.revoked_at, again.version) == (first.revoked_at, first.version)


def test_a_key_expires_at_its_instant_and_not_before(hands: Hands) -> None:
    _, token = create_key(system(), "short", [Scope.READ], expires_at=in_days(1))

    hands.move(days=1, microseconds=-1)

    assert actor_of_key(token) is not None
    hands.move(microseconds=1)
    assert actor_of_key(token) is None


def test_a_key_that_would_expire_now_is_refused_and_not_made() -> None:
    with pytest.raises(Unacceptable) as refusal:
        create_key(system(), "late", [Scope.READ], expires_at=in_days(0))

    assert refusal.value.pointer == "/expires_at"
    assert ApiKey.select().count() == 0


def test_a_key_is_bound_to_an_account_that_exists() -> None:
    with pytest.raises(NotFound) as refusal:
        create_key(system(), "billing", [Scope.READ], "acc_nobody")

    assert refusal.value.facts == {"kind": "account", "id": "acc_nobody"}
    assert ApiKey.select().count() == 0


def test_r10_scopes_that_stand_twice_are_kept_once() -> None:
    key, token = create_key(system(), "many", [Scope.READ, Scope.BILLING, Scope.READ])

    actor = actor_of_key(token)

    assert key.scopes == ["billing", "read"]
    assert actor is not None
    assert actor.scopes == {Scope.BILLING, Scope.READ}


def test_r10_a_bound_key_cannot_touch_a_key_that_is_bound_to_nothing() -> None:
    account = an_account()
    free, token = create_key(system(), "everywhere", [Scope.ADMIN])

    with pytest.raises(NotFound):
        rotate_key(account.key(Scope.ADMIN), free.id, timedelta(0))

    assert actor_of_key(token) is not None
    assert ApiKey.get_by_id(free.id).version == free.version


def test_r10_a_bound_key_is_nobody_in_another_account() -> None:
    account, other = an_account(), an_account()
    _, token = create_key(system(), "billing", [Scope.BILLING], account.id)

    actor = actor_of_key(token)

    assert actor is not None
    assert actor.within(account.id).account == account.id
    with pytest.raises(NotFound):
        actor.within(other.id)


def test_r10_a_key_that_is_bound_to_nothing_acts_in_any_account() -> None:
    account = an_account()
    _, token = create_key(system(), "billing", [Scope.BILLING])

    actor = actor_of_key(token)

    assert actor is not None
    assert actor.account_id is None
    assert actor.within(account.id).account == account.id


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(lambda who, key: rotate_key(who, key, timedelta(0)), id="rotating"),
        pytest.param(revoke_key, id="revoking"),
    ],
)
def test_r10_a_user_manages_no_keys(command: Callable[[Actor, str], object]) -> None:
    account = an_account()
    key, token = create_key(system(), "billing", [Scope.READ], account.id)

    with pytest.raises(PermissionDenied) as refusal:
        command(account.super_admin, key.id)

    assert refusal.value.facts == {"kind": "scope", "missing": "admin"}
    assert actor_of_key(token) is not None


def test_r10_a_session_loses_a_permission_as_soon_as_the_user_does() -> None:
    account = an_account()
    user_id = account.user(permissions=frozenset({Permission.MODIFY_BILLING}))
    token, _ = sessions.mint(account.id, user_id, timedelta(hours=1))

    users.update_user(account.by, user_id, {"permissions": []})

    actor = actor_of_session(token)
    assert actor is not None
    assert actor.permissions == frozenset()


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("sk_1_2", id="an API key"),
        pytest.param("a.b.c", id="no token at all"),
        pytest.param(
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMSIsImFjY291bnRfaWQiOiJhY2NfMSJ9.",
            id="a token without a signature",
        ),
    ],
)
def test_a_forged_session_belongs_to_nobody(token: str) -> None:
    assert actor_of_session(token) is None
