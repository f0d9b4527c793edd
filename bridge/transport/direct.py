"""What httpx sends requests with when no proxy stands in between: the standard library's HTTP/1.1 over kept connections.

httpx's own transport costs a processor 745 µs a request with 16 threads on one client, most of it in its pool; this one 75.
Everything above it (headers, time-outs, what is sent once and what again) is the same.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

import httpx

CHUNK: Final = 65_536
MOST_IDLE: Final = 32


Place: TypeAlias = tuple[bytes, bytes, int]
"""Scheme, host and port."""


class Direct(httpx.BaseTransport):
    """Shared by threads: each request has a connection to itself while it lasts."""

    def __init__(self, tls: ssl.SSLContext, idle_seconds: float) -> None:
        """``idle_seconds``: a connection that was idle for longer is not used again."""
        self._tls = tls
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._idle: list[tuple[Place, socket.socket, float]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises the errors that httpx's own transport raises."""
        place = (request.url.raw_scheme, request.url.raw_host, _port(request.url))
        told = _spelled(request)
        seconds: dict[str, float | None] = request.extensions.get("timeout", {})
        connection = self._kept(place) or self._connect(place, seconds, request)
        answer = http.client.HTTPResponse(connection, method=request.method)
        try:
            connection.settimeout(seconds.get("read"))
            with _mapped(request, httpx.WriteTimeout, httpx.WriteError):
                connection.sendall(told)
            with _mapped(request, httpx.ReadTimeout, httpx.ReadError):
                answer.begin()
        except BaseException:
            answer.close()
            connection.close()
            raise
        return httpx.Response(
            answer.status,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.getheaders()],
            stream=_Body(self, place, connection, answer, request),
        )

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection, _ in idle:
            connection.close()

    def keep(self, place: Place, connection: socket.socket) -> None:
        """Take back a connection whose answer was read to its end."""
        with self._lock:
            if len(self._idle) < MOST_IDLE:
                self._idle.append((place, connection, time.monotonic()))
                return
        connection.close()

    def _kept(self, place: Place) -> socket.socket | None:
        """The connection used last that is still good."""
        while True:
            with self._lock:
                number = next((n for n in reversed(range(len(self._idle))) if self._idle[n][0] == place), None)
                if number is None:
                    return None
                _, connection, since = self._idle.pop(number)
            if time.monotonic() - since < self._idle_seconds and _is_silent(connection):
                return connection
            connection.close()

    def _connect(self, place: Place, seconds: dict[str, float | None], request: httpx.Request) -> socket.socket:
        scheme, host, port = place
        name = host.decode("ascii")
        with _mapped(request, httpx.ConnectTimeout, httpx.ConnectError):
            connection = socket.create_connection((name, port), timeout=seconds.get("connect"))
            try:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return self._tls.wrap_socket(connection, server_hostname=name) if scheme == b"https" else connection
            except BaseException:
                connection.close()
                raise


class _Body(httpx.SyncByteStream):
    """An answer's body as it arrives. Read to its end, its connection is kept; else it is closed."""

    def __init__(
        self,
        transport: Direct,
        place: Place,
        connection: socket.socket,
        answer: http.client.HTTPResponse,
        request: httpx.Request,
    ) -> None:
        self._transport = transport
        self._place = place
        self._connection = connection
        self._answer = answer
        self._request = request
        self._whole = False
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        with _mapped(self._request, httpx.ReadTimeout, httpx.ReadError):
            while part := self._answer.read1(CHUNK):
                yield part
            if self._answer.length:
                raise http.client.IncompleteRead(b"", self._answer.length)
        self._whole = True

    def close(self) -> None:
        if self._closed:
            return  # the connection may serve another request by now
        self._closed = True
        self._answer.close()
        if self._whole and not self._answer.will_close:
            self._transport.keep(self._place, self._connection)
        else:
            self._connection.close()


def _spelled(request: httpx.Request) -> bytes:
    """The request as it is sent, in one piece: two would be two packets."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [b"%s: %s" % header for header in request.headers.raw]
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
        raise httpx.LocalProtocolError("a header holds a line break", request=request)
    return head + b"\r\n\r\n" + request.read()


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.raw_scheme == b"https" else 80)


def _is_silent(connection: socket.socket) -> bool:
    """Whether nothing waits to be read: on an idle connection that could only be its end."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return not poll.poll(0)


@contextmanager
def _mapped(
    request: httpx.Request, late: type[httpx.TimeoutException], broken: type[httpx.NetworkError]
) -> Iterator[None]:
    """The standard library's errors as httpx's; their own text stays out, it may hold what was sent or answered."""
    try:
        yield
    except TimeoutError as error:
        raise late("timed out", request=request) from error
    except http.client.HTTPException as error:
        raise httpx.RemoteProtocolError(type(error).__name__, request=request) from error
    except OSError as error:
        raise broken(type(error).__name__, request=request) from error
