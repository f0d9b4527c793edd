"""Webhooks at speed from a process of its own, so that the sender's work is not the receiver's.

Every request is signed before the clock starts. A keep-alive connection has one request under way, as with real senders; sending the
next one is all that an answer costs. At a given rate the clock of a message starts when it is *due*: a receiver that stalls is not
kindly asked less.

python -m benchmarks.load PORT PREFIX COUNT CONNECTIONS RATE    the outcome as JSON; a RATE of 0: as fast as it goes
python -m benchmarks.load serve                                 a server that stores nothing; prints its port
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final, cast

import uvloop

from tests.chaos.sender import event, message

PATIENCE_SECONDS: Final = 120
_ACKNOWLEDGED: Final = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Sent:
    """``seconds`` from the first request to the last answer; ``took`` a message, in seconds; ``spent``: the sender's processor time."""

    seconds: float
    spent: float
    statuses: dict[str, int]
    took: list[float]

    @property
    def all_acknowledged(self) -> bool:
        return set(self.statuses) == {"202"}


def send(port: int, prefix: str, count: int, *, connections: int, rate: float = 0) -> Sent:
    """``count`` events about as many companies, their ids beginning with ``prefix``."""
    command = [sys.executable, "-m", "benchmarks.load", *map(str, (port, prefix, count, connections, rate))]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=PATIENCE_SECONDS + 60)
    return Sent(**json.loads(told.stdout))


@contextmanager
def nothing_stored() -> Iterator[int]:
    """The port of a server that acknowledges without looking: what is left is the sender's own cost."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.load", "serve"], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.terminate()


class _Sender:
    """Hands out messages to connections, and keeps what was answered."""

    def __init__(self, messages: list[bytes], rate: float) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self.statuses: Counter[str] = Counter()
        self.took: list[float] = []
        self._ready: deque[tuple[bytes, float]] = deque()
        self._idle: list[_Connection] = []
        self._count = len(messages)
        self._messages = iter(messages)
        self._rate = rate

    def start(self) -> None:
        self._began, self._handed = time.perf_counter(), 0
        if not self._rate:
            self._ready.extend((each, 0.0) for each in self._messages)
        self._tick()

    def _tick(self) -> None:
        if self._rate:
            due = min(self._count, int((time.perf_counter() - self._began) * self._rate) + 1)
            for number in range(self._handed, due):
                self._ready.append((next(self._messages), self._began + number / self._rate))
            self._handed = due
            if due < self._count:
                asyncio.get_running_loop().call_later(0.001, self._tick)
        while self._ready and self._idle:
            self._idle.pop().send(*self._ready.popleft())

    def free(self, connection: _Connection) -> None:
        if self._ready:
            connection.send(*self._ready.popleft())
        else:
            self._idle.append(connection)

    def answered(self, status: str, began: float) -> None:
        self.statuses[status] += 1
        self.took.append(time.perf_counter() - began)
        if len(self.took) == self._count and not self.done.done():
            self.done.set_result(None)


class _Connection(asyncio.Protocol):
    """An answer is complete at its blank line and as many bytes as it says; one that is cut off counts as status 0."""

    def __init__(self, sender: _Sender) -> None:
        self._sender = sender
        self._buffer = b""
        self._began = 0.0
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._sender.free(self)

    def send(self, data: bytes, due: float) -> None:
        self._began, self._busy = due or time.perf_counter(), True
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        _, has_body, length = head.lower().partition(b"content-length: ")
        if has_body and len(rest) < int(length.partition(b"\r\n")[0]):
            return
        self._buffer, self._busy = b"", False
        self._sender.answered(head[9:12].decode(), self._began)
        self._sender.free(self)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._busy:
            self._sender.answered("0", self._began)


async def _send(port: int, messages: list[bytes], connections: int, rate: float) -> Sent:
    loop, sender = asyncio.get_running_loop(), _Sender(messages, rate)
    opened = [await loop.create_connection(lambda: _Connection(sender), "127.0.0.1", port) for _ in range(connections)]
    used, began = time.process_time(), time.perf_counter()
    sender.start()
    await asyncio.wait_for(sender.done, PATIENCE_SECONDS)
    seconds, spent = time.perf_counter() - began, time.process_time() - used
    for transport, _ in opened:
        transport.abort()
    return Sent(seconds, spent, dict(sender.statuses), sender.took)


class _Nothing(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, _data: bytes) -> None:
        self._transport.write(_ACKNOWLEDGED)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Nothing, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if arguments == ["serve"]:
            runner.run(_serve())
            return
        port, prefix, count, connections, rate = arguments
        messages = [message(f"{prefix}-{number}", event(f"c-{number}")).bytes for number in range(int(count))]
        print(json.dumps(asdict(runner.run(_send(int(port), messages, int(connections), float(rate))))))


if __name__ == "__main__":
    main(sys.argv[1:])
