"""Looking up hosts: each in a thread of its own, so that a silent name server holds up no other."""

import socket
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

# A host is looked up once at a time; so many at once can only be a fault.
MOST_LOOKUPS = 32


@dataclass(frozen=True)
class Found:
    """An address of a host: its family, and what a socket of that family connects to."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def address(self) -> str:
        """The IP address."""
        return str(self.sockaddr[0])


_lock = threading.Lock()
_under_way: dict[tuple[str, int], Future[list[Found]]] = {}


def look_up(host: str, port: int, seconds: float) -> list[Found]:
    """
    All addresses of a host, in the order in which to try them.

    Who asks for a host that is being looked up waits for the same answer. Raises `TimeoutError`
    where there is none in time, and `OSError` for what the resolver says.
    """
    with _lock:
        answer = _under_way.get((host, port))
        if answer is None:
            answer = _begin(host, port)
    return answer.result(seconds)


def _begin(host: str, port: int) -> Future[list[Found]]:
    if len(_under_way) >= MOST_LOOKUPS:
        raise OSError("too many hosts are being looked up")
    answer: Future[list[Found]] = Future()
    # Nobody can interrupt a lookup: the thread ends when there is an answer, or with the process.
    threading.Thread(
        target=_work, args=(host, port, answer), name="webhook-resolver", daemon=True
    ).start()
    _under_way[host, port] = answer
    return answer


def _work(host: str, port: int, answer: Future[list[Found]]) -> None:
    try:
        found = _answers(host, port)
        problem = None
    except (OSError, UnicodeError) as said:
        problem = OSError(str(said))
    with _lock:
        # Who asks from here on gets an answer of his own.
        del _under_way[host, port]
    if problem is not None:
        answer.set_exception(problem)
    else:
        answer.set_result(found)


def _answers(host: str, port: int) -> list[Found]:
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [Found(family, sockaddr) for family, _, _, _, sockaddr in answers]
