"""The demo's world: both sandboxes, Redis, the API and a worker, each its own process, in a folder of their own."""

from __future__ import annotations

import base64
import contextlib
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from bridge.cli.stack import SANDBOX, Place, Stack, listen
from bridge.core.errors import BridgeError, UsageError
from bridge.runtime import embedded_redis
from bridge.runtime.processes import Supervisor
from bridge.sandbox.control import Control

START_SECONDS: Final = 60.0
ENTITY: Final = "7b0d3f6e-5c1a-4f0e-9a53-2f7f9d0c1e11"
RATE: Final = 30
"""Calls a second that the Assembly sandbox lets through: the documented limit."""
DATABASE: Final = "bridge.db"


@dataclass(frozen=True, slots=True)
class World:
    """What the story needs: the two systems as their users see them, and the bridge's API."""

    crm: Control
    assembly: Control
    api: httpx.Client
    folder: Path
    token: str
    supervisor: Supervisor

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return self._answer(self.api.get(path, params=query))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._answer(self.api.post(path, json=dict(body)))

    def _answer(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.is_error:
            raise BridgeError(
                f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {answer.text[:300]}"
            )
        found: dict[str, Any] = answer.json()
        return found


class Stopped(Exception):
    """A person pressed Ctrl-C."""


def until(
    condition: Callable[[], bool], seconds: float, what: str, stopping: threading.Event, *, pause: float = 0.05
) -> float:
    """Wait for it; the seconds it took. Raises ``BridgeError`` that says what did not happen, or ``Stopped``."""
    began = time.monotonic()
    while not condition():
        if stopping.is_set():
            raise Stopped
        if time.monotonic() - began > seconds:
            raise BridgeError(f"{what} did not happen within {seconds:g} seconds")
        time.sleep(pause)
    return time.monotonic() - began


@contextlib.contextmanager
def world(
    mappings: Path,
    *,
    seed: int,
    fill: Callable[[Control, Control], None],
    tell: Callable[[str, str], None],
    stopping: threading.Event,
    keep: Path | None = None,
) -> Iterator[World]:
    """Start the sandboxes, let ``fill(crm, assembly)`` put records there, and start the bridge; and leave nothing behind but the database and the logs in ``keep``, if given.

    Raises ``BridgeError`` with the end of its log if a process does not come up."""
    if not mappings.is_dir():
        raise UsageError(f"there is no folder {mappings}: run the demo in the project's folder, or give --mappings")
    folder = Path(tempfile.mkdtemp(prefix="bridge-demo-")) if keep is None else keep.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DATABASE).unlink(missing_ok=True)
    keys = {name: f"ak_{secrets.token_hex(12)}" for name in ("crm", "assembly")}
    token, control = secrets.token_hex(16), secrets.token_hex(16)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    with contextlib.ExitStack() as stack:
        if keep is None:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        sandboxes = stack.enter_context(Stack(Place({"SANDBOX_TOKEN": control}, folder, folder), on_event=tell))
        for name, key in keys.items():
            limit = ("--limit", str(RATE)) if name == "assembly" else ()
            entity = ("--entity-id", ENTITY) if name == "crm" else ()
            arguments = (*SANDBOX, name, "--key", key, "--seed", str(seed))
            port_file = folder / f"{name}.port"
            port_file.unlink(missing_ok=True)
            sandboxes.start(name, (*arguments, *limit, *entity, "--port-file", str(port_file)), vital=True)
        listening = listen("127.0.0.1", 0)
        api_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        urls = {name: _sandbox_url(folder / f"{name}.port", sandboxes.supervisor, stopping) for name in keys}
        crm = stack.enter_context(Control(urls["crm"], control))
        assembly = stack.enter_context(Control(urls["assembly"], control))
        fill(crm, assembly)
        env = _settings(folder, mappings, keys, urls, token, secret)
        bridge = stack.enter_context(Stack(Place(env, folder, folder), on_event=tell))
        bridge.redis(embedded_redis.private_folder())
        bridge.api(listening)
        bridge.workers(1)
        api = stack.enter_context(
            httpx.Client(base_url=api_url, headers={"Authorization": f"Bearer {token}"}, timeout=10, trust_env=False)
        )
        try:
            until(lambda: _ready(api) or _hopeless(bridge.supervisor), START_SECONDS, "the API's start", stopping)
            if _hopeless(bridge.supervisor):
                raise BridgeError("the API does not start")
        except BridgeError as error:
            raise BridgeError(f"{error}; the end of its log:\n{_tail(folder / 'api.log')}") from error
        crm.webhooks(f"{api_url}/webhooks/crm/default", secret, entity_id=ENTITY)
        yield World(crm, assembly, api, folder, token, bridge.supervisor)


def _hopeless(supervisor: Supervisor) -> bool:
    return supervisor.crashes("api") > 1


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


def _settings(
    folder: Path, mappings: Path, keys: Mapping[str, str], urls: Mapping[str, str], token: str, secret: str
) -> dict[str, str]:
    """Short intervals: the sandboxes have no lag, and somebody is watching."""
    values = {
        "crm_base_url": urls["crm"] + "/api/crm",
        "crm_api_key": keys["crm"],
        "crm_entity_id": ENTITY,
        "crm_webhook_secret": secret,
        "assembly_base_url": urls["assembly"],
        "assembly_api_key": keys["assembly"],
        "assembly_rate_limit": RATE,
        "admin_token": token,
        "database_url": f"sqlite:///{folder / DATABASE}",
        "mappings_dir": mappings.resolve(),
        "poll_interval_seconds": 1,
        "poll_overlap_seconds": 1,
        "sweep_interval_seconds": 2,
        "settle_seconds": 1,
        "remote_lag_seconds": 0.5,
        "http_timeout_seconds": 3,
        "lease_seconds": 10,
        "log_format": "text",
    }
    return {f"BRIDGE_{name.upper()}": str(value) for name, value in values.items()}


def _sandbox_url(port_file: Path, supervisor: Supervisor, stopping: threading.Event) -> str:
    until(
        lambda: port_file.exists() or supervisor.failed.is_set(),
        START_SECONDS,
        f"the {port_file.stem} sandbox's start",
        stopping,
    )
    if not port_file.exists():
        raise BridgeError(f"the {port_file.stem} sandbox did not start")
    return f"http://127.0.0.1:{port_file.read_text()}"


def _ready(api: httpx.Client) -> bool:
    try:
        return api.get("/health/ready", timeout=2).is_success
    except httpx.HTTPError:
        return False
