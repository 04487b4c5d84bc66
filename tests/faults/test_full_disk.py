"""F13: where there is no room nothing is done, nothing is lost, and reads go on."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from licensing import db
from tests.conftest import POSTGRES_URL
from tests.faults.disks import may_mount
from tests.faults.filling import run, run_without_a_log
from tests.faults.harness import a_seed
from tests.http import Calling, calling
from tests.requiring import needs
from tests.world import an_account

ROUNDS = 3
USERS_THAT_DO_NOT_FIT = 20

pytestmark = pytest.mark.skipif(bool(POSTGRES_URL), reason="PostgreSQL's disk is another one")


@pytest.fixture
def _a_disk() -> None:
    needs("disk", may_mount(), "the right to mount a file system")


@pytest.mark.usefixtures("_a_disk")
def test_on_a_full_disk_nothing_is_lost_and_reads_go_on() -> None:
    totals = run(a_seed(), ROUNDS)

    print(dict(totals))  # noqa: T201
    assert totals["refused"] >= ROUNDS


@pytest.mark.usefixtures("_a_disk")
def test_a_server_that_answers_before_it_commits_is_found() -> None:
    """The negative control."""
    with pytest.raises(AssertionError, match="acknowledged command is lost"):
        run(a_seed(), 1, "answers_first")


@pytest.mark.usefixtures("_a_disk")
def test_a_log_that_cannot_be_written_keeps_nobody_from_working() -> None:
    print(dict(run_without_a_log(a_seed(), ROUNDS)))  # noqa: T201


def test_a_database_file_that_cannot_grow_refuses_what_does_not_fit(app: Flask) -> None:
    account = an_account()
    api = calling(app, account)
    (pages,) = db.db.execute_sql("PRAGMA page_count").fetchone()
    _let_it_grow_to(pages)

    answers = [_add_a_user(api, number) for number in range(USERS_THAT_DO_NOT_FIT)]
    read = api.get("users")
    _let_it_grow_to(2 * pages)
    later = _add_a_user(api, USERS_THAT_DO_NOT_FIT)

    refused = [answer for answer in answers if answer.status_code != 201]
    assert {(one.status_code, one.json["code"]) for one in refused} == {(503, "unavailable")}
    assert all("Retry-After" in answer.headers for answer in refused)
    assert (read.status_code, later.status_code) == (200, 201)
    assert len(read.json["items"]) == len(answers) - len(refused)


@db.transactional
def _let_it_grow_to(pages: int) -> None:
    """Through the connection that writes, which alone is bound by it."""
    db.db.execute_sql(f"PRAGMA max_page_count = {pages}")


def _add_a_user(api: Calling, number: int) -> TestResponse:
    return api.post("users", {"email": f"user{number}@example.com", "name": "x" * 100})
