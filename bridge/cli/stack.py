"""The processes of a whole bridge on this machine: Redis if none is set, the API, workers. For ``up`` and ``demo``."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from bridge.core.errors import SettingsError, UsageError
from bridge.runtime import embedded_redis
from bridge.runtime.processes import Program, Supervisor, raised

API: Final = (sys.executable, "-m", "bridge.cli", "serve")
WORKER: Final = (sys.executable, "-m", "workers.process")
SANDBOX: Final = (sys.executable, "-m", "bridge.cli.sandboxes", "serve")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the processes run: ``env`` is added to ours, ``logs`` takes a file per process (``None``: the terminal)."""

    env: Mapping[str, str]
    cwd: Path | None = None
    logs: Path | None = None

    def log(self, name: str) -> Path | None:
        return None if self.logs is None else self.logs / f"{name}.log"


def listen(host: str, port: int) -> socket.socket:
    """The API's socket, opened here and handed down: the port is known before the API runs and stays taken while it is
    started again, so that a webhook sent in between waits instead of being refused."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(2048)
    except OSError as error:
        opened.close()
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}; set BRIDGE_PORT to a free one") from error
    return opened


class Stack:
    """Started piece by piece, stopped as a whole, also on an error in between."""

    def __init__(self, place: Place, *, on_event: Callable[[str, str], None]) -> None:
        self.supervisor = Supervisor(on_event=on_event)
        self._place = place
        self._env = dict(place.env)
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.supervisor.stop()
        self._cleanup.close()

    def redis(self, folder: Path) -> None:
        """An embedded one in ``folder``; every process started later is told of it."""
        if embedded_redis.answers(folder):
            raise UsageError("a bridge with this database runs on this machine already")
        self._cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        program, url = embedded_redis.program(folder, log=self._place.log("redis"))
        self.supervisor.start(program)
        embedded_redis.wait_until_up(url)
        self._env["BRIDGE_REDIS_URL"] = url

    def api(self, listening: socket.socket) -> None:
        self._cleanup.callback(listening.close)
        descriptor = raised(listening.fileno())
        self._cleanup.callback(os.close, descriptor)
        self.start("api", (*API, "--fd", str(descriptor)), pass_fds=(descriptor,))

    def workers(self, count: int) -> None:
        for number in range(1, count + 1):
            self.start("worker" if count == 1 else f"worker-{number}", WORKER)

    def start(
        self, name: str, command: tuple[str, ...], *, pass_fds: tuple[int, ...] = (), vital: bool = False
    ) -> None:
        """One more process under supervision."""
        self.supervisor.start(
            Program(
                name,
                command,
                env=self._env,
                log=self._place.log(name),
                cwd=self._place.cwd,
                pass_fds=pass_fds,
                vital=vital,
            )
        )


def redis_folder(database_url: str) -> Path:
    folder = embedded_redis.known_folder(database_url)
    if folder is None:
        raise SettingsError("the folder for the embedded Redis in /tmp belongs to somebody else: set BRIDGE_REDIS_URL")
    return folder
