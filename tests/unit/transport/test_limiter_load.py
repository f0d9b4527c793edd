"""The limit of 30 a second, counted where it matters: at the arrivals."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis_process import RedisProcess

CLIENT = str(Path(__file__).with_name("limiter_client.py"))
LIMIT = 30


class Arrivals:
    """A server that notes when each line came, and answers 20 to 60 ms later."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, str]] = []
        self.port = 0
        self._random = random.Random(7)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.seen.append((time.monotonic(), line.decode().strip()))
            await asyncio.sleep(self._random.uniform(0.02, 0.06))
            writer.write(b"ok\n")
            await writer.drain()
        writer.close()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        ready = threading.Event()
        loop = asyncio.new_event_loop()

        async def run() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            self._stop = asyncio.Event()
            ready.set()
            await self._stop.wait()
            server.close()

        thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
        thread.start()
        ready.wait()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(self._stop.set)
            thread.join()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()


def start(redis_process: RedisProcess, port: int, lane: str, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, CLIENT, redis_process.socket, str(port), "8", str(seconds), lane])


def worst_sliding(times: list[float]) -> int:
    return max(sum(1 for other in times if first <= other < first + 1.0) for first in times)


def worst_fixed(times: list[float]) -> int:
    """The fullest whole second, for a hundred positions of the clock's tick."""
    return max(max(Counter(int(at + shift / 100) for at in times).values()) for shift in range(100))


@pytest.fixture
def arrivals() -> Iterator[Arrivals]:
    server = Arrivals()
    with server.running():
        yield server


def test_four_processes_never_exceed_the_limit_and_use_it(redis_process: RedisProcess, arrivals: Arrivals) -> None:
    processes = [start(redis_process, arrivals.port, "live", 5.0) for _ in range(4)]
    assert [process.wait(30) for process in processes] == [0] * 4
    times = [at for at, _lane in arrivals.seen]
    assert worst_sliding(times) <= LIMIT
    assert worst_fixed(times) <= LIMIT
    rate = (len(times) - 1) / (times[-1] - times[0])
    print(f"{rate:.2f} a second")
    assert rate > 20


def test_live_work_goes_before_a_backfill_of_another_process(redis_process: RedisProcess, arrivals: Arrivals) -> None:
    processes = [start(redis_process, arrivals.port, lane, 3.0) for lane in ("backfill", "backfill", "live")]
    assert [process.wait(30) for process in processes] == [0] * 3
    lanes = Counter(lane for _at, lane in arrivals.seen)
    assert lanes["live"] > 5 * lanes["backfill"]


def test_a_flushed_redis_lets_a_window_pass(redis_process: RedisProcess, arrivals: Arrivals) -> None:
    process = start(redis_process, arrivals.port, "live", 4.0)
    time.sleep(2.5)
    client = redis_process.client()
    client.flushall()
    client.close()
    assert process.wait(30) == 0
    assert worst_sliding([at for at, _lane in arrivals.seen]) <= LIMIT


def test_a_lost_redis_leaves_each_process_its_share(redis_process: RedisProcess, arrivals: Arrivals) -> None:
    process = start(redis_process, arrivals.port, "live", 6.0)
    time.sleep(2.5)
    redis_process.stop()
    stopped = time.monotonic()
    time.sleep(2.5)
    redis_process.start()
    back = time.monotonic()
    assert process.wait(30) == 0
    times = [at for at, _lane in arrivals.seen]
    alone = [at for at in times if stopped + 0.2 < at < back]
    assert 0 < len(alone) <= LIMIT // 4 * 2.5
    assert worst_sliding(times) <= LIMIT
