"""Users who come with a token of the company's own identity provider (R10)."""

from collections.abc import Iterator

import pytest
from flask import Flask

from licensing import provider as tokens
from licensing.operations import accounts, users
from licensing.rules.permissions import Permission
from tests.http import Calling, a_client, calling
from tests.providers import AProvider, fails, new_key, trusted
from tests.world import AnAccount, Hands, an_account

PRIYA = "okta|priya"


@pytest.fixture
def provider() -> Iterator[AProvider]:
    with AProvider() as provider:
        yield provider


def _acme(**more: object) -> tuple[AnAccount, str]:
    """An account and a user, as the provider knows them."""
    account = an_account(external_id="acme")
    return account, account.user("Priya", external_id=PRIYA, email="priya@example.com", **more)


def _asked(app: Flask, account: AnAccount, token: str, path: str = "pools") -> tuple[int, str]:
    answer = Calling(a_client(app), token, account.id).get(path)
    return answer.status_code, answer.json.get("code", "")


@pytest.mark.parametrize("kind", ["RSA", "EC", "Ed25519"])
def test_a_token_names_the_user_and_the_user_says_what_is_allowed(
    app: Flask, provider: AProvider, kind: str
) -> None:
    account, priya = _acme()
    other = account.user("Noah")
    provider.keys = [new_key(kind, "first")]
    seats = {"user_id": other, "seat_type": "core"}

    with trusted(provider):
        token = provider.token({"permissions": ["super_admin"], "scope": "admin"})
        caller = Calling(a_client(app), token, account.id)
        seen = caller.get("pools")
        refused = caller.post("seats", seats)
        users.update_user(account.by, priya, {"permissions": [Permission.MANAGE_USERS]})
        account.from_here()
        done = caller.post("seats", seats)

    assert (seen.status_code, refused.status_code, done.status_code) == (200, 403, 201)
    actor = account.events()[0]["data"]["actor"]
    assert actor == {"type": "user", "id": priya}
    assert provider.asked == 1


@pytest.mark.parametrize(
    ("matching", "claims"),
    [
        pytest.param({}, {}, id="sub and org_id, the external ids"),
        pytest.param({"user_claim": "uid"}, {"sub": "x", "uid": PRIYA}, id="a claim of one's own"),
        pytest.param(
            {"account_claim": "https://example.com/account"},
            {"org_id": None, "https://example.com/account": "acme"},
            id="a claim with a name space",
        ),
        pytest.param(
            {"user_claim": "email", "user_matches": "email"},
            {"email": "Priya@Example.com", "email_verified": True},
            id="a verified address",
        ),
    ],
)
def test_what_the_claims_are_matched_with_is_a_setting(
    app: Flask, provider: AProvider, matching: dict[str, str], claims: dict[str, object]
) -> None:
    account, _ = _acme()

    with trusted(provider, **matching):
        assert _asked(app, account, provider.token(claims)) == (200, "")


def test_ids_of_the_service_can_be_matched_too(app: Flask, provider: AProvider) -> None:
    account, priya = _acme()
    by_id = {"account_matches": "id", "user_matches": "id"}

    with trusted(provider, **by_id):
        good = provider.token({"org_id": account.id, "sub": priya})
        assert _asked(app, account, good) == (200, "")
        assert _asked(app, account, provider.token())[0] == 401


@pytest.mark.parametrize("verified", [None, False, "true", 1])
def test_an_address_that_is_not_verified_is_nobodys(
    app: Flask, provider: AProvider, verified: object
) -> None:
    account, _ = _acme()
    claims = {"email": "priya@example.com", "email_verified": verified}

    with trusted(provider, user_claim="email", user_matches="email"):
        assert _asked(app, account, provider.token(claims))[0] == 401


def test_only_active_users_of_the_account_come_in(app: Flask, provider: AProvider) -> None:
    account, priya = _acme()
    other = an_account(external_id="rival")

    with trusted(provider):
        token = provider.token()
        elsewhere = _asked(app, other, token)
        of_rival = _asked(app, account, provider.token({"org_id": "rival"}))
        account.deactivate(priya)
        inactive = _asked(app, account, token)

    assert elsewhere == (404, "not_found")
    assert (of_rival[0], inactive[0]) == (401, 401)


def test_without_a_provider_in_the_settings_none_is_believed(
    app: Flask, provider: AProvider
) -> None:
    account, _ = _acme()

    assert _asked(app, account, provider.token()) == (401, "unauthenticated")
    assert provider.asked == 0


def test_a_foreign_token_never_makes_the_service_ask(app: Flask, provider: AProvider) -> None:
    account, _ = _acme()

    with trusted(provider):
        for claims, header in (({"iss": "https://evil.example/"}, {}), ({}, {"alg": "PS512"})):
            assert _asked(app, account, provider.token(claims, header))[0] == 401

    assert provider.asked == 0


def test_while_no_keys_are_known_nobody_is_sent_to_sign_in_again(
    app: Flask, provider: AProvider
) -> None:
    account, _ = _acme()
    provider.answer = fails

    with trusted(provider):
        answer = Calling(a_client(app), provider.token(), account.id).get("pools")
        others = calling(app, account).get("pools")

    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert others.status_code == 200


def test_keys_that_are_known_are_good_while_the_provider_is_down(
    app: Flask, provider: AProvider, hands: Hands
) -> None:
    account, _ = _acme()

    with trusted(provider) as chosen:
        before = _asked(app, account, provider.token())
        provider.answer = fails
        after = _asked(app, account, provider.token())
        hands.move(minutes=12)
        unknown = _asked(app, account, provider.token(header={"kid": "unknown"}))
        assert tokens.source_of(chosen.jwks_url) is tokens.source_of(chosen.jwks_url)

    assert (before, after) == ((200, ""), (200, ""))
    assert unknown[0] == 401


def test_the_clock_of_the_provider_may_be_a_minute_off(app: Flask, provider: AProvider) -> None:
    account, _ = _acme()
    now = provider.claims()["iat"]

    with trusted(provider):
        for claims, status in (
            ({"iat": now + 60}, 200),
            ({"nbf": now + 60}, 200),
            ({"exp": now - 59}, 200),
            ({"exp": now - 60}, 401),
            ({"aud": ["https://seats.example.com", "another"]}, 200),
        ):
            assert _asked(app, account, provider.token(claims))[0] == status, claims


@pytest.mark.parametrize("type", ["JWT", "at+jwt", "application/at+jwt", "AT+JWT", None])
def test_a_token_may_call_itself_an_access_token(
    app: Flask, provider: AProvider, type: str | None
) -> None:
    account, _ = _acme()

    with trusted(provider):
        assert _asked(app, account, provider.token(header={"typ": type}))[0] == 200


def test_an_account_that_is_renamed_is_found_under_its_new_name(
    app: Flask, provider: AProvider
) -> None:
    account, _ = _acme()
    accounts.update_account(account.by, {"external_id": "acme-2"})

    with trusted(provider):
        assert _asked(app, account, provider.token())[0] == 401
        assert _asked(app, account, provider.token({"org_id": "acme-2"}))[0] == 200
