"""A real server process on a real SQLite file."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Shared by a module's tests: each uses ids of its own."""
    running = Server(tmp_path_factory.mktemp("api"))
    running.start()
    yield running
    running.stop()
    running.client.close()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """Not started yet; for tests that kill it or give it settings of its own."""
    running = Server(tmp_path)
    yield running
    running.stop(signal.SIGKILL)
    running.client.close()
