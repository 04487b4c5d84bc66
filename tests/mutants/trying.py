"""
Mutants are tried in forks of a process that has imported and collected the tests already.

A mistake inside of a function is put into the function where it lives, whoever has imported it, and
only the tests that call the function are run. Any other mistake (a constant of the module, a
default, a class), and one in a function that is called at import alone, is met by a process that
imports everything anew.

A fork that runs for several times as long as all tests together is killed: such a mutant is
noticed, too.
"""

import gc
import importlib
import importlib.machinery
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.mutants.making import Mutant, original

# What is imported before the forks that import our own modules: it takes the most time.
PRELOADED = (
    "cryptography.x509",
    "dateutil.relativedelta",
    "environs",
    "flask_cors",
    "flask_smorest",
    "granian.server.mp",
    "hypothesis.strategies",
    "joserfc.jwt",
    "jsonschema",
    "limits",
    "playhouse.migrate",
    "playhouse.pool",
    "prometheus_client",
    "requests",
    "structlog",
    "uuid_utils",
)
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider")
OPTIMIZED_WITH_NEW_LOCALS = 3  # flags of what is a function, not a module or a class
CHILD_FAILED, UNREACHED = 1, -1
IMPORTING = 30  # seconds, at the most
NOTHING = "tests/mutants/nothing.py"
# Not imported: that would import our own modules before the mutant among them.
WRITES_STATEMENTS = "licensing/compiled.py"
Place = tuple[str, int]
Limits = dict[str, int]


class TestsFail(Exception):
    """The tests fail without any mutant."""


def killed(
    mutants: Sequence[Mutant], tests: Sequence[str], go_on: Callable[[], bool]
) -> Iterator[tuple[Mutant, bool]]:
    """
    Try mutants of one module as long as `go_on` says; yields each and whether the tests noticed.

    Raises `TestsFail`.
    """
    if not mutants:
        return
    _set_up()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _say_nothing()
        with open(writing, "w", buffering=1) as answers:  # noqa: PTH123 a pipe
            first = [NOTHING] if Path(NOTHING).exists() else []
            session = _Session(mutants, answers, go_on, begins_with_nothing=bool(first))
            code = pytest.main([*OPTIONS, *first, *tests], plugins=[session])
        os._exit(int(code))
    os.close(writing)
    with open(reading) as answers:  # noqa: PTH123 a pipe
        limits: Limits | str = json.loads(answers.readline() or '"collecting them"')
        unreached = []
        for line in answers:
            number, code = json.loads(line)
            if code == UNREACHED:
                unreached.append(mutants[number])
            else:
                yield mutants[number], code != 0
    _, state = os.waitpid(child, 0)
    if isinstance(limits, str):
        raise TestsFail(limits)
    if state:
        raise TestsFail(f"what tries them ended with {os.waitstatus_to_exitcode(state)}")
    if unreached and go_on():
        yield from _killed_anew(unreached, tests, go_on, limits)


def _killed_anew(
    mutants: Sequence[Mutant], tests: Sequence[str], go_on: Callable[[], bool], limits: Limits
) -> Iterator[tuple[Mutant, bool]]:
    _preload()
    source = mutants[0].source
    limits = {kind: seconds + IMPORTING for kind, seconds in limits.items()}
    if _in_child(partial(_run_anew, source, original(source), tests), **limits):
        raise TestsFail(" ".join(tests))
    for mutant in mutants:
        if go_on():
            code = _in_child(partial(_run_anew, source, mutant.code, tests), **limits)
            yield mutant, code != 0


def _is_writing_a_statement(frame: FrameType | None) -> bool:
    """Whether what a function does is kept by `licensing.compiled`."""
    while frame is not None:
        if frame.f_code.co_filename.endswith(WRITES_STATEMENTS):
            return True
        frame = frame.f_back
    return False


