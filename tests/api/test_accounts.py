"""Accounts, the catalogue and entitlements over HTTP (R1, R9, R31)."""

from typing import Any

import pytest
from flask import Flask

from licensing.rules.permissions import Permission, Scope
from licensing.rules.reading import default
from tests.http import calling, nobody, signed_in
from tests.world import a_free_account, an_account


def test_r1_an_account_is_created_and_shown(app: Flask) -> None:
    api = calling(app, a_free_account(), bound=False)

    answer = api.post("/v1/accounts", {"name": " Acme ", "currency": "EUR", "external_id": "crm-9"})

    assert answer.status_code == 201
    assert (answer.json["name"], answer.json["pricing_model"]) == ("Acme", "seat_based")
    assert api.get(answer.headers["Location"]).json == answer.json


def test_r1_an_account_is_imported_with_its_real_date(app: Flask) -> None:
    api = calling(app, a_free_account(), bound=False)
    body = {"name": "Old", "created_at": "2024-03-05T23:59:59+00:00"}

    answer = api.post("/v1/accounts", body)

    assert answer.json["pricing_model"] == "legacy"
    assert answer.json["created_at"] == "2024-03-05T23:59:59.000Z"


def test_r31_an_account_is_found_by_its_external_id(app: Flask) -> None:
    account = a_free_account(external_id="crm-1")
    a_free_account(external_id="crm-2")
    api = calling(app, account, bound=False)

    found = api.get("/v1/accounts?external_id=crm-1").json["items"]
    taken = api.post("/v1/accounts", {"name": "Acme", "external_id": "crm-1"})

    assert [item["id"] for item in found] == [account.id]
    assert (taken.status_code, taken.json["code"]) == (409, "external_id_taken")


def test_r10_a_bound_key_sees_and_creates_no_other_account(app: Flask) -> None:
    account, _ = a_free_account(), a_free_account()
    api = calling(app, account)

    listed = api.get("/v1/accounts").json["items"]
    created = api.post("/v1/accounts", {"name": "Acme"})

    assert [item["id"] for item in listed] == [account.id]
    assert (created.status_code, created.json["code"]) == (403, "permission_denied")


def test_an_account_is_changed_and_closed_by_a_super_admin(app: Flask) -> None:
    account = an_account()
    api = signed_in(app, account, account.super_admin.id)
    path = f"/v1/accounts/{account.id}"

    renamed = api.patch(path, {"name": "Acme & Sons", "metadata": {"owner": "north"}})
    closed = api.patch(path, {"status": "closed"})
    refused = api.patch(path, {"name": "Too late"})

    assert renamed.json["metadata"] == {"owner": "north"}
    assert closed.json["status"] == "closed"
    assert (refused.status_code, refused.json["code"]) == (409, "account_closed")


def test_the_catalogue_is_shown_to_everybody_who_is_authenticated(app: Flask) -> None:
    account = an_account()

    by_user = signed_in(app, account, account.user()).get("/v1/catalogue")
    by_service = calling(app, account, Scope.READ).get("/v1/catalogue")
    by_nobody = nobody(app, account).get("/v1/catalogue")

    assert by_user.json == by_service.json
    assert [kind["name"] for kind in by_user.json["seat_types"]] == list(default().seat_types)
    assert by_nobody.status_code == 401


def test_r9_a_user_asks_what_he_may_do(app: Flask) -> None:
    account = an_account()
    priya = account.user("Priya", seats=["core"])
    api = signed_in(app, account, priya)

    one = api.get(f"users/{priya}/entitlements/email_campaigns")
    none = api.get(f"users/{priya}/entitlements/attribution")
    all_of_them = api.get(f"users/{priya}/entitlements")

    assert one.json == {"feature": "email_campaigns", "level": "edit", "reason": None}
    assert none.json == {"feature": "attribution", "level": "none", "reason": "tier"}
    assert all_of_them.json["features"]["email_campaigns"] == "edit"
    assert all_of_them.json["reasons"]["attribution"] == "tier"
    assert all_of_them.json["seat_types"] == ["core"]


def test_r9_but_not_what_others_may_do(app: Flask) -> None:
    account = an_account()
    priya, noah = account.user(), account.user()

    by_colleague = signed_in(app, account, noah).get(f"users/{priya}/entitlements")
    by_admin = signed_in(app, account, account.user_admin.id).get(f"users/{priya}/entitlements")

    assert (by_colleague.status_code, by_colleague.json["missing"]) == (403, "manage_users")
    assert by_admin.status_code == 200


