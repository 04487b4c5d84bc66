"""
Connections of webhooks: to checked addresses only, and kept for a while (promise 9).

An address is checked where the socket is opened, so that a name which is looked up again, or a
redirect, leads nowhere else; and no socket is opened anywhere but here.
"""

import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from webhooks.addresses import Target, refuse_unless_public
from webhooks.answers import Answer
from webhooks.exchanges import Exchange, Phase
from webhooks.gate import gate
from webhooks.heads import request_head
from webhooks.resolving import Found, look_up

SECONDS_TO_RESOLVE = 3.0
SECONDS_TO_CONNECT = 3.0
# Whoever moves a host expects to be found there before long.
SECONDS_UNTIL_RETIRED = 300.0
SECONDS_UNUSED = 60.0
KEPT_PER_HOST = 32


class Connection(HTTPConnection):
    """
    A connection that one exchange after another uses.

    Attributes:
        exchange: the present one.
        opened_at, used_at: on the monotonic clock.
    """

    exchange: Exchange
    opened_at = 0.0
    used_at = 0.0

    def ask(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """
        Post a body; returns the answer when its head has been read.

        It is posted once more where the connection had been used before and was closed meanwhile:
        nothing was answered at all.
        """
        self.exchange.reused = self.sock is not None
        try:
            return self._ask(path, headers, body)
        except TimeoutError:
            raise
        except OSError:
            if not self.exchange.reused or self.exchange.phase is Phase.BODY:
                raise
        self.close()
        self.exchange.resent = True
        return self._ask(path, headers, body)

    def _ask(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self.sock is None:
            with gate.outside():
                self.connect()
            # From here on nobody waits but the exchange.
            cast(socket.socket, self.sock).setblocking(False)
        self.exchange.enter(Phase.FIRST_BYTE)
        # In one packet, head and body cost half as much.
        message = request_head(path, self._written_host, len(body), headers) + body
        # A receiver may answer, and close, before it has read a body that is too large for it.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._send_all(message)
        answer = Answer(self.sock, self.exchange)
        answer.begin()
        return answer

    def _send_all(self, message: bytes) -> None:
        """Send it, however slowly it is taken, until the deadline at the most."""
        rest = memoryview(message)
        while rest:
            try:
                rest = rest[self.sock.send(rest) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self.exchange.wait(self.sock, select.POLLOUT)
            except ssl.SSLWantReadError:
                self.exchange.wait(self.sock, select.POLLIN)

    @cached_property
    def _written_host(self) -> str:
        """The host as the header says it: in brackets where it is an IPv6 address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == self.default_port else f"{host}:{self.port}"

    def is_fresh(self, oldest: float) -> bool:
        """Whether it may be used again, rather than be opened anew."""
        now = time.monotonic()
        return now - self.opened_at < oldest and now - self.used_at < SECONDS_UNUSED

    def _new_conn(self) -> socket.socket:
        exchange = self.exchange
        exchange.enter(Phase.DNS)
        found = look_up(self.host, self.port, exchange.left(SECONDS_TO_RESOLVE))
        if not exchange.is_allowed:
            for one in found:
                refuse_unless_public(one.address)
        exchange.enter(Phase.CONNECT)
        sock = _connected(found, exchange)
        self.opened_at = time.monotonic()
        return sock


class TlsConnection(Connection, HTTPSConnection):
    """The same, over TLS; the certificate has to be for the host that was asked for."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        self.exchange.enter(Phase.TLS)
        # The handshake as a whole lasts no longer than the socket's timeout.
        sock.settimeout(self.exchange.left())
        return sock


def _connected(found: list[Found], exchange: Exchange) -> socket.socket:
    """A socket to the first address that can be connected to; each gets its share of the time."""
    ends = time.monotonic() + SECONDS_TO_CONNECT
    problem = OSError("the host has no address")
    for index, one in enumerate(found):
        share = (ends - time.monotonic()) / (len(found) - index)
        try:
            return _connected_to(one, exchange, exchange.left(share))
        except OSError as refused:
            problem = refused
    raise problem


def _connected_to(one: Found, exchange: Exchange, seconds: float) -> socket.socket:
    sock = socket.socket(one.family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(seconds)
        sock.connect(one.sockaddr)
        if not exchange.is_allowed:
            # What counts is whom the system says that we are talking to.
            refuse_unless_public(sock.getpeername()[0])
    except BaseException:
        sock.close()
        raise
    return sock


class Pool(HTTPConnectionPool):
    """The connections to one host and port."""

    ConnectionCls = Connection

    def take(self, exchange: Exchange, oldest: float) -> Connection:
        """A connection for an exchange: one that is open and fresh, or one that will be opened."""
        connection = cast(Connection, self._get_conn())
        if connection.sock is not None and not connection.is_fresh(oldest):
            connection.close()
        connection.exchange = exchange
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next exchange."""
        connection.used_at = time.monotonic()
        self._put_conn(connection)

    def tidy(self, oldest: float) -> None:
        """Close what nobody has used for a while."""
        for connection in list(self._taken_out()):
            if connection.is_fresh(oldest):
                self._put_conn(connection)
            else:
                connection.close()

    def _taken_out(self) -> Iterator[Connection]:
        with suppress(queue.Empty):
            while self.pool is not None:
                connection = self.pool.get(block=False)
                if connection is not None:
                    yield cast(Connection, connection)


class TlsPool(Pool, HTTPSConnectionPool):
    """The same, over TLS."""

    ConnectionCls = TlsConnection


class Pools:
    """
    The pools of the hosts that were used last.

    `tls` makes what all secured connections share: it takes its time, and not all need it.
    """

    def __init__(self, hosts: int, tls: Callable[[], ssl.SSLContext]) -> None:
        self._hosts = hosts
        self._make_tls = tls
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, str, int], Pool] = {}

    def of(self, target: Target) -> Pool:
        """The connections to a host and port."""
        key = (target.scheme, target.host, target.port)
        with self._lock:
            pool = self._pools.pop(key, None) or self._new(target)
            # The last one is the one that was used last.
            self._pools[key] = pool
            if len(self._pools) > self._hosts:
                # Its connections close when those that use it are done.
                del self._pools[next(iter(self._pools))]
        return pool

    def tidy(self, oldest: float) -> None:
        """Close the connections that nobody has used for a while."""
        with self._lock:
            pools = list(self._pools.values())
        for pool in pools:
            pool.tidy(oldest)

    def clear(self) -> None:
        """Close all connections that are not in use, the others when they are done."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.close()

    def _new(self, target: Target) -> Pool:
        if target.scheme == "http":
            return Pool(target.host, target.port, maxsize=KEPT_PER_HOST)
        return TlsPool(target.host, target.port, maxsize=KEPT_PER_HOST, ssl_context=self._tls)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._make_tls()
