"""The doorbell on a real Redis: one waiting job per worker and connection, dead workers forgotten, failures silent."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Iterator

import pytest
import redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from bridge import jobs
from bridge.runtime.embedded_redis import EmbeddedRedis


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as running:
        yield running


@pytest.fixture
def client(server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with jobs.connect(server.url) as connected:
        connected.flushall()
        yield connected


def waiting(client: redis.Redis, worker: str) -> list[Job]:
    return Queue(jobs.queue_name(worker), connection=client, serializer=JSONSerializer).jobs


def test_a_ring_puts_one_job_on_every_listening_worker(client: redis.Redis) -> None:
    jobs.announce(client, "one")
    jobs.announce(client, "two")
    bell = jobs.RedisDoorbell(client)
    assert bell.try_ring("default")
    for worker in ("one", "two"):
        assert [(job.func_name, list(job.args)) for job in waiting(client, worker)] == [
            ("workers.jobs.drain", ["default", worker])
        ]


def test_rings_are_gathered_until_the_job_takes_the_bell_down(client: redis.Redis) -> None:
    jobs.announce(client, "one")
    bell = jobs.RedisDoorbell(client)
    for _ in range(50):
        assert bell.try_ring("default")
    assert len(waiting(client, "one")) == 1
    assert bell.try_ring("other")
    assert len(waiting(client, "one")) == 2
    jobs.take_down_bell(client, "one", "default")
    bell.ring("default")
    assert len(waiting(client, "one")) == 3


def test_a_lost_ring_holds_the_next_one_back_for_seconds_only(client: redis.Redis) -> None:
    jobs.announce(client, "one")
    jobs.RedisDoorbell(client).ring("default")
    (key,) = client.keys("bridge:bell:*")
    assert 0 < client.ttl(key) <= jobs.BELL_SECONDS


def test_a_job_is_json_and_carries_names_only(client: redis.Redis) -> None:
    jobs.announce(client, "one")
    jobs.RedisDoorbell(client).ring("default")
    (job,) = waiting(client, "one")
    data = zlib.decompress(client.hget(f"rq:job:{job.id}", "data"))
    assert json.loads(data) == ["workers.jobs.drain", None, ["default", "one"], {}]


def test_nobody_listening_means_no_job(client: redis.Redis) -> None:
    assert not jobs.RedisDoorbell(client).try_ring("default")
    assert client.keys("rq:*") == []


def test_a_worker_that_died_is_forgotten_with_its_queue(client: redis.Redis) -> None:
    jobs.announce(client, "dead")
    bell = jobs.RedisDoorbell(client)
    bell.ring("default")
    client.delete("bridge:listening:dead")  # what its expiry does
    assert bell.listening() == ()
    assert not bell.try_ring("default")
    assert client.smembers("bridge:workers") == set()
    assert waiting(client, "dead") == []


def test_a_withdrawn_worker_gets_no_jobs(client: redis.Redis) -> None:
    jobs.announce(client, "one")
    jobs.RedisDoorbell(client).ring("default")
    jobs.withdraw(client, "one")
    assert not jobs.RedisDoorbell(client).try_ring("default")
    assert waiting(client, "one") == []


def test_without_redis_a_ring_is_silent_quick_and_not_repeated_at_once() -> None:
    with EmbeddedRedis() as gone:
        client = jobs.connect(gone.url)
        jobs.announce(client, "one")
    now = [0.0]
    bell = jobs.RedisDoorbell(client, monotonic=lambda: now[0])
    began = time.monotonic()
    for _ in range(100):
        assert not bell.try_ring("default")
    assert time.monotonic() - began < 2
    client.close()


def test_rings_work_again_once_redis_is_back(client: redis.Redis, server: EmbeddedRedis) -> None:
    now = [0.0]
    bell = jobs.RedisDoorbell(jobs.connect("unix:///nonexistent"), monotonic=lambda: now[0])
    assert not bell.try_ring("default")
    bell._redis = jobs.connect(server.url)
    jobs.announce(client, "one")
    assert not bell.try_ring("default"), "the pause after a failure was not kept"
    now[0] = 2.0
    assert bell.try_ring("default")
    bell._redis.close()


def test_a_ring_reaches_the_job_in_a_listening_thread(server: EmbeddedRedis, client: redis.Redis) -> None:
    """RQ's own way of timing jobs out works in a main thread only: a job must get as far as its function."""
    listening = jobs.connect(server.url, timeout=None)
    jobs.announce(client, "ear")
    worker = jobs.new_worker(listening, "ear")
    thread = threading.Thread(target=worker.work, kwargs={"logging_level": "CRITICAL", "max_jobs": 1}, daemon=True)
    thread.start()
    job = Queue(jobs.queue_name("ear"), connection=client, serializer=JSONSerializer).enqueue_call(
        "time.sleep", args=(0,), timeout=jobs.NO_TIMEOUT, result_ttl=60
    )
    thread.join(10)
    assert not thread.is_alive()
    assert job.get_status(refresh=True) == "finished"
    listening.close()