class _Session:
    """A plugin of pytest: instead of running what was collected once, it does so per mutant."""

    def __init__(
        self,
        mutants: Sequence[Mutant],
        answers: IO[str],
        go_on: Callable[[], bool],
        begins_with_nothing: bool,
    ) -> None:
        self._mutants, self._answers, self._go_on = mutants, answers, go_on
        self._begins_with_nothing = begins_with_nothing
        self._source = mutants[0].source

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            return True
        if self._begins_with_nothing:
            _run(session.items[0], session.items[1])
        with tempfile.TemporaryFile("w+") as callers:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            code = _in_child(partial(self._watch, session, callers))
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            callers.seek(0)
            if code:
                self._tell(callers.read())
                return True
            calls = {(name, line): numbers for name, line, numbers in json.load(callers)}
        seconds = int(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        limits = {"cpu": 3 * (seconds + 1), "wall": 20 * seconds + 60}
        self._tell(limits)
        self._try_all(session, calls, limits)
        return True

    def _tell(self, answer: object) -> None:
        self._answers.write(json.dumps(answer) + "\n")

    def _try_all(
        self, session: pytest.Session, calls: dict[Place, list[int]], limits: Limits
    ) -> None:
        functions, unchanged = _functions_of(self._source), original(self._source)
        gc.freeze()
        for number, mutant in enumerate(self._mutants):
            if not self._go_on():
                return
            changes = list(_changes(unchanged, mutant.code))
            changed = {_place(before) for before, _ in changes if before is not None}
            numbers = sorted({n for place in changed for n in calls.get(place, ())})
            outermost = next(iter(changes), (None, None))[0]
            if not numbers or outermost is None or not functions[_place(outermost)]:
                self._tell((number, UNREACHED))
                continue
            run = partial(_run_changed, session, functions, changes, numbers)
            self._tell((number, _in_child(run, **limits)))

    def _watch(self, session: pytest.Session, callers: IO[str]) -> int:
        """Run all tests once, and write down which of them call which function of the module."""
        calls: dict[Place, set[int]] = defaultdict(set)
        file, number = str(self._source.resolve()), 0
        everywhere = range(len(session.items))

        def called(frame: FrameType, event: str, _: Any) -> None:
            if event == "call" and frame.f_code.co_filename == file:
                # Whoever runs a statement that is kept runs what a test before had it written by.
                tests = everywhere if _is_writing_a_statement(frame) else (number,)
                calls[_place(frame.f_code)].update(tests)

        threading.setprofile(called)
        sys.setprofile(called)
        for number, item in enumerate(session.items):
            _run(item, next(iter(session.items[number + 1 :]), None))
            if session.testsfailed:
                callers.write(item.nodeid)
                callers.flush()
                return CHILD_FAILED
        sys.setprofile(None)
        json.dump([(*place, sorted(numbers)) for place, numbers in calls.items()], callers)
        callers.flush()
        return 0


def _place(code: CodeType) -> Place:
    return code.co_qualname, code.co_firstlineno


def _functions_of(source: Path) -> dict[Place, list[FunctionType]]:
    """The functions that were made of a module's code, wherever they are now."""
    found: dict[Place, list[FunctionType]] = defaultdict(list)
    file = str(source.resolve())
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename == file:
            found[_place(thing.__code__)].append(thing)
    return found


def _changes(before: CodeType, after: CodeType) -> Iterator[tuple[CodeType | None, CodeType]]:
    """
    The functions whose code differs, the outer before the inner, and their new code.

    (None, …) stands for what no function can be exchanged for.
    """
    inner = list(zip(_inner(before), _inner(after), strict=False))
    is_function = before.co_flags & OPTIMIZED_WITH_NEW_LOCALS == OPTIMIZED_WITH_NEW_LOCALS
    if is_function and before != after:
        yield (before if before.co_freevars == after.co_freevars else None), after
    elif not is_function and (_own(before) != _own(after)):
        yield None, after
    for one, other in inner:
        if one != other:
            yield from _changes(one, other)


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _own(code: CodeType) -> tuple[object, ...]:
    """What a module or a class does itself, whatever the functions in it do."""
    constants = [
        "code" if isinstance(constant, CodeType) else (type(constant), constant)
        for constant in code.co_consts
    ]
    return code.co_code, code.co_names, tuple(constants)


def _run_changed(
    session: pytest.Session,
    functions: dict[Place, list[FunctionType]],
    changes: list[tuple[CodeType | None, CodeType]],
    numbers: list[int],
) -> int:
    for before, after in changes:
        for function in functions[_place(before)] if before else ():
            function.__code__ = after
    items = [session.items[number] for number in numbers]
    for item, following in zip(items, [*items[1:], None], strict=True):
        _run(item, following)
        if session.testsfailed:
            return CHILD_FAILED
    return 0


def _run(item: pytest.Item, following: pytest.Item | None) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _run_anew(source: Path, code: CodeType, tests: Sequence[str]) -> int:
    """Import everything, one module with other code than it has, and run the tests."""
    sys.meta_path.insert(0, _Finder(source, code))
    return int(pytest.main([*OPTIONS, *tests]))


class _Finder(importlib.machinery.PathFinder):
    """Finds one module where Python would, but with other code."""

    def __init__(self, source: Path, code: CodeType) -> None:
        self._file, self._code = str(source.resolve()), code

    def find_spec(self, *where: Any) -> Any:  # type: ignore[override]
        spec: Any = super().find_spec(*where)
        if spec is not None and spec.origin == self._file:
            spec.loader.get_code = lambda _: self._code
        return spec


def _preload() -> None:
    for name in PRELOADED:
        importlib.import_module(name)


def _set_up() -> None:
    """Let a test take as long as it likes, on a machine that is busy, and do the same each time."""
    # The plugins that happen to be installed have to be loaded by every process; none is needed.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    settings.register_profile(
        "mutants",
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    settings.load_profile("mutants")


def _in_child(run: Callable[[], int], cpu: int | None = None, wall: int = 0) -> int:
    """Run something in a silent fork that has a folder of its own; returns its exit code."""
    folder = tempfile.mkdtemp(prefix="mutant-")
    child = os.fork()
    if child == 0:
        code = CHILD_FAILED
        try:
            signal.alarm(wall)
            if cpu is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
            os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
            _say_nothing()
            code = run()
        finally:
            os._exit(code)
    _, state = os.waitpid(child, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return os.waitstatus_to_exitcode(state)


def _say_nothing() -> None:
    with open(os.devnull, "w") as nothing:  # noqa: PTH123 its number is needed
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
