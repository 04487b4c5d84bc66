"""The command line, run as a user would, on an SQLite database of its own."""

import errno
import json
import re
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import resources
from pathlib import Path

import pytest

from licensing import cli
from licensing.queries.actors import actor_of_key
from tests import serving
from tests.serving import COMMAND, ROOT, clean_environment, free_port, served

SCRIPTS = [
    script
    for package in ("licensing", "webhooks")
    for script in sorted((ROOT / package / "migrations").glob("0*.py"))
]
APPLIED = "".join(f"applied {script.stem}\n" for script in SCRIPTS)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `seatkeeper` with some arguments, in a folder and with a database of its own."""
    return partial(
        serving.run, cwd=tmp_path, SEATKEEPER_DATABASE_URL=f"sqlite:///{tmp_path}/cli.db"
    )


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database that holds the demo companies, to be copied."""
    folder = tmp_path_factory.mktemp("demo")
    ran = serving.run("demo", SEATKEEPER_DATABASE_URL=f"sqlite:///{folder}/cli.db")
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.fixture
def demo_loaded(demo_folder: Path, tmp_path: Path) -> None:
    """The demo companies are in the test's own database."""
    shutil.copytree(demo_folder, tmp_path, dirs_exist_ok=True)


def test_help_names_every_command_in_a_line(run: Run) -> None:
    commands = ("serve", "renew", "dispatch", "migrate", "keys", "secrets", "webhooks", "verify")

    shown = subprocess.run(  # noqa: S603 our own command
        [COMMAND, "--help"], capture_output=True, text=True, timeout=60
    ).stdout
    helped = [run(command, "--help").returncode for command in commands]

    for command in commands:
        assert re.search(rf"^  {command} +[A-Z].*\.$", shown, re.MULTILINE), command
    assert helped == [0] * len(commands)


def test_migrating_twice_does_nothing_more(run: Run) -> None:
    assert run("migrate").stdout == APPLIED
    assert run("migrate").stdout == "the schema is up to date\n"


def test_two_migrators_at_once_do_it_once(run: Run) -> None:
    with ThreadPoolExecutor(2) as two:
        both = list(two.map(lambda _: run("migrate"), range(2)))

    assert [ran.returncode for ran in both] == [0, 0]
    assert sorted(ran.stdout.split()[0] for ran in both) == ["applied", "the"]


@pytest.mark.usefixtures("demo_loaded")
def test_a_key_is_all_that_is_printed(run: Run) -> None:
    made = run("keys", "create", "--name", "billing", "--scope", "billing", "--scope", "read")

    assert re.fullmatch(r"sk_[0-9a-f]{32}_[\w-]{43}\n", made.stdout)
    assert made.stderr == ""


@pytest.mark.usefixtures("demo_loaded")
def test_keys_are_listed_and_revoked(run: Run) -> None:
    run("keys", "create", "--name", "billing", "--scope", "billing", "--days", "30")

    _, key = [json.loads(line) for line in run("keys", "list", "--json").stdout.splitlines()]
    revoked = run("keys", "revoke", key["id"])

    assert (key["name"], key["scopes"]) == ("billing", ["billing"])
    assert revoked.stdout == f"revoked {key['id']}\n"
    assert "revoked" in run("keys", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["keys", "revoke", "key_none"], "no api_key key_none", id="an unknown key"),
        pytest.param(
            ["keys", "create", "--name", "x", "--scope", "read", "--account", "acc_none"],
            "no account acc_none",
            id="an unknown account",
        ),
        pytest.param(["keys", "create", "--name", "x"], "--scope", id="a scope is missing"),
        pytest.param(["keys", "create", "--name", "x", "--scope", "all"], "'all'", id="no scope"),
        pytest.param(["serve", "--port", "0"], "1<=x<=65535", id="no port"),
    ],
)
@pytest.mark.usefixtures("demo_loaded")
def test_what_is_wrong_is_told_without_a_traceback(
    run: Run, arguments: list[str], told: str
) -> None:
    ran = run(*arguments)

    assert ran.returncode != 0
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("arguments", [["verify"], ["keys", "list"]])
def test_an_old_schema_is_refused_with_what_to_do(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)

    assert ran.returncode == 1
    assert "run: seatkeeper migrate" in ran.stderr


