"""Sends webhooks at speed and by the letter: signed, kept until acknowledged if told so, many connections at once."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import orjson
import uvloop

KEY = b"0123456789abcdef01234567"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass(frozen=True, slots=True)
class Message:
    """A request, ready to be sent."""

    id: str
    bytes: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """The last answer to one message, in seconds since it was first tried; ``status`` 0: none at all."""

    id: str
    status: int
    seconds: float
    tries: int = 1


def event(record_id: str, kind: str = "company.updated", **more: object) -> bytes:
    return orjson.dumps({"type": kind, "timestamp": "2026-11-03T12:00:00Z", "data": {"id": record_id}} | more)


def signed(event_id: str, body: bytes, *, key: bytes = KEY, at: float | None = None) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    mac = hmac.new(key, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


def request(path: str, body: bytes, headers: dict[str, str], method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: bridge", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def message(event_id: str, body: bytes, *, connection: str = "default", key: bytes = KEY) -> Message:
    return Message(event_id, request(f"/webhooks/crm/{connection}", body, signed(event_id, body, key=key)))


class _Wire(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        if len(rest) >= length and self._answer is not None and not self._answer.done():
            self._buffer = b""
            self._answer.set_result((int(head[9:12]), rest))
            if b"connection: close" in head.lower():
                self.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    async def ask(self, data: bytes, patience: float) -> tuple[int, bytes]:
        if self.transport is None:
            raise ConnectionResetError
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return await asyncio.wait_for(self._answer, patience)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()
            self.transport = None


async def _deliver(
    port: int,
    messages: Iterator[Message],
    told: list[Told],
    *,
    again: bool,
    patience: float,
    stop: Callable[[], bool],
    due: Callable[[], float] | None,
) -> None:
    loop = asyncio.get_running_loop()
    wire: _Wire | None = None
    for each in messages:
        if due is not None and (wait := due() - loop.time()) > 0:
            await asyncio.sleep(wait)
        began, status, tries = loop.time(), 0, 0
        while not stop():
            tries += 1
            try:
                if wire is None or wire.transport is None:
                    _, wire = await loop.create_connection(_Wire, "127.0.0.1", port)
                status, _ = await wire.ask(each.bytes, patience)
            except (TimeoutError, OSError):
                status = 0
                if wire is not None:
                    wire.close()
            if not again or 200 <= status < 300:
                break
            await asyncio.sleep(0.05)
        told.append(Told(each.id, status, loop.time() - began, tries))
        if stop():
            break
    if wire is not None:
        wire.close()


def deliver(
    port: int,
    messages: Iterable[Message],
    *,
    connections: int = 32,
    again: bool = False,
    patience: float = 20,
    rate: float | None = None,
    stop: Callable[[], bool] = lambda: False,
    into: list[Told] | None = None,
) -> list[Told]:
    """Send all of them, each once, or with ``again`` until it is acknowledged; ``rate`` a second at most.

    Answers what was told, in the order of the answers; ``into`` shows it while it grows.
    """
    told: list[Told] = [] if into is None else into

    async def run() -> None:
        waiting = iter(messages)
        due = None
        if rate is not None:
            due = _paced(asyncio.get_running_loop().time(), rate)
        await asyncio.gather(
            *(
                _deliver(port, waiting, told, again=again, patience=patience, stop=stop, due=due)
                for _ in range(connections)
            )
        )

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
    return told


def _paced(start: float, rate: float) -> Callable[[], float]:
    number = 0

    def due() -> float:
        nonlocal number
        number += 1
        return start + number / rate

    return due


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


async def once(port: int, data: bytes, patience: float = 10) -> tuple[int, bytes]:
    """One request on a connection of its own; status 0 if the connection was cut."""
    _, wire = await asyncio.get_running_loop().create_connection(_Wire, "127.0.0.1", port)
    with contextlib.closing(wire):
        try:
            return await wire.ask(data, patience)
        except (TimeoutError, OSError):
            return 0, b""
