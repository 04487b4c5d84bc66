"""
A plugin of pytest: keeps all that the tests log and print, and fails the run in which a secret was.

Records are kept as the service would write them, by its own formatter (see `tests.hygiene`).
"""

import logging
from typing import Any

import pytest
import structlog

from licensing import logs
from tests import hygiene

FOUND: pytest.StashKey[list[str]] = pytest.StashKey()


class _Keeping(logging.Handler):
    """Keeps records as the service would write them."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        as_json = [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            *logs.JSON,
        ]
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(foreign_pre_chain=logs.SHARED, processors=as_json)
        )

    def emit(self, record: logging.LogRecord) -> None:
        hygiene.said("the log of the tests", self.format(record))


def pytest_configure(config: pytest.Config) -> None:
    """Keep what is logged, as much as the service says by default."""
    root = logging.getLogger()
    root.addHandler(_Keeping())
    root.setLevel(logging.INFO)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what a test has printed."""
    for name, text in report.sections:
        if name.startswith("Captured std"):
            hygiene.said(f"what was printed in {report.nodeid}", text)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when a secret was said anywhere."""
    session.config.stash[FOUND] = sorted(set(hygiene.found()))
    if session.config.stash[FOUND]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which secrets were said, and where."""
    for line in config.stash[FOUND]:
        terminalreporter.write_line(f"HYGIENE: {line}", red=True)
