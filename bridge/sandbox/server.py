"""Serve one sandbox: as a process of its own (``run``) or inside a thread (``serve``)."""

from __future__ import annotations

import dataclasses
import json
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import uvicorn

from bridge.sandbox.app import App
from bridge.sandbox.assembly import Assembly
from bridge.sandbox.crm import Crm
from bridge.sandbox.limiter import Window
from bridge.sandbox.switches import WAVO_GROUPS, AssemblySwitches, CrmSwitches, WavoSwitches, change
from bridge.sandbox.system import System
from bridge.sandbox.wavo import Wavo

SystemName = Literal["crm", "assembly", "wavo"]


def make(
    system: SystemName,
    *,
    key: str,
    token: str,
    entity_id: str = "",
    seed: int = 0,
    limit_per_second: int | None = None,
    window: Window = "sliding",
    switches: Mapping[str, Any] | None = None,
) -> App:
    """The ASGI application of one sandbox. ``switches`` are changes to the system's defaults.

    ``limit_per_second`` of ``None`` is the system's own limit (Assembly: 30 as documented; Wavo: per group and minute; the CRM:
    none), 0 is none at all. Wavo knows no limit per second, so no other number changes it.
    """
    common: dict[str, Any] = {"limit_window": window}
    if limit_per_second is not None:
        common["limit_per_second"] = limit_per_second or None
        if system == "wavo" and limit_per_second == 0:
            common |= dict.fromkeys(WAVO_GROUPS)
    common |= switches or {}
    made: System[Any]
    match system:
        case "crm":
            made = Crm(change(CrmSwitches(), common), key=key, entity_id=entity_id, seed=seed)
        case "assembly":
            made = Assembly(change(AssemblySwitches(), common), key=key, seed=seed)
        case "wavo":
            made = Wavo(change(WavoSwitches(), common), key=key, seed=seed)
    return App(made, token=token)


def base_path(system: SystemName) -> str:
    """What a base URL carries before the resource."""
    return {"crm": Crm.base_path, "assembly": Assembly.base_path, "wavo": Wavo.base_path}[system]


def run(
    system: SystemName,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    key: str,
    token: str,
    entity_id: str = "",
    seed: int = 0,
    limit_per_second: int | None = None,
    window: Window = "sliding",
    switches: Mapping[str, Any] | None = None,
    port_file: Path | str | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. With port 0 a free one is taken.

    Once connections are accepted the port is written to ``port_file``, or told as one JSON line on stdout:
    ``{"system": …, "port": …, "url": …}`` where ``url`` is the base URL with the path that the API's text shows.
    """
    app = make(
        system,
        key=key,
        token=token,
        entity_id=entity_id,
        seed=seed,
        limit_per_second=limit_per_second,
        window=window,
        switches=switches,
    )
    listener = _listen(host, port)
    chosen = listener.getsockname()[1]
    if port_file is not None:
        # Renamed into place: whoever waits for the file never reads half of it.
        target = Path(port_file)
        partial = target.with_name(target.name + ".new")
        partial.write_text(str(chosen))
        partial.replace(target)
    else:
        line = {"system": system, "port": chosen, "url": f"http://{host}:{chosen}{base_path(system)}"}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    uvicorn.Server(_config(app)).run(sockets=[listener])


@dataclasses.dataclass(frozen=True, slots=True)
class Served:
    """A sandbox that runs in a thread of this process."""

    app: App
    origin: str


@contextmanager
def serve(app: App, host: str = "127.0.0.1") -> Iterator[Served]:
    """Serve ``app`` in a thread on a free port for the length of a ``with`` block."""
    listener = _listen(host, 0)
    server = uvicorn.Server(_config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Served(app, f"http://{host}:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    return listener


def _config(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        # No middleware may stand between: cutting a connection needs uvicorn's own ``send``.
        proxy_headers=False,
        date_header=False,
        server_header=False,
        access_log=False,
        log_level="error",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
        backlog=512,
    )
