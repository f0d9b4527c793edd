"""A TCP proxy that makes the network bad: late, jittery, cut, silent, or answering something else.

It stands between the bridge and a sandbox and looks no deeper than at the first word of each request, so what it spoils is
what a network spoils: bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import struct
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate

_REQUEST = re.compile(rb"(GET|HEAD|PUT|POST|PATCH|DELETE) ([^ ]*) HTTP/1")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_DATE = re.compile(rb"(\r\ndate: *)[^\r]*", re.IGNORECASE)
BEHIND = 3.0
"""Seconds that a replica is behind at most: shorter than ``settle`` and the remote lag, which are there for it."""


@dataclass(slots=True)
class Weather:
    """What happens to requests from now on. Seconds and probabilities; may be changed while the proxy runs."""

    latency: float = 0.0
    jitter: float = 0.0
    """Up to so much more, drawn for each request."""
    lose_answers: float = 0.0
    """Share of writes that reach the system and whose answer never comes back."""
    lose_reads: float = 0.0
    hold_writes: float = 0.0
    """Writes arrive so much later, also when their sender is stopped or gone by then."""
    old_answers: float = 0.0
    """Share of GETs that are answered by a replica that is behind: as the same path was a moment ago, under today's date."""
    down: bool = False
    """Connections are refused and the open ones are cut."""
    canned: deque[bytes] = field(default_factory=deque)
    """Whole HTTP answers that are given instead of the system's, one a request; the connection is closed after each."""


class Proxy:
    """Listens on ``port`` of this machine. Every member may be read and ``weather`` changed from any thread."""

    def __init__(self, host: str, port: int, *, seed: int = 1) -> None:
        self.weather = Weather()
        self.counts: Counter[str] = Counter()
        self.port = 0
        self._target = (host, port)
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._pairs: set[_Pair] = set()
        self._past: defaultdict[str, deque[tuple[float, bytes]]] = defaultdict(lambda: deque(maxlen=8))

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        ready = threading.Event()
        thread = threading.Thread(target=self._run, args=(ready,), name="proxy", daemon=True)
        thread.start()
        ready.wait()
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._stopping.set)
            thread.join(10)

    def cut(self) -> None:
        """Cut every open connection."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for pair in list(self._pairs):
            pair.reset()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(ready))
        self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stopping.wait()
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather.down:
            _reset(writer)
            return
        try:
            upstream = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        pair = _Pair(self, reader, writer, *upstream)
        self._pairs.add(pair)
        try:
            await pair.pump()
        except asyncio.CancelledError:
            return  # the end of the proxy; the streams' own callback would print it
        finally:
            self._pairs.discard(pair)

    def draw(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability

    def keep(self, path: str, answer: bytes) -> None:
        self._past[path].append((self._loop.time(), answer))

    def old(self, path: str) -> bytes | None:
        """An earlier answer to a GET of ``path``, if one is to be given."""
        past = [answer for when, answer in self._past.get(path, ()) if self._loop.time() - when < BEHIND]
        if not past or not self.draw(self.weather.old_answers):
            return None
        self.counts["old"] += 1
        return _DATE.sub(rb"\g<1>" + formatdate(usegmt=True).encode(), self._random.choice(past), count=1)

    def wait(self) -> float:
        return self.weather.latency + self._random.random() * self.weather.jitter


class _Pair:
    """One connection and its continuation to the system."""

    def __init__(
        self,
        proxy: Proxy,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        system: asyncio.StreamReader,
        to_system: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._client, self._to_client = client, to_client
        self._system, self._to_system = system, to_system
        self._lost = False
        self._asked = ""
        """The path of the GET that is being answered."""
        self._told = b""

    def reset(self) -> None:
        _reset(self._to_client)
        _reset(self._to_system)

    async def pump(self) -> None:
        back = asyncio.create_task(self._answers())
        try:
            await self._requests()
        except (OSError, asyncio.IncompleteReadError):
            self.reset()
        finally:
            # What was held is sent although its sender is gone; the system may need a moment to take it.
            with contextlib.suppress(OSError):
                self._to_system.write_eof()
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(back, 5)
            for writer in (self._to_client, self._to_system):
                writer.close()

    async def _requests(self) -> None:
        while chunk := await self._client.read(65536):
            if (begun := _REQUEST.match(chunk)) is not None:
                method, path = begun.group(1).decode(), begun.group(2).decode()
                if method == "GET" and (old := self._proxy.old(path)) is not None:
                    self._to_client.write(old)
                    await self._to_client.drain()
                    continue
                self._proxy.counts["polls"] += "updated_after" in path
                if not await self._begin(method):
                    return
                self._asked, self._told = path if method == "GET" else "", b""
            self._to_system.write(chunk)
            await self._to_system.drain()

    async def _begin(self, method: str) -> bool:
        """Decide one request's fate; false if it goes no further."""
        proxy, weather = self._proxy, self._proxy.weather
        proxy.counts["requests"] += 1
        if weather.canned:
            proxy.counts["canned"] += 1
            self._to_client.write(weather.canned.popleft())
            await self._to_client.drain()
            return False
        write = method not in ("GET", "HEAD")
        wait = proxy.wait()
        if write and weather.hold_writes:
            proxy.counts["held"] += 1
            wait += weather.hold_writes
        if wait:
            await asyncio.sleep(wait)
        self._lost = proxy.draw(weather.lose_answers if write else weather.lose_reads)
        return True

    async def _answers(self) -> None:
        with contextlib.suppress(OSError):
            while chunk := await self._system.read(65536):
                if self._lost:
                    self._proxy.counts["lost"] += 1
                    self.reset()
                    return
                self._listen(chunk)
                self._to_client.write(chunk)
                await self._to_client.drain()
        self._to_client.close()

    def _listen(self, chunk: bytes) -> None:
        """Keep the answer to a GET once it is whole."""
        if not self._asked:
            return
        self._told += chunk
        head, found, body = self._told.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if found else None
        if length is not None and len(body) >= int(length.group(1)):
            if head.split(b" ", 2)[1] == b"200":
                self._proxy.keep(self._asked, self._told)
            self._asked = ""


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection the rude way, without a last word."""
    plain: socket.socket | None = writer.get_extra_info("socket")
    if plain is not None:
        with contextlib.suppress(OSError):
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if writer.transport is not None:
        writer.transport.abort()


def answer(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """A whole HTTP answer for ``Weather.canned``."""
    lines = [
        f"HTTP/1.1 {status} X",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
