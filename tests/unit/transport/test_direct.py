"""The transport beneath httpx, against servers that play each way an answer can come."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import httpx
import pytest

from bridge.transport.direct import MOST_HEAD, Direct

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Name: v\r\n\r\nok"
Serve = Callable[[socket.socket], None]


def request_of(connection: socket.socket) -> bytes:
    """One whole request; empty when the client is gone."""
    told = b""
    while b"\r\n\r\n" not in told:
        part = connection.recv(65_536)
        if not part:
            return b""
        told += part
    head, _, body = told.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


class Server:
    """Gives each connection the next of these lists of answers, or to the next of ``scripts``."""

    def __init__(self, *answers: tuple[bytes, ...], scripts: Sequence[Serve] = ()) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/x?y=%20z"
        self.connections = 0
        self.requests: list[bytes] = []
        self._scripts = [*map(self._answering, answers), *scripts]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for script in self._scripts:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                script(connection)

    def _answering(self, answers: tuple[bytes, ...]) -> Serve:
        def serve(connection: socket.socket) -> None:
            for answer in answers:
                self.requests.append(request_of(connection))
                connection.sendall(answer)

        return serve


@contextmanager
def served(*each: tuple[bytes, ...]) -> Iterator[Server]:
    """A server whose connections give these answers, one connection after another."""
    server = Server(*each)
    try:
        yield server
    finally:
        server.listening.close()


@pytest.fixture
def direct() -> Iterator[Direct]:
    made = Direct(ssl.create_default_context(), idle_seconds=4)
    yield made
    made.close()


@pytest.fixture
def client(direct: Direct) -> Iterator[httpx.Client]:
    with httpx.Client(transport=direct, trust_env=False, timeout=httpx.Timeout(1, connect=0.5)) as made:
        yield made


def test_a_connection_serves_one_request_after_another(client: httpx.Client) -> None:
    with served((OK, OK)) as server:
        first = client.post(server.url, content=b"body", headers={b"A": "ü".encode()})
        second = client.get(server.url)
    assert (first.status_code, first.content, first.headers["x-name"], second.content) == (200, b"ok", "v", b"ok")
    assert server.connections == 1
    assert server.requests[0].startswith(b"POST /x?y=%20z HTTP/1.1\r\n")
    assert server.requests[0].endswith(b"\r\n\r\nbody")
    assert server.requests[0].lower().count(b"\r\nhost:") == 1
    assert server.requests[0].lower().count(b"\r\naccept-encoding:") == 1


def test_a_connection_that_the_server_closed_is_not_used_again(client: httpx.Client) -> None:
    """A write on it would have an unknown outcome."""
    with served((OK,), (OK,)) as server:
        client.get(server.url)
        time.sleep(0.05)
        assert client.post(server.url, content=b"once").content == b"ok"
    assert server.connections == 2


def test_a_connection_that_was_idle_for_too_long_is_not_used_again() -> None:
    with served((OK, OK), (OK,)) as server, httpx.Client(transport=Direct(ssl.create_default_context(), 0)) as client:
        client.get(server.url)
        threading.Thread(target=client.get, args=(server.url,), daemon=True).start()
        time.sleep(0.1)
        assert b"" in server.requests, "the first connection was closed"


def test_a_connection_whose_answer_was_not_read_is_not_used_again(client: httpx.Client) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    with served((half, OK), (OK,)) as server:
        with client.stream("GET", server.url):
            pass
        assert client.get(server.url).content == b"ok"
    assert server.connections == 2


def test_a_connection_that_the_answer_says_will_close_is_not_used_again(client: httpx.Client) -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    with served((closing,), (OK,)) as server:
        assert [client.get(server.url).content for _ in range(2)] == [b"ok", b"ok"]


@pytest.mark.parametrize("more", [b"junk", OK, b"HTTP/1.1 200 OK\r\n"], ids=["junk", "an answer", "half an answer"])
def test_more_than_was_asked_for_is_nobodys_answer(client: httpx.Client, more: bytes) -> None:
    second = OK.replace(b"ok", b"2.")
    with served((OK + more,), (second,)) as server:
        first = client.get(server.url)
        assert (first.content, first.headers["content-length"]) == (b"ok", "2")
        assert client.get(server.url).content == b"2."
    assert server.connections == 2


def test_a_head_without_an_end_is_an_error(client: httpx.Client) -> None:
    def endless(connection: socket.socket) -> None:
        request_of(connection)
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Name: value\r\n" * (MOST_HEAD // 10))

    server = Server(scripts=[endless])
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(server.url)
    server.listening.close()


def test_another_target_than_the_urls_may_be_asked_for(client: httpx.Client) -> None:
    with served((OK,)) as server:
        client.get(server.url, extensions={"target": b"/other?q=1"})
    assert server.requests[0].startswith(b"GET /other?q=1 HTTP/1.1\r\n")


def test_closing_an_answer_twice_leaves_the_next_request_alone(client: httpx.Client) -> None:
    with served((OK, OK, OK)) as server:
        answer = client.send(client.build_request("GET", server.url), stream=True)
        answer.read()
        with client.stream("GET", server.url) as other:
            assert isinstance(answer.stream, httpx.SyncByteStream)
            answer.stream.close()
            assert other.read() == b"ok"
        assert client.get(server.url).content == b"ok"
    assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"packed"),
            b"packed",
        ),
    ],
    ids=["chunked", "until closed", "empty", "after a continue", "packed"],
)
def test_every_kind_of_body_is_read(client: httpx.Client, answer: bytes, body: bytes) -> None:
    with served((answer,)) as server:
        assert client.get(server.url).content == body


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"SSH-2.0-OpenSSH\r\n",
    ],
    ids=["none", "half", "half a chunk", "a chunk missing", "not http"],
)
def test_an_answer_that_breaks_off_is_an_error(client: httpx.Client, answer: bytes) -> None:
    with served((answer,)) as server, pytest.raises(httpx.RemoteProtocolError):
        client.get(server.url)


def test_silence_is_an_error_of_its_own(client: httpx.Client) -> None:
    with served((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"")) as server, pytest.raises(httpx.ReadTimeout):
        client.get(server.url, timeout=0.2)


def test_nobody_there_is_known_to_be_unsent(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(httpx.ConnectError):
        client.get(f"http://127.0.0.1:{port}/")


def test_a_server_that_does_not_speak_tls_is_known_to_be_unsent(client: httpx.Client) -> None:
    with served((OK,)) as server, pytest.raises((httpx.ConnectError, httpx.ConnectTimeout)):
        client.get(server.url.replace("http:", "https:"))


def test_threads_do_not_share_a_connection(client: httpx.Client) -> None:
    def slow(connection: socket.socket) -> None:
        request_of(connection)
        time.sleep(0.2)
        connection.sendall(OK)

    servers = [Server(scripts=[slow]), Server(scripts=[slow])]
    began = time.monotonic()
    threads = [threading.Thread(target=client.get, args=(server.url,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 0.38
    for server in servers:
        server.listening.close()


def test_a_header_that_holds_a_line_break_is_not_sent(client: httpx.Client) -> None:
    with served((OK,)) as server, pytest.raises(httpx.LocalProtocolError):
        client.get(server.url, headers={"A": "b\r\nC: d"})
    assert server.requests == []