def test_r9_unknown_users_and_features_are_not_found(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)

    assert api.get("users/usr_nobody/entitlements").status_code == 404
    assert api.get(f"users/{account.user()}/entitlements/levitation").status_code == 404


@pytest.mark.parametrize(
    ("created_at", "model"),
    [
        pytest.param("2024-03-05T23:59:59.999Z", "legacy", id="the last legacy instant"),
        pytest.param("2024-03-06T00:00:00Z", "seat_based", id="the first seat-based one"),
        pytest.param("2024-03-06T01:00:00+02:00", "legacy", id="a legacy one in another zone"),
    ],
)
def test_r1_the_pricing_model_follows_from_the_date(
    app: Flask, created_at: str, model: str
) -> None:
    api = calling(app, a_free_account(), Scope.ACCOUNTS, bound=False)

    answer = api.post("/v1/accounts", {"name": "Old", "created_at": created_at})

    assert (answer.status_code, answer.json["pricing_model"]) == (201, model)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"name": ""}, "/name", id="no name"),
        pytest.param({"name": None}, "/name", id="null"),
        pytest.param({"currency": "eur"}, "/currency", id="a currency in small letters"),
        pytest.param({"time_zone": "Mars/Olympus"}, "/time_zone", id="an unknown zone"),
        pytest.param({"time_zone": "../../etc/passwd"}, "/time_zone", id="a path for a zone"),
        pytest.param({"created_at": "2026-03-02T09:00:01Z"}, "/created_at", id="the future"),
        pytest.param({"created_at": "1999-12-31T00:00:00Z"}, "/created_at", id="too long ago"),
        pytest.param({"pricing_model": "legacy"}, "/pricing_model", id="a model of one's own"),
        pytest.param({"metadata": {"a": None}}, "/metadata", id="metadata of nothing"),
    ],
)
def test_what_is_no_account_is_refused_at_the_member(
    app: Flask, changes: dict[str, Any], pointer: str
) -> None:
    api = calling(app, a_free_account(), bound=False)

    answer = api.post("/v1/accounts", {"name": "Acme"} | changes)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert answer.json["errors"][0]["pointer"].startswith(pointer)
    assert len(api.get("/v1/accounts").json["items"]) == 1


def test_r32_setting_what_is_set_keeps_the_version(app: Flask) -> None:
    account = a_free_account(metadata={"team": "north"})
    api, path = calling(app, account), f"/v1/accounts/{account.id}"
    before = api.get(path).json
    same = {name: before[name] for name in ("name", "status", "external_id", "metadata")}

    answer = api.patch(path, same)

    assert (answer.status_code, answer.json) == (200, before)
    assert account.happened() == []


@pytest.mark.parametrize("permission", [Permission.MANAGE_USERS, Permission.MODIFY_BILLING])
def test_r10_only_a_super_admin_changes_the_account(app: Flask, permission: Permission) -> None:
    account = an_account()
    api = signed_in(app, account, account.actor(permission).id)
    account.from_here()

    answer = api.patch(f"/v1/accounts/{account.id}", {"name": "Mine"})

    assert (answer.status_code, answer.json["missing"]) == (403, "super_admin")
    assert account.happened() == []


def test_what_an_account_was_made_with_stays(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)

    for member, value in (("currency", "EUR"), ("time_zone", "UTC"), ("created_at", None)):
        answer = api.patch(f"/v1/accounts/{account.id}", {member: value})

        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, f"/{member}")
    assert account.happened() == []


def test_a_closed_account_is_read_but_not_opened_again(app: Flask) -> None:
    account = an_account()
    account.close()
    api, path = calling(app, account), f"/v1/accounts/{account.id}"

    read, opened = api.get(path), api.patch(path, {"status": "active"})

    assert (read.status_code, read.json["status"]) == (200, "closed")
    assert (opened.status_code, opened.json["code"]) == (409, "account_closed")
    assert account.happened() == []


def test_an_unknown_account_is_not_found(app: Flask) -> None:
    api = calling(app, an_account(), bound=False)

    for answer in (
        api.get("/v1/accounts/acc_none"),
        api.patch("/v1/accounts/acc_none", {"name": "N"}),
        api.post("/v1/accounts/acc_none/users", {"name": "N", "email": "n@example.com"}),
    ):
        assert (answer.status_code, answer.json["kind"]) == (404, "account")
