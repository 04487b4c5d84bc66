"""
Secrets stay out of what the service says: what the whole suite handed out is looked for at its end.

    secret(token)                       a test has been given, or has made, something secret
    said("the log of a process", text)  somewhere, something was said

`tests.keeping` is the plugin of pytest that keeps what the tests themselves log and print, and
fails the run in which a secret was said.
"""

import json
import re
from collections.abc import Iterable, Iterator

from licensing import logs

# Of all seeds so much is compared at each place; shorter ones are no secrets.
SHORTEST = 12
# Nothing that a service logs has this form, whoever made it: keys, session tokens, webhook secrets.
FORMS = re.compile(
    r"sk_[0-9a-f]{32}_[\w-]{43}|whsec_[A-Za-z0-9+/]{32,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
)
# What the service itself prints begins so: a record as text, its traceback, a record as JSON.
RECORD = re.compile(rf"\d{{4}}-\d\d-\d\dT[\d:.]+Z \[|{re.escape(logs.BAR)}|{{\"event\":")

_secrets: set[str] = set()
_said: dict[str, list[str]] = {}


def secret(value: str) -> str:
    """Look for this at the end; returns it."""
    # Of a key and of a webhook secret the part that is random would be enough for a thief.
    _secrets.update(
        {value, value.rsplit("_", 1)[-1] if value.startswith("whsec_") else value[-43:]}
    )
    return value


def secrets_of(text: str) -> None:
    """Look for every secret of a known form that a test was shown or has sent."""
    for found in FORMS.findall(text):
        secret(found)


def said(where: str, text: str) -> None:
    """Keep what was said somewhere, to be looked through at the end."""
    if text:
        _said.setdefault(where, []).append(text)


def records_of(printed: Iterable[str]) -> list[str]:
    """The lines of a log among what was printed, which may show a new key on purpose."""
    return [line for line in printed if RECORD.match(line) and line.endswith("\n")]


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """The secrets that a text holds, and whatever has the form of one."""
    beginnings: dict[str, list[str]] = {}
    for one in secrets:
        if len(one) >= SHORTEST:
            beginnings.setdefault(one[:SHORTEST], []).append(one)
    found = set(FORMS.findall(text))
    for at in range(len(text) - SHORTEST + 1):
        for one in beginnings.get(text[at : at + SHORTEST], ()):
            if text.startswith(one, at):
                found.add(one)
    return sorted(found)


def no_json(lines: Iterable[str]) -> list[str]:
    """Those of the lines of a JSON log that are none, or no printable line."""
    return [line for line in lines if line.startswith('{"event":') and not _is_record(line)]


def _is_record(line: str) -> bool:
    try:
        read = json.loads(line)
    except ValueError:
        return False
    return line.isprintable() and {"event", "level", "timestamp"} <= read.keys()


def found() -> Iterator[str]:
    """What of all that was said should not have been."""
    for where, texts in _said.items():
        for one in leaks("\n".join(texts), _secrets):
            yield f"{one[:SHORTEST]}… is in {where}"
        for line in no_json(line for text in texts for line in text.splitlines()):
            yield f"no record: {line[:200]!r} in {where}"