def test_the_demo_companies_are_sound(run: Run) -> None:
    loaded = run("demo")
    verified = run("verify")

    assert loaded.returncode == 0, loaded.stderr
    assert "Northwind Robotics" in loaded.stdout
    assert re.search(r"^  sk_\S+$", loaded.stdout, re.MULTILINE)
    assert (verified.returncode, verified.stdout) == (0, "all invariants hold\n")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        pytest.param(
            "UPDATE pools SET assigned = assigned - 1 WHERE assigned > 0",
            "assigned seats",
            id="a counter",
        ),
        pytest.param(
            "DROP TRIGGER events_stay; DELETE FROM events WHERE sequence = 3",
            "event 3 is missing, the next one is 4",
            id="the log",
        ),
        pytest.param(
            "UPDATE accounts SET super_admins = super_admins + 1", "super admins", id="super admins"
        ),
    ],
)
@pytest.mark.usefixtures("demo_loaded")
def test_verify_names_what_does_not_hold(run: Run, tmp_path: Path, damage: str, told: str) -> None:
    with sqlite3.connect(tmp_path / "cli.db") as database:
        database.executescript(damage)
    database.close()

    verified = run("verify")

    assert verified.returncode == 1
    assert told in verified.stdout
    assert "invariants do not hold" in verified.stderr


@pytest.mark.usefixtures("demo_loaded")
def test_f27_anchors_that_were_kept_show_that_the_end_of_a_log_is_gone(
    run: Run, tmp_path: Path
) -> None:
    kept, wrong = tmp_path / "anchors.ndjson", tmp_path / "wrong.ndjson"
    kept.write_text(run("anchors").stdout)
    wrong.write_text("{}")
    before, refused = run("verify", "--anchors", str(kept)), run("verify", "--anchors", str(wrong))
    with sqlite3.connect(tmp_path / "cli.db") as database:
        database.executescript(
            "DROP TRIGGER events_stay;"
            "DELETE FROM events WHERE (account_id, sequence) IN"
            " (SELECT id, last_sequence FROM accounts);"
            "UPDATE accounts SET last_sequence = last_sequence - 1;"
        )
    database.close()

    after = run("verify", "--anchors", str(kept))

    assert (before.returncode, before.stdout) == (0, "all invariants hold\n")
    assert (refused.returncode, refused.stderr) == (1, "Error: line 1 is no anchor\n")
    assert after.returncode == 1
    assert after.stdout.count("is missing, which had an anchor; the log ends with") == 3


def test_all_wrong_settings_are_told_at_once(run: Run) -> None:
    ran = run(
        "verify",
        SEATKEEPER_DATABASE_URL="mysql://localhost/x",
        SEATKEEPER_SECRET_KEY="short",
        SEATKEEPER_THREADS="many",
        SEATKEEPER_CORS_ORIGINS="https://app.example.com/path",
        SEATKEEPER_WEBHOOK_ALLOWED_HOSTS="localhost:9000,http://localhost",
        SEATKEEPER_TYPO="1",
    )

    assert ran.returncode == 1
    for name in (
        "DATABASE_URL",
        "SECRET_KEY",
        "THREADS",
        "CORS_ORIGINS",
        "WEBHOOK_ALLOWED_HOSTS",
        "TYPO",
    ):
        assert f"SEATKEEPER_{name}:" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_a_file_that_is_no_database_is_told_in_a_line(
    run: Run, tmp_path: Path, command: str
) -> None:
    (tmp_path / "cli.db").write_text("this is a letter, and by no means a database " * 50)

    ran = run(command)

    assert ran.returncode == 1
    assert "file is not a database" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_database_that_cannot_be_reached_is_told_in_a_line(run: Run) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]

        ran = run(
            "migrate",
            SEATKEEPER_DATABASE_URL=f"postgresql://user@127.0.0.1:{port}/seats",
            SEATKEEPER_SECRET_KEY="a secret that is only good for the tests",
        )

    assert ran.returncode == 1
    assert "Connection refused" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_folder_that_does_not_exist_is_told_in_a_line(run: Run, tmp_path: Path) -> None:
    ran = run("migrate", SEATKEEPER_DATABASE_URL=f"sqlite:///{tmp_path}/none/cli.db")

    assert ran.returncode == 1
    assert "No such file or directory" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_broken_catalogue_is_told_with_its_line(run: Run, tmp_path: Path) -> None:
    file = resources.files("licensing.rules").joinpath("catalogue.toml")
    lines = file.read_text(encoding="utf-8").splitlines()
    number = lines.index("[seat_types.core]") + 2
    lines.insert(number - 1, 'colour = "red"')
    (tmp_path / "mine.toml").write_text("\n".join(lines))

    ran = run("verify", SEATKEEPER_CATALOGUE="mine.toml")

    assert ran.returncode == 1
    assert f"mine.toml:{number}: seat_types.core: unknown key 'colour'" in ran.stderr
    assert "Traceback" not in ran.stderr


