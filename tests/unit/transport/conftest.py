"""A Redis of one's own on a unix socket."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis_process import RedisProcess


@pytest.fixture
def redis_process() -> Iterator[RedisProcess]:
    with tempfile.TemporaryDirectory(prefix="limiter") as folder:
        process = RedisProcess(Path(folder))
        process.start()
        yield process
        process.stop()


@pytest.fixture
def redis(redis_process: RedisProcess) -> Iterator[Redis]:
    client = redis_process.client()
    yield client
    client.close()
