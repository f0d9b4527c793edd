"""``up``, ``serve`` and ``worker``: the processes against real systems."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from bridge import bootstrap
from bridge.cli.output import err
from bridge.cli.stack import WORKER, Place, Stack, listen, redis_folder
from bridge.runtime import heap, logs
from bridge.web import BoundedHead, create_app


@contextlib.contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of raising somewhere in the middle."""
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def up(
    workers: Annotated[int, typer.Option(min=1, max=16, help="How many worker processes.")] = 1,
) -> None:
    """Run everything against the systems in .env: API, workers, and a Redis if none is set. Ctrl-C stops it all."""
    settings = bootstrap.load_settings()
    # Mistakes in settings and mappings are told here, once, before anything starts; the database is made ready too.
    with contextlib.closing(bootstrap.build(settings)) as bridge:
        names = ", ".join(bridge.connections)
    listening = listen(settings.host, settings.port)
    place = Place(env={})
    with stop_signals() as stopping, Stack(place, on_event=_tell) as stack:
        if not settings.redis_url:
            stack.redis(redis_folder(settings.database_url))
        stack.api(listening)
        stack.workers(workers)
        host, port = listening.getsockname()[:2]
        err.print(f"The bridge runs: http://{host}:{port}/health/ready · connections: {names} · Ctrl-C stops it")
        stopping.wait()
        err.print("Stopping …")


def _tell(name: str, what: str) -> None:
    err.print(f"{name}: {what}", style="dim", markup=False)


def serve(
    fd: Annotated[int | None, typer.Option(hidden=True, help="A listening socket that was handed down.")] = None,
) -> None:
    """Run the API: webhooks, admin, health."""
    settings = bootstrap.load_settings()
    logs.configure(level=settings.log_level, fmt=settings.log_format, process="api")
    with contextlib.closing(bootstrap.build(settings)) as bridge:
        listening = listen(settings.host, settings.port) if fd is None else socket.socket(fileno=fd)
        config = uvicorn.Config(
            create_app(bridge),
            http=BoundedHead,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
            timeout_keep_alive=30,
        )
        heap.settle()
        uvicorn.Server(config).run(sockets=[listening])


def worker() -> None:
    """Run a worker: it reconciles what webhooks, polls and backfills ask for."""
    os.execv(WORKER[0], WORKER)  # noqa: S606  our own program
