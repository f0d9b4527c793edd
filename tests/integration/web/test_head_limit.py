"""What comes before a body is limited too, on the server as it is shipped."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from bridge.web.head import MOST_HEAD_BYTES, BoundedHead


async def _echo(scope: dict, receive: object, send: object) -> None:  # type: ignore[type-arg]
    size = 0
    while (message := await receive())["type"] == "http.request":  # type: ignore[operator]
        size += len(message["body"])
        if not message["more_body"]:
            break
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": body})  # type: ignore[operator]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    config = uvicorn.Config(_echo, http=BoundedHead, lifespan="off", log_config=None)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    listening.close()


def _send(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        try:
            wire.sendall(data)
            time.sleep(0.1)
            return wire.recv(4096)
        except ConnectionError:
            return b"cut"


def test_a_header_without_an_end_is_cut_off(port: int) -> None:
    told = _send(port, b"GET / HTTP/1.1\r\nX-Large: " + b"y" * (MOST_HEAD_BYTES + 1000))
    assert told == b"cut" or told.startswith(b"HTTP/1.1 400 ")


def test_too_many_headers_are_refused(port: int) -> None:
    many = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 50) for number in range(2000))
    told = _send(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n")
    assert told == b"cut" or told.startswith(b"HTTP/1.1 400 ")


def test_a_long_address_is_refused(port: int) -> None:
    told = _send(port, b"GET /?" + b"a" * (MOST_HEAD_BYTES + 1) + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert told == b"cut" or told.startswith(b"HTTP/1.1 400 ")


def test_a_large_body_is_no_head(port: int) -> None:
    size = MOST_HEAD_BYTES * 3
    for _ in range(2):
        told = _send(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + b"z" * size)
        assert told.endswith(str(size).encode())


def test_many_requests_on_one_connection_are_fine(port: int) -> None:
    one = b"GET / HTTP/1.1\r\nHost: x\r\nX-Some: " + b"y" * 1000 + b"\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        for _ in range(MOST_HEAD_BYTES // 1000 + 20):
            wire.sendall(one)
            assert wire.recv(4096).startswith(b"HTTP/1.1 200 ")
