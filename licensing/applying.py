"""
A file of seat changes, applied in batches (R16, R18).

What was done is written down after each batch, and each batch has an idempotency key that is made
of what is in it. So whatever interrupts it, the same command goes on where it was, and what was
done in between is answered from what the service has kept.
"""

import csv
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from licensing.api.batches import ChangeRequest
from licensing.remote import Remote, ServiceRefused
from licensing.rules.batches import OnError

Change = dict[str, Any]
BOOLEANS = {"true": True, "false": False}
# What the report of refused lines adds to each, so that a corrected report can be applied.
PROBLEM = ("problem_code", "problem_detail")


class BadFile(Exception):
    """The file is not one of seat changes; the message says why."""


@dataclass(frozen=True)
class Line:
    """A change, and where it stands in the file."""

    number: int
    change: Change


@dataclass(frozen=True)
class Failed:
    """A line that was refused, and why."""

    line: Line
    code: str
    detail: str


@dataclass(frozen=True)
class Done:
    """
    What became of a batch.

    Attributes:
        applied: false where nothing of it was done.
        before: whether an earlier run has done it.
    """

    changed: int
    unchanged: int
    failed: list[Failed]
    applied: bool = True
    before: bool = False


def read_lines(file: Path) -> list[Line]:
    """The changes in a file: CSV, or JSON as the API takes it. Raises `BadFile`."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile("it is not UTF-8") from None
    is_json = text.lstrip()[:1] in ("{", "[")
    lines = list(_of_json(text) if is_json else _of_csv(text))
    if not lines:
        raise BadFile("there is no change in it")
    return lines


def _of_json(text: str) -> Iterator[Line]:
    try:
        content = json.loads(text)
    except ValueError as problem:
        raise BadFile(f"it is no JSON: {problem}") from None
    changes = content.get("changes") if isinstance(content, dict) else content
    if not isinstance(changes, list) or not all(isinstance(change, dict) for change in changes):
        raise BadFile('a list of changes, or {"changes": [...]}, is expected')
    for number, change in enumerate(changes, 1):
        yield Line(number, {name: change[name] for name in change if name not in PROBLEM})


def _of_csv(text: str) -> Iterator[Line]:
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True)
    known = [*ChangeRequest().fields, *PROBLEM]
    try:
        unknown = [name for name in reader.fieldnames or () if name not in known]
        if unknown:
            raise BadFile(f"there is no column {unknown[0]}; known are {', '.join(known[:-2])}")
        for row in reader:
            if None in row or None in row.values():
                raise BadFile(f"line {reader.line_num} has not as many columns as the first one")
            yield Line(reader.line_num, {n: _value(n, row[n]) for n in row if _is_said(n, row[n])})
    except csv.Error as problem:
        raise BadFile(f"line {reader.line_num}: {problem}") from None


def _is_said(name: str, cell: str) -> bool:
    return bool(cell) and name not in PROBLEM


def _value(name: str, cell: str) -> Any:
    return BOOLEANS.get(cell, cell) if name == "give_back" else cell


@dataclass
class Progress:
    """
    What was done of a file, kept in another file beside it.

    Attributes:
        file: where it is kept; None where nothing is to be kept.
        url: the service that it was done at; another one has not done it.
        again: how many times the whole file was begun again on purpose.
        done: what became of each batch, by its key.
    """

    file: Path | None
    url: str
    again: int = 0
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def load(self) -> None:
        """Read what was kept; a line that was cut off by an interruption is dropped."""
        if self.file is None or not self.file.exists():
            return
        content = self.file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            self.file.write_bytes(whole)
        for text in whole.splitlines():
            entry = json.loads(text)
            if "again" in entry:
                self.again, self.done = entry["again"], {}
            elif entry["url"] == self.url:
                self.done[entry["key"]] = entry

    def begin_again(self) -> None:
        """Forget what was done."""
        self.again, self.done = self.again + 1, {}
        self._keep({"again": self.again})

    def keep(self, key: str, done: Done) -> None:
        """Write down what became of a batch, before the next one is sent."""
        failed = [[one.line.number, one.code, one.detail] for one in done.failed]
        entry = {
            "url": self.url,
            "key": key,
            "changed": done.changed,
            "unchanged": done.unchanged,
            "failed": failed,
        }
        self.done[key] = entry
        self._keep(entry)

    def known(self, key: str, lines: Sequence[Line]) -> Done | None:
        """What became of a batch in an earlier run, None where it was not done."""
        entry = self.done.get(key)
        if entry is None:
            return None
        by_number = {line.number: line for line in lines}
        failed = [Failed(by_number[n], code, detail) for n, code, detail in entry["failed"]]
        return Done(entry["changed"], entry["unchanged"], failed, before=True)

    def _keep(self, entry: dict[str, Any]) -> None:
        if self.file is None:
            return
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())


@dataclass(frozen=True)
class Application:
    """A file of changes to be applied to an account of a service."""

    remote: Remote
    account_id: str
    on_error: OnError
    dry_run: bool
    progress: Progress

    def apply(self, batches: Sequence[Sequence[Line]]) -> Iterator[tuple[Sequence[Line], Done]]:
        """
        Send the batches, in order, but those that were done; yields what became of each.

        Ends with the first one of which nothing was done. Raises `ServiceRefused`.
        """
        for number, lines in enumerate(batches, 1):
            key = self._key(number, lines)
            done = self.progress.known(key, lines)
            if done is None:
                done = self._sent(lines, key)
                if done.applied and not self.dry_run:
                    self.progress.keep(key, done)
            yield lines, done
            if not (done.applied or self.dry_run):
                return

    def _key(self, number: int, lines: Sequence[Line]) -> str:
        changes = [line.change for line in lines]
        content = [self.account_id, self.on_error, self.progress.again, number, changes]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _sent(self, lines: Sequence[Line], key: str) -> Done:
        query = f"on_error={self.on_error}" + ("&dry_run=true" if self.dry_run else "")
        status, answer = self.remote.post(
            f"/v1/accounts/{self.account_id}/seat-batches?{query}",
            {"changes": [line.change for line in lines]},
            None if self.dry_run else key,
        )
        if status == 200:
            return _answered(lines, answer)
        if status == 409 and answer.get("code") == "batch_refused":
            return Done(0, 0, [_failed(lines, why) for why in answer["lines"]], applied=False)
        malformed = _malformed(lines, answer) if status == 422 else []
        if not malformed:
            raise ServiceRefused(f"{status}: {answer.get('detail')}")
        return self._without(malformed, lines, key)

    def _without(self, malformed: list[Failed], lines: Sequence[Line], key: str) -> Done:
        """The batch without the lines that can never be right, if the others are wanted."""
        wrong = {one.line.number for one in malformed}
        good = [line for line in lines if line.number not in wrong]
        if self.on_error == OnError.ABORT and not self.dry_run:
            return Done(0, 0, malformed, applied=False)
        if not good:
            return Done(0, 0, malformed)
        rest = self._sent(good, f"{key}-{len(good)}")
        failed = sorted([*malformed, *rest.failed], key=lambda one: one.line.number)
        return Done(rest.changed, rest.unchanged, failed, rest.applied)


def _answered(lines: Sequence[Line], answer: dict[str, Any]) -> Done:
    refused = [line for line in answer["lines"] if line["problem"]]
    failed = [_failed(lines, line["problem"] | {"line": line["line"]}) for line in refused]
    return Done(answer["changed"], answer["unchanged"], failed)


def _failed(lines: Sequence[Line], why: dict[str, Any]) -> Failed:
    return Failed(lines[why["line"] - 1], why["code"], why["detail"])


def _malformed(lines: Sequence[Line], answer: dict[str, Any]) -> list[Failed]:
    """The lines that are not as the contract says, each with its first mistake."""
    found: dict[int, Failed] = {}
    for error in answer.get("errors", []):
        _, first, index, *member = [*error["pointer"].split("/"), "", ""][:4]
        if first == "changes" and index.isdecimal():
            line = lines[int(index)]
            detail = f"{'/'.join(filter(None, member))}: {error['detail']}".removeprefix(": ")
            found.setdefault(line.number, Failed(line, answer["code"], detail))
    return [found[number] for number in sorted(found)]


def write_report(file: Path, failed: Sequence[Failed]) -> None:
    """Write the refused lines, each with its problem; corrected, it can be applied itself."""
    rows = [
        one.line.change | {"problem_code": one.code, "problem_detail": one.detail} for one in failed
    ]
    if file.suffix == ".json":
        file.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    columns = [name for name in ChangeRequest().fields if any(name in row for row in rows)]
    with file.open("w", encoding="utf-8", newline="") as output:
        writer = csv.DictWriter(output, [*columns, *PROBLEM], extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
