"""What httpx sends requests with when no proxy stands in between: the standard library's HTTP/1.1 over kept connections.

httpx's own transport costs a processor 745 µs a request with 16 threads on one client, most of it in its pool; this one 75.
Everything above it (headers, time-outs, what is sent once and what again) is the same.
"""

from __future__ import annotations

import http.client
import select
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

CHUNK: Final = 65_536
MOST_IDLE: Final = 32


class Direct(httpx.BaseTransport):
    """Shared by threads: each request has a connection to itself while it lasts."""

    def __init__(self, tls: ssl.SSLContext, idle_seconds: float) -> None:
        """``idle_seconds``: a connection that was idle for longer is not used again."""
        self._tls = tls
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._idle: list[tuple[tuple[bytes, bytes, int], http.client.HTTPConnection, float]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises the errors that httpx's own transport raises."""
        place = (request.url.raw_scheme, request.url.raw_host, _port(request.url))
        seconds: dict[str, float | None] = request.extensions.get("timeout", {})
        connection = self._kept(place) or self._connect(place, seconds, request)
        try:
            connection.sock.settimeout(seconds.get("read"))
            with _told(request, httpx.WriteTimeout, httpx.WriteError):
                _send(connection, request)
            with _told(request, httpx.ReadTimeout, httpx.ReadError):
                answer = connection.getresponse()
        except BaseException:
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

    def keep(self, place: tuple[bytes, bytes, int], connection: http.client.HTTPConnection) -> None:
        """Take back a connection whose answer was read to its end."""
        with self._lock:
            if len(self._idle) < MOST_IDLE:
                self._idle.append((place, connection, time.monotonic()))
                return
        connection.close()

    def _kept(self, place: tuple[bytes, bytes, int]) -> http.client.HTTPConnection | None:
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

    def _connect(
        self, place: tuple[bytes, bytes, int], seconds: dict[str, float | None], request: httpx.Request
    ) -> http.client.HTTPConnection:
        scheme, host, port = place
        name, patience = host.decode("ascii"), seconds.get("connect")
        connection = (
            http.client.HTTPSConnection(name, port, timeout=patience, context=self._tls)
            if scheme == b"https"
            else http.client.HTTPConnection(name, port, timeout=patience)
        )
        with _told(request, httpx.ConnectTimeout, httpx.ConnectError):
            try:
                connection.connect()
            except BaseException:
                connection.close()
                raise
        return connection


class _Body(httpx.SyncByteStream):
    """An answer's body as it arrives. Read to its end, its connection is kept; else it is closed."""

    def __init__(
        self,
        transport: Direct,
        place: tuple[bytes, bytes, int],
        connection: http.client.HTTPConnection,
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
        with _told(self._request, httpx.ReadTimeout, httpx.ReadError):
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


def _send(connection: http.client.HTTPConnection, request: httpx.Request) -> None:
    target = request.url.raw_path.decode("ascii")
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.raw:
        connection.putheader(name, value)
    connection.endheaders(request.read() or None)


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.raw_scheme == b"https" else 80)


def _is_silent(connection: http.client.HTTPConnection) -> bool:
    """Whether nothing waits to be read: on an idle connection that could only be its end."""
    if connection.sock is None:
        return False
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


@contextmanager
def _told(
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
