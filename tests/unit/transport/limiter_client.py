"""One process of several under one limit: ``limiter_client.py SOCKET PORT THREADS SECONDS LANE [HOG]``.

Each thread takes slots and sends a line for each to the counting server, until the time is over.
"""

from __future__ import annotations

import socket
import sys
import threading
import time

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bridge.core.errors import Throttled
from bridge.transport import Rate, RedisLimiter


def main(path: str, port: str, threads: str, seconds: str, lane: str) -> None:
    redis = Redis(unix_socket_path=path, socket_timeout=1.0, retry=Retry(NoBackoff(), 0))
    limiter = RedisLimiter(redis, "test", Rate(30), max_processes=4)
    end = time.monotonic() + float(seconds)

    def work() -> None:
        with socket.create_connection(("127.0.0.1", int(port))) as connection, connection.makefile("rb") as answers:
            while time.monotonic() < end:
                try:
                    slot = limiter.acquire("live" if lane == "live" else "backfill", 1.0)
                except Throttled:
                    continue
                started = time.monotonic()
                connection.sendall(lane.encode() + b"\n")
                answers.readline()
                limiter.answered(slot, time.monotonic() - started)

    workers = [threading.Thread(target=work) for _ in range(int(threads))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
