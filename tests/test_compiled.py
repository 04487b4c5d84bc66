"""Statements that are put together once say what those of Peewee say."""

from datetime import UTC, datetime
from typing import Any

import pytest
from peewee import JOIN, fn

from licensing.compiled import LONGEST_KEPT, Statement, compiled, in_parts
from licensing.db import transactional
from licensing.models import Account, Pool, User
from tests.counting import asked
from tests.world import an_account

MOMENT = datetime(2026, 5, 4, 3, 2, 1, 123_000, tzinfo=UTC)


def _users(account_id: Any, ids: Any, status: Any) -> Any:
    query = User.select().where(User.account_id == account_id, User.status != "invited")
    if ids is not None:
        query = query.where(User.id.in_(ids))
    if status is not None:
        query = query.where(User.status == status)
    return query.order_by(User.id)


@pytest.mark.parametrize("status", [None, "active", "deactivated"])
@pytest.mark.parametrize("many", [None, 1, 3, LONGEST_KEPT + 1])
def test_it_finds_what_the_same_query_of_peewee_finds(many: int | None, status: str | None) -> None:
    account = an_account()
    people = [account.user() for _ in range(4)]
    account.deactivate(people[1])
    ids = None if many is None else tuple((people * many)[:many])

    found = compiled(_users).models(account.id, ids, status)
    rows = compiled(_users).rows(account.id, ids, status)

    expected = list(_users(account.id, ids, status))
    assert [user.__data__ for user in found] == [user.__data__ for user in expected]
    assert [row._asdict() for row in rows] == [user.__data__ for user in expected]


def test_it_is_put_together_once_for_each_shape_of_its_arguments() -> None:
    account, built = an_account(), []

    @compiled
    def users(account_id: Any, ids: Any, status: Any) -> Any:
        built.append(ids)
        return _users(account_id, ids, status)

    for ids in (("usr_1",), ("usr_2",), ("usr_1", "usr_2"), ("usr_3", "usr_4"), None, None):
        users.rows(account.id, ids, "active")

    assert [None if ids is None else len(ids) for ids in built] == [1, 2, None]


def test_what_is_found_can_be_changed_and_saved_like_any_other_row() -> None:
    account = an_account()
    user_id = account.user()
    found = compiled(_users).model(account.id, (user_id,), None)

    found.last_active_at = MOMENT
    found.metadata = {"cost_centre": "7"}
    found.save(only=[User.last_active_at, User.metadata])

    shown = account.shown(user_id)
    assert shown["last_active_at"] == "2026-05-04T03:02:01.123Z"
    assert shown["metadata"] == {"cost_centre": "7"}


def test_values_are_kept_as_fields_keep_them() -> None:
    account = an_account()
    user_id = account.user()

    @compiled
    def change(id: Any, moment: Any, permissions: Any, eligible: Any, external_id: Any) -> Any:
        changed = User.update(
            last_active_at=moment,
            permissions=permissions,
            partner_eligible=eligible,
            external_id=external_id,
        )
        return changed.where(User.id == id).returning(User)

    @transactional
    def run() -> User:
        found: User = change.model(user_id, MOMENT, ["manage_users"], True, None)
        return found

    found = run()

    assert found.last_active_at == MOMENT
    assert found.permissions == ["manage_users"]
    assert found.partner_eligible is True
    assert User.get(User.id == user_id).__data__ == found.__data__


def test_what_is_the_same_in_each_call_stands_in_the_text() -> None:
    """Else an index of some rows only, such as that of open pools, is planned for each time."""
    account = an_account()
    pools = compiled(
        lambda account_id: Pool.select().where(Pool.account_id == account_id, Pool.status == "open")
    )

    with asked() as seen:
        pools.rows(account.id)

    ((sql, parameters),) = seen.statements
    assert "'open'" in sql
    assert list(parameters) == [account.id]


@pytest.mark.parametrize("constant", ["it's", "50%", "why?"])
def test_a_constant_that_is_no_plain_word_has_to_be_an_argument(constant: Any) -> None:
    statement = Statement(lambda: Account.select().where(Account.name == constant))

    with pytest.raises(TypeError, match="argument of the statement"):
        statement.rows()


def test_an_expression_has_the_name_of_its_alias() -> None:
    account = an_account()
    account.user()
    counted = compiled(
        lambda account_id: User.select(fn.COUNT(User.id).alias("people")).where(
            User.account_id == account_id
        )
    )

    assert counted.row(account.id).people == 1
    assert counted.row("acc_none").people == 0


def test_what_nothing_is_joined_to_has_no_values() -> None:
    account = an_account()
    with_users = compiled(
        lambda account_id: (
            Account.select(
                Account.created_at,
                User.created_at.alias("since"),
                User.metadata,
                User.partner_eligible,
            )
            .join(
                User, JOIN.LEFT_OUTER, on=(User.account_id == Account.id) & (User.id == "usr_none")
            )
            .where(Account.id == account_id)
        )
    )

    row = with_users.row(account.id)

    assert with_users.rows(account.id) == [row]
    assert row.created_at.tzinfo is UTC
    assert (row.since, row.metadata, row.partner_eligible) == (None, None, None)


def test_a_list_is_cut_into_parts() -> None:
    assert list(in_parts([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert list(in_parts([], 2)) == []
