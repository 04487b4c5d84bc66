"""deploy/nginx.conf, with nginx itself in front of the service."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.requiring import needs
from tests.serving import ROOT, Served, served

CONF = ROOT / "deploy" / "nginx.conf"
THREADS = 2  # of each server
SLOW_CLIENTS = 8
DELETE = b"DELETE /v1/accounts/acc_1/users/usr_1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(autouse=True)
def hands() -> None:
    """The service under test has a clock of its own."""


def _port_of(running: Served) -> int:
    port = urlsplit(running.address).port
    assert port is not None
    return port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _proxy(folder: Path, *ports: int) -> Iterator[int]:
    """Run nginx with the configuration, in front of what listens on these ports; yields its own."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    needs("proxy", nginx is not None, "nginx")
    own = _free_port()
    servers = "\n".join(f"server 127.0.0.1:{port} max_fails=3 fail_timeout=5s;" for port in ports)
    text = CONF.read_text()
    for old, new in (
        (r"server web:8080 resolve [^;]+;", servers),
        (r"resolver [^;]+;", ""),  # a name server is Docker's; here are addresses
        (r"listen 8080;", f"listen 127.0.0.1:{own};"),
        (r"/tmp/", f"{folder}/"),  # noqa: S108 the configuration's
        (r"worker_processes auto;", f"worker_processes 1;\ndaemon off;\n{_user()}"),
    ):
        text, changes = re.subn(old, new, text)
        assert changes > 0, old
    conf = folder / "nginx.conf"
    conf.write_text(text)
    folder.chmod(0o755)
    process = subprocess.Popen([str(nginx), "-c", conf, "-e", "stderr"])  # noqa: S603 nginx
    try:
        _wait_for(own)
        yield own
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _user() -> str:
    """As root, nginx would work as somebody else, who may not write to the folders of the tests."""
    return "user root;" if os.geteuid() == 0 else ""


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens on {port}")


