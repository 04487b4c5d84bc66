"""Settings: read once from SEATKEEPER_* variables, all mistakes told at once."""

import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env, EnvValidationError, ValidationError, validate

from licensing import callers, observing
from licensing.callers import Callers
from licensing.observing import Observing
from licensing.rules.catalogue import Catalogue
from licensing.rules.reading import BrokenCatalogue, default, parse

PREFIX = "SEATKEEPER_"
NAMES = (
    "DATABASE_URL",
    "SECRET_KEY",
    "FORMER_SECRET_KEYS",
    "CATALOGUE",
    "CORS_ORIGINS",
    "THREADS",
    "INVITATION_DAYS",
    "RENEWAL_NOTICE_DAYS",
    "WEBHOOK_ALLOWED_HOSTS",
    "ATTEMPT_DAYS",
    "EVENT_DAYS",
    "IDEMPOTENCY_DAYS",
    *observing.NAMES,
    *callers.NAMES,
)
# What commands read that ask a running service: they may be set beside the settings of one.
OF_CLIENTS = ("URL", "KEY")
SHORTEST_SECRET = 32
HOST = re.compile(r"([A-Za-z0-9_.-]*[A-Za-z0-9]|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?")


class StartRefused(Exception):
    """The service cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """
    Everything that can be set, with its default.

    Attributes:
        database_url: SEATKEEPER_DATABASE_URL, `sqlite:///file` or
            `postgresql://user:password@host/name`; several hosts are separated by commas.
        secret_key: SEATKEEPER_SECRET_KEY, at least 32 characters; signs session tokens and cursors.
            With SQLite it may be left out: it is then made once and kept beside the database.
        former_secret_keys: SEATKEEPER_FORMER_SECRET_KEYS, comma-separated; what was encrypted under
            them can still be read, until `seatkeeper secrets rotate` has encrypted it anew.
        catalogue: what is sold; SEATKEEPER_CATALOGUE names a TOML file that replaces the default.
        cors_origins: SEATKEEPER_CORS_ORIGINS, comma-separated exact origins of single-page apps.
        threads: SEATKEEPER_THREADS, how many requests are worked on at once.
        invitation_days: SEATKEEPER_INVITATION_DAYS, how long an invitation can be accepted.
        renewal_notice_days: SEATKEEPER_RENEWAL_NOTICE_DAYS, how many days before a renewal it is
            told (R24); 0 for never. Terms that have begun keep the number that was set then.
        webhook_allowed_hosts: SEATKEEPER_WEBHOOK_ALLOWED_HOSTS, comma-separated `host` or
            `host:port`, to which webhooks may be sent although they are not public https addresses.
        attempt_days: SEATKEEPER_ATTEMPT_DAYS, how long attempts to deliver webhooks are kept.
        event_days: SEATKEEPER_EVENT_DAYS, how long events are kept; those that some endpoint has
            yet to be sent are kept for longer.
        idempotency_days: SEATKEEPER_IDEMPOTENCY_DAYS, for how long a repeated request is answered
            as the first one was.
        observing: what is logged, and who may read the metrics.
        callers: whose tokens are taken, how often each may ask, and where they come from.
    """

    database_url: str = "sqlite:///seatkeeper.db"
    secret_key: str = ""
    former_secret_keys: tuple[str, ...] = ()
    catalogue: Catalogue = field(default_factory=default)
    cors_origins: tuple[str, ...] = ()
    threads: int = 8
    invitation_days: int = 14
    renewal_notice_days: int = 7
    webhook_allowed_hosts: frozenset[str] = frozenset()
    attempt_days: int = 30
    event_days: int = 400
    idempotency_days: int = 7
    observing: Observing = field(default_factory=Observing)
    callers: Callers = field(default_factory=Callers)

    @property
    def on_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.database_url.startswith("sqlite:")


_in_force: Settings | None = None


def put_in_force(settings: Settings) -> None:
    """Make `settings` those of this process; done once, at the start."""
    global _in_force
    _in_force = settings


def current() -> Settings:
    """The settings in force. Raises `RuntimeError` before `put_in_force` was called."""
    if _in_force is None:
        raise RuntimeError("no settings are in force yet")
    return _in_force


def from_environment() -> Settings:
    """
    Read the settings from SEATKEEPER_* variables.

    Raises `StartRefused` naming every variable that is wrong, unknown or missing.
    """
    env = Env(prefix=PREFIX, eager=False)
    database_url = env.str("DATABASE_URL", Settings.database_url, validate=_is_database_url)
    secret_key = env.str("SECRET_KEY", "", validate=_is_long_enough)
    catalogue_file = env.path("CATALOGUE", None)
    cors_origins: list[str] = env.list("CORS_ORIGINS", [], validate=_are_origins)
    threads = env.int("THREADS", Settings.threads, validate=validate.Range(1, 256))
    days = _days(env)
    former_secret_keys: list[str] = env.list("FORMER_SECRET_KEYS", [], validate=_are_long_enough)
    allowed_hosts: list[str] = env.list("WEBHOOK_ALLOWED_HOSTS", [], validate=_are_hosts)
    about_observing = observing.read(env)
    about_callers = callers.read(env)

    problems = _problems_of(env) + _unknown_names()
    catalogue = _attempt(lambda: _catalogue(catalogue_file), problems)
    if problems:
        raise StartRefused("the settings are wrong:\n  " + "\n  ".join(problems))
    return Settings(
        database_url=database_url,
        secret_key=secret_key or _kept_secret(database_url),
        catalogue=catalogue or default(),
        cors_origins=tuple(cors_origins),
        threads=threads,
        former_secret_keys=tuple(former_secret_keys),
        webhook_allowed_hosts=frozenset(host.strip().lower() for host in allowed_hosts),
        observing=about_observing,
        callers=about_callers,
        **days,
    )


def _days(env: Env) -> dict[str, Any]:
    bounds = {
        "invitation_days": (1, 365),
        "renewal_notice_days": (0, 365),
        "attempt_days": (1, 3650),
        "event_days": (30, 36500),
        "idempotency_days": (1, 365),
    }
    return {
        name: env.int(name.upper(), getattr(Settings, name), validate=validate.Range(*bound))
        for name, bound in bounds.items()
    }


def _problems_of(env: Env) -> list[str]:
    try:
        env.seal()
    except EnvValidationError as errors:
        texts: Any = errors.error_messages
        return [f"{name}: {' '.join(found)}" for name, found in texts.items()]
    return []


def _unknown_names() -> list[str]:
    known = {PREFIX + name for name in NAMES}
    of_clients = {PREFIX + name for name in OF_CLIENTS}
    return [
        f"{name}: there is no such setting; known are {', '.join(sorted(known))}"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known | of_clients
    ]


def _attempt(read: Callable[[], Catalogue], problems: list[str]) -> Catalogue | None:
    try:
        return read()
    except (BrokenCatalogue, OSError, UnicodeDecodeError) as problem:
        problems.append(f"{PREFIX}CATALOGUE: {problem}")
        return None


def _catalogue(file: Path | None) -> Catalogue:
    if file is None:
        return default()
    return parse(file.read_text(encoding="utf-8"), str(file))


def _is_database_url(url: str) -> None:
    scheme, rest = urlsplit(url).scheme, urlsplit(url)
    if scheme == "sqlite" and rest.path.strip("/"):
        return
    if scheme in ("postgresql", "postgres") and rest.path.strip("/"):
        return
    raise ValidationError(
        "expected sqlite:///file.db or postgresql://user:password@host/name, with a file or a name"
    )


def _is_long_enough(key: str) -> None:
    if 0 < len(key) < SHORTEST_SECRET:
        raise ValidationError(f"at least {SHORTEST_SECRET} characters are needed")


def _are_long_enough(keys: list[str]) -> None:
    for key in keys:
        _is_long_enough(key)


def _are_origins(origins: list[str]) -> None:
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
            raise ValidationError(f"{origin!r} is no origin such as https://app.example.com")


def _are_hosts(hosts: list[str]) -> None:
    for host in hosts:
        if not HOST.fullmatch(host.strip()):
            raise ValidationError(f"{host!r} is no host such as billing.internal or [::1]:9000")


def _kept_secret(database_url: str) -> str:
    """The secret beside the SQLite file, made on first use; other databases need the setting."""
    if not database_url.startswith("sqlite:"):
        raise StartRefused(
            f"{PREFIX}SECRET_KEY is needed with PostgreSQL: at least {SHORTEST_SECRET} random "
            "characters, the same for every process"
        )
    file = sqlite_file(database_url).with_suffix(".secret")
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(SHORTEST_SECRET))
    except FileExistsError:
        pass
    except OSError as problem:
        raise StartRefused(f"cannot write {file}: {problem.strerror}") from problem
    return file.read_text(encoding="ascii")


def sqlite_file(database_url: str) -> Path:
    """The file of an SQLite URL: three slashes are relative, four absolute."""
    return Path(database_url.removeprefix("sqlite:///"))