def _catalogue_without(name: str) -> str:
    file = resources.files("licensing.rules").joinpath("catalogue.toml")
    text = file.read_text(encoding="utf-8")
    start = text.index(f"[seat_types.{name}]")
    rest = text[text.index("\n[seat_types.", start + 1) :]
    prices = re.compile(rf'\[\[prices\]\]\nseat_type = "{name}"\n(?:\w+ = .*\n)*')
    return prices.sub("", text[:start] + rest)


@pytest.mark.usefixtures("demo_loaded")
def test_a_catalogue_that_lacks_what_accounts_hold_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(_catalogue_without("service"))

    served_ = run("serve", SEATKEEPER_CATALOGUE="mine.toml")
    verified = run("verify", SEATKEEPER_CATALOGUE="mine.toml")
    loaded = run("demo", SEATKEEPER_CATALOGUE="mine.toml")

    assert "the catalogue lacks pool of service, seat type service" in served_.stderr
    assert "it no longer has pool of service" in verified.stdout
    assert "default catalogue" in loaded.stderr
    assert {served_.returncode, verified.returncode, loaded.returncode} == {1}


def test_postgresql_needs_a_secret_of_its_own(run: Run) -> None:
    ran = run("verify", SEATKEEPER_DATABASE_URL="postgresql://user@localhost/seats")

    assert ran.returncode == 1
    assert "SEATKEEPER_SECRET_KEY is needed" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_secret_beside_the_database_is_made_once_and_kept(run: Run, tmp_path: Path) -> None:
    run("migrate")
    secret = tmp_path / "cli.secret"
    first = secret.read_text()
    run("migrate")

    assert secret.read_text() == first
    assert secret.stat().st_mode & 0o777 == 0o600


def test_the_committed_contract_is_what_the_code_says(run: Run, tmp_path: Path) -> None:
    ran = run("openapi", "--check", "--output", str(ROOT / "openapi"))

    assert ran.returncode == 0, ran.stderr
    assert run("openapi", "--check", "--output", str(tmp_path)).returncode == 1


def test_flask_knows_the_same_commands(run: Run, tmp_path: Path) -> None:
    ran = subprocess.run(  # noqa: S603 flask's own command
        [COMMAND.with_name("flask"), "--app", "app", "migrate"],
        cwd=ROOT,
        env=clean_environment() | {"SEATKEEPER_DATABASE_URL": f"sqlite:///{tmp_path}/flask.db"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ran.stdout == APPLIED


def test_a_port_is_not_shared_with_another_service(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    with served(folder) as running:
        port = running.address.rsplit(":", 1)[1]

        second = run("serve", "--port", port)

    assert second.returncode == 1
    assert "cannot listen" in second.stderr


@pytest.mark.usefixtures("demo_loaded")
def test_a_key_of_another_installation_means_nothing(run: Run) -> None:
    made = run("keys", "create", "--name", "x", "--scope", "admin")

    assert actor_of_key(made.stdout.strip()) is None


def test_nobody_can_connect_before_the_server_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who could would be cut off in the middle of a request."""
    connections = []
    real = socket.socket

    class Probe(socket.socket):
        def close(self) -> None:
            with real() as client:
                connections.append(client.connect_ex(self.getsockname()))
            super().close()

    monkeypatch.setattr(socket, "socket", Probe)
    cli._refuse_a_taken_port("127.0.0.1", free_port())
    monkeypatch.undo()

    assert connections
    assert set(connections) == {errno.ECONNREFUSED}
