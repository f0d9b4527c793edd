"""The queue as a doorbell: RQ jobs that say "drain this connection" and nothing else.

SQL holds what there is to do, so every job may be lost. What was measured on RQ (see the queue decision record)
shapes this file: one queue per worker, because a worker that listens on several loses jobs for good when it is
killed; fresh job ids, because a job id blocked by ``unique`` stays blocked; JSON, because the default is pickle.

A worker that listens says so with a key that expires; a ring puts one job on the queue of every such worker, unless
one is already waiting there (the *bell key*, taken down by the job before it looks into SQL).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

DRAIN: Final = "workers.jobs.drain"
NO_TIMEOUT: Final = -1
"""A drain ends by itself (time slice, HTTP time-outs). RQ could only break it off between a write and its commit."""
LISTENING_SECONDS: Final = 10
BELL_SECONDS: Final = 15
"""How long a ring that was lost with its worker can hold back the next one."""
PATIENCE_SECONDS: Final = 1.0
"""After Redis failed, rings are dropped unsent for this long, so that the receiver is not slowed down by it."""

_WORKERS: Final = "bridge:workers"


def connect(url: str, *, timeout: float | None = 1.0) -> redis.Redis:
    """A client that fails at once instead of retrying: rings may be lost, callers may not be held up."""
    return redis.Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0), health_check_interval=30
    )


def queue_name(worker: str) -> str:
    return f"bridge-{worker}"


def new_worker_name() -> str:
    """A name never used before: a queue left behind by a killed worker is never listened to again."""
    return uuid.uuid4().hex[:12]


def _listening_key(worker: str) -> str:
    return f"bridge:listening:{worker}"


def _bell_key(worker: str, connection: str) -> str:
    return f"bridge:bell:{worker}:{connection}"


class RedisDoorbell:
    """Rings every worker that listens. Never raises, never waits longer than the client's time-outs."""

    def __init__(self, client: redis.Redis, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._redis = client
        self._monotonic = monotonic
        self._silent_until = 0.0

    def ring(self, connection: str) -> None:
        self.try_ring(connection)

    def try_ring(self, connection: str) -> bool:
        """Whether some worker has a drain job for this connection now."""
        if self._monotonic() < self._silent_until:
            return False
        try:
            rung = [self._ring_worker(worker, connection) for worker in self.listening()]
        except redis.RedisError:
            self._silent_until = self._monotonic() + PATIENCE_SECONDS
            return False
        return any(rung)

    def listening(self) -> tuple[str, ...]:
        """Names of the workers that listen; those that stopped without a word are forgotten, with their queues."""
        names = sorted(name.decode() for name in self._members())
        if not names:
            return ()
        alive = self._redis.mget([_listening_key(name) for name in names])
        for name, sign in zip(names, alive, strict=True):
            if sign is None:
                self._redis.srem(_WORKERS, name)
                Queue(queue_name(name), connection=self._redis, serializer=JSONSerializer).delete(delete_jobs=True)
        return tuple(name for name, sign in zip(names, alive, strict=True) if sign is not None)

    def _members(self) -> set[bytes]:
        members = self._redis.smembers(_WORKERS)
        return {member for member in members if isinstance(member, bytes)}

    def _ring_worker(self, worker: str, connection: str) -> bool:
        if not self._redis.set(_bell_key(worker, connection), "1", nx=True, ex=BELL_SECONDS):
            return True
        Queue(queue_name(worker), connection=self._redis, serializer=JSONSerializer).enqueue_call(
            DRAIN,
            args=(connection, worker),
            timeout=NO_TIMEOUT,
            ttl=BELL_SECONDS * 20,
            result_ttl=0,
            failure_ttl=3600,
            job_id=uuid.uuid4().hex,
        )
        return True


class SilentDoorbell:
    """For a process without Redis: workers look into SQL every second."""

    def ring(self, connection: str) -> None: ...

    def try_ring(self, connection: str) -> bool:  # noqa: ARG002
        return False

    def listening(self) -> tuple[str, ...]:
        return ()


def announce(client: redis.Redis, worker: str) -> None:
    """Say that ``worker`` listens; to be repeated well within ``LISTENING_SECONDS``."""
    pipeline = client.pipeline()
    pipeline.sadd(_WORKERS, worker)
    pipeline.set(_listening_key(worker), "1", ex=LISTENING_SECONDS)
    pipeline.execute()


def withdraw(client: redis.Redis, worker: str) -> None:
    pipeline = client.pipeline()
    pipeline.srem(_WORKERS, worker)
    pipeline.delete(_listening_key(worker))
    pipeline.execute()
    Queue(queue_name(worker), connection=client, serializer=JSONSerializer).delete(delete_jobs=True)


def take_down_bell(client: redis.Redis, worker: str, connection: str) -> None:
    """To be called by a drain job before it looks into SQL: a ring from now on is a new one."""
    client.delete(_bell_key(worker, connection))


class BellWorker(SimpleWorker):
    """RQ's worker that runs jobs in its own process, to be run in a thread; signals belong to the process around it.

    When Redis is away it tries again every two seconds at most. The default way of timing jobs out, SIGALRM, fails in a
    thread before the job begins, even for jobs without a time-out.
    """

    death_penalty_class = TimerDeathPenalty
    max_connection_wait_time = 2.0
    log_result_lifespan = False

    def _install_signal_handlers(self) -> None: ...


def new_worker(client: redis.Redis, name: str) -> BellWorker:
    """A worker ready for ``work()``. ``client`` needs a time-out longer than a blocking read, so one without."""
    return BellWorker(
        [queue_name(name)],
        name=name,
        connection=client,
        serializer=JSONSerializer,
        worker_ttl=30,
        log_job_description=False,
    )
