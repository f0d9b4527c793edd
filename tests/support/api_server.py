"""A real server process on a real SQLite file, and a sender that signs as Standard Webhooks does."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

ROOT = Path(__file__).parents[2]
KEY = b"0123456789abcdef0123456789abcdef"
ENTITY = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
TOKEN = "the-admin-token"
SERVE = """
import contextlib, socket, sys, uvicorn
from bridge.bootstrap import build, load_settings
from bridge.web import create_app
with contextlib.closing(build(load_settings())) as bridge:
    config = uvicorn.Config(create_app(bridge), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
"""


def event(record_id: str = "c1", **more: Any) -> bytes:
    return orjson.dumps(
        {"type": "company.updated", "timestamp": "2026-11-03T12:00:00Z", "data": {"id": record_id}} | more
    )


def signed(body: bytes, event_id: str, *, key: bytes = KEY, at: float | None = None) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    mac = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


@dataclass
class Server:
    """One API process; ``kill`` and ``start`` as often as a test likes."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    url: str = ""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, trust_env=False))

    @property
    def database(self) -> Path:
        return self.folder / "bridge.db"

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text("utf-8", "replace")

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
        names = {
            "CRM_BASE_URL": "http://127.0.0.1:9/api/crm",
            "CRM_API_KEY": "ak_x",
            "CRM_ENTITY_ID": ENTITY,
            "CRM_WEBHOOK_SECRET": "whsec_" + base64.b64encode(KEY).decode(),
            "ASSEMBLY_BASE_URL": "http://127.0.0.1:9",
            "ASSEMBLY_API_KEY": "x",
            "ADMIN_TOKEN": TOKEN,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "MAPPINGS_DIR": str(ROOT / "mappings"),
            **self.settings,
        }
        with socket.socket() as listening, (self.folder / "server.log").open("ab") as log:
            listening.bind(("127.0.0.1", 0))
            listening.listen(128)
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(listening.fileno())],
                pass_fds=[listening.fileno()],
                env=environment | {f"BRIDGE_{name}": value for name, value in names.items()},
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        self._await_ready()

    def _await_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if self.client.get(f"{self.url}/health/ready").status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(15)

    def send(
        self, body: bytes, event_id: str, *, connection: str = "default", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        return self.client.post(
            f"{self.url}/webhooks/crm/{connection}",
            content=body,
            headers=signed(body, event_id) if headers is None else headers,
        )

    def admin(self, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        return self.client.request(
            method, f"{self.url}/admin{path}", json=json, headers={"Authorization": f"Bearer {TOKEN}", **headers}
        )

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as database:
            return database.execute(query, values).fetchall()

    def stored(self, event_id: str) -> int:
        return int(self.rows("SELECT count(*) FROM inbox WHERE event_id = ?", event_id)[0][0])
