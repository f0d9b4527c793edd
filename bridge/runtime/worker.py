"""The worker's life: listen for rings in one thread, see to duties in another, end within seconds when told.

Without Redis, or while it is away, nothing stops: the duty loop looks into SQL every second.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import redis
import structlog

from bridge import jobs
from bridge.runtime.duties import DutyLoop

log = structlog.get_logger(__name__)

ANNOUNCE_SECONDS = jobs.LISTENING_SECONDS / 4
LAST_WORDS_SECONDS = 4.0
"""How long the work in hand may take to come to an end; what is left is taken over when its leases run out."""


class Listener:
    """Hears rings on this worker's own queue, and says that it does."""

    def __init__(self, redis_url: str, name: str) -> None:
        self.name = name
        self._redis_url = redis_url

    def start(self, stopping: threading.Event) -> None:
        for target in (self._listen, self._announce):
            threading.Thread(target=target, args=(stopping,), name=target.__name__.strip("_"), daemon=True).start()

    def stop(self) -> None:
        """Take the name down; a worker that could not is forgotten after ``jobs.LISTENING_SECONDS``."""
        with contextlib.suppress(redis.RedisError), jobs.connect(self._redis_url) as client:
            jobs.withdraw(client, self.name)

    def _listen(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            client = jobs.connect(self._redis_url, timeout=None)
            try:
                jobs.new_worker(client, self.name).work(logging_level="ERROR")
            except Exception as error:  # RQ lets all kinds of errors out while Redis goes away
                log.debug("not listening", error=type(error).__name__)
            finally:
                with contextlib.suppress(redis.RedisError):
                    client.close()
            stopping.wait(1.0)

    def _announce(self, stopping: threading.Event) -> None:
        away = False
        with jobs.connect(self._redis_url) as client:
            while not stopping.is_set():
                try:
                    jobs.announce(client, self.name)
                    if away:
                        log.info("Redis is back")
                    away = False
                except redis.RedisError:
                    if not away:
                        log.warning("Redis is away: looking into the database every second")
                    away = True
                stopping.wait(ANNOUNCE_SECONDS)


def run(duties: DutyLoop, listener: Listener | None, stopping: threading.Event, idle: Callable[[], bool]) -> bool:
    """Work until ``stopping``, then let what is in hand come to its end. Whether it did."""
    if listener is not None:
        listener.start(stopping)
    thread = threading.Thread(target=duties.run, args=(stopping,), name="duties", daemon=True)
    thread.start()
    stopping.wait()
    if listener is not None:
        listener.stop()
    return wait_for_last_words(thread, idle)


def wait_for_last_words(duties: threading.Thread, idle: Callable[[], bool]) -> bool:
    """Give duties and drains, which were told to stop, ``LAST_WORDS_SECONDS``. Whether both came to their end."""
    deadline = time.monotonic() + LAST_WORDS_SECONDS
    duties.join(LAST_WORDS_SECONDS)
    while not idle() and time.monotonic() < deadline:
        time.sleep(0.05)
    return idle() and not duties.is_alive()
