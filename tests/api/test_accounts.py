"""Accounts, the catalogue and entitlements over HTTP (R1, R9, R31)."""

from flask import Flask

from licensing.rules.permissions import Scope
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