def _ask(port: int, request: bytes, timeout: float = 20) -> tuple[int, str]:
    """Send a request as it is; returns the status and the whole answer."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=timeout)) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return int(answer.split(b" ", 2)[1]), answer.decode()


def _get(port: int, path: str = "/livez", **headers: str) -> tuple[int, str]:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    lines = f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}Connection: close\r\n\r\n"
    return _ask(port, lines.encode())


def _post(running: Served, length: str, body: bytes) -> bytes:
    """The beginning of a new account, with a line that says how long the body is."""
    return (
        f"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.key}\r\n"
        f"Content-Type: application/json\r\n{length}\r\nConnection: close\r\n\r\n"
    ).encode() + body


@pytest.fixture(scope="module")
def service_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, int]]:
    """The demo with few threads, and the port of a proxy in front of it."""
    folder = tmp_path_factory.mktemp("behind")
    needs("proxy", bool(shutil.which("nginx", path="/usr/sbin:/usr/bin:/bin")), "nginx")
    settings = {
        "SEATKEEPER_THREADS": str(THREADS),
        "SEATKEEPER_PROXIES": "1",
        "SEATKEEPER_LIMIT_ADDRESS": "100",
    }
    with (
        served(folder, "--demo", **settings) as running,
        _proxy(tmp_path_factory.mktemp("proxy"), _port_of(running)) as port,
    ):
        yield running, port


def _dawdle(stack: ExitStack, running: Served, port: int) -> None:
    """Clients that send a part of a body, and then nothing."""
    for _ in range(SLOW_CLIENTS):
        slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
        slow.sendall(_post(running, "Content-Length: 40", b'{"na'))


def test_slow_clients_hold_no_thread_of_the_service(service_behind: tuple[Served, int]) -> None:
    running, port = service_behind
    with ExitStack() as stack:
        _dawdle(stack, running, port)
        answers = {_get(port, "/readyz")[0] for _ in range(5)}

    assert answers == {200}


def test_without_the_proxy_they_would(service_behind: tuple[Served, int]) -> None:
    running, _ = service_behind
    with ExitStack() as stack:
        _dawdle(stack, running, _port_of(running))
        with pytest.raises(TimeoutError):
            _ask(_port_of(running), b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", timeout=2)
    _wait_until_it_answers(_port_of(running))


def _wait_until_it_answers(port: int) -> None:
    while True:
        try:
            assert _get(port)[0] == 200
        except OSError:
            continue
        return


def test_a_body_that_comes_in_chunks_arrives_with_its_length(
    service_behind: tuple[Served, int],
) -> None:
    running, port = service_behind
    body = b'8\r\n{"name":\r\n7\r\n"Acme"}\r\n0\r\n\r\n'
    request = _post(running, "Transfer-Encoding: chunked", body)

    through, _ = _ask(port, request)
    direct, told = _ask(_port_of(running), request)

    assert (through, direct) == (201, 411)
    assert '"code":"length_required"' in told


def test_a_body_that_is_too_large_is_refused_as_a_problem(
    service_behind: tuple[Served, int],
) -> None:
    running, port = service_behind
    size = 1_200_000
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        connection.sendall(_post(running, f"Content-Length: {size}", b""))
        try:
            for _ in range(0, size, 10_000):
                connection.sendall(b" " * 10_000)
        except OSError:
            pass  # it has been refused already
        answer = connection.recv(65536).decode()

    assert answer.startswith("HTTP/1.1 413")
    assert "content-type: application/problem+json" in answer.lower()
    assert "payload_too_large" in answer


def _refused(port: int, key: str, size: int) -> tuple[int, str]:
    """The status and the code of the answer to a body of so many bytes."""
    request = (
        f"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    )
    status, answer = _ask(port, request.encode() + b" " * size)
    return status, json.loads(answer.partition("\r\n\r\n")[2])["code"]


@pytest.mark.parametrize("size", [70_000, 300_000, 1_000_000, 1_090_000])
def test_whoever_is_refused_before_the_body_was_read_is_told_why(
    service_behind: tuple[Served, int], size: int
) -> None:
    running, port = service_behind

    # More than once: what a reset connection loses is a matter of time.
    too_large = {_refused(port, running.key, size) for _ in range(5)}
    without_key = {_refused(port, "sk_none", size) for _ in range(5)}

    assert too_large == {(413, "payload_too_large")}
    assert without_key == {(401, "unauthenticated")}


def test_the_address_that_the_proxy_saw_is_believed_and_no_other(
    service_behind: tuple[Served, int],
) -> None:
    _, port = service_behind

    left = [
        int(re.search(r"r=(\d+)", _get(port, "/openapi.json", X_Forwarded_For=f"10.0.0.{n}")[1])[1])  # type: ignore[index]
        for n in range(3)
    ]

    # All of them count as the proxy's client, whatever address they say they have.
    assert left[0] > left[1] > left[2]


def test_the_answers_are_those_of_the_service(service_behind: tuple[Served, int]) -> None:
    _, port = service_behind

    status, answer = _get(port, "/v1/accounts")

    head = answer.lower()
    assert status == 401
    assert "server: seatkeeper\r\n" in head
    for name in ("x-content-type-options", "content-security-policy", "referrer-policy"):
        assert head.count(f"{name}: ") == 1


def test_when_one_of_two_dies_nobody_notices(tmp_path: Path) -> None:
    for name in ("one", "two", "proxy"):
        (tmp_path / name).mkdir()
    with (
        served(tmp_path / "one", SEATKEEPER_DATABASE_URL="sqlite:///one.db") as one,
        served(tmp_path / "two", SEATKEEPER_DATABASE_URL="sqlite:///two.db") as two,
        _proxy(tmp_path / "proxy", _port_of(one), _port_of(two)) as port,
    ):
        before = [_get(port)[0] for _ in range(4)]
        one.process.kill()
        one.process.wait(timeout=30)
        after = [_get(port)[0] for _ in range(8)]
        posted, _ = _ask(port, _post(two, "Content-Length: 2", b"{}"))
        two.process.kill()
        two.process.wait(timeout=30)
        none_left = [_get(port), _ask(port, DELETE)]

    assert (set(before), set(after), posted) == ({200}, {200}, 401)
    for status, told in none_left:
        assert status == 502
        assert "content-type: application/problem+json" in told.lower()
        assert json.loads(told.partition("\r\n\r\n")[2])["code"] == "unavailable"
