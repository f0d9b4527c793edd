"""A whole bridge as a user starts it: sandboxes, settings in the environment, `bridge` commands as processes."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bridge.runtime.embedded_redis import EmbeddedRedis
from bridge.sandbox.control import Control
from tests.support.sandboxes import Box, assembly_sandbox, crm_sandbox

ROOT = Path(__file__).parents[2]
BRIDGE = (sys.executable, "-m", "bridge.cli")
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
TOKEN = "admin-token"


def pids_with(mark: str) -> set[int]:
    """Processes that still run and carry ``mark`` in their environment or command line."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if mark.encode() in text and state != "Z":
            found.add(int(entry.name))
    return found


def until(condition: Callable[[], bool], seconds: float = 30.0, what: str = "it") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


@dataclass(frozen=True)
class Whole:
    crm: Box
    assembly: Box
    folder: Path
    env: Mapping[str, str]
    port: int

    def bridge(self, *arguments: str, seconds: float = 90, **env: str) -> subprocess.CompletedProcess[str]:
        """A command run to its end."""
        return subprocess.run(
            [*BRIDGE, *arguments],
            cwd=self.folder,
            env={**os.environ, **self.env, **env},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @contextmanager
    def running(self, *arguments: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command in the background; its output goes to ``folder``."""
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            child = subprocess.Popen(
                [*BRIDGE, *arguments], cwd=self.folder, env={**os.environ, **self.env, **env}, stdout=log, stderr=log
            )
        try:
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(15)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()

    def ready(self) -> None:
        try:
            until(self._is_ready, 60, "the API's start")
        except AssertionError as late:
            logs = "\n".join(file.read_text(errors="replace")[-3000:] for file in self.folder.glob("*.log"))
            raise AssertionError(f"{late}\n{logs}") from late

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=2, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def api(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = httpx.request(
            method,
            self.url + path,
            json=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=10,
            trust_env=False,
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def webhooks(self) -> None:
        self.crm.control.webhooks(f"{self.url}/webhooks/crm/default", SECRET, entity_id=self.crm.entity_id)

    def run(self, id: str) -> dict[str, Any]:
        return self.api("GET", f"/admin/backfills/{id}")

    def pids(self, mark: str) -> set[int]:
        """Our Python processes with ``mark`` in their command line; not their guards."""
        commands = {pid: _command(pid) for pid in pids_with(str(self.folder))}
        return {pid for pid, line in commands.items() if line.startswith(sys.executable) and mark in line}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def whole(*, limit: int = 0, redis: bool = False, **settings: object) -> Iterator[Whole]:
    """``limit``: Assembly's calls a second (0: none). ``redis``: one that the test holds, as ``env['BRIDGE_REDIS_URL']``."""
    folder = Path(tempfile.mkdtemp(prefix="bridge-e2e-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        crm: Box = stack.enter_context(crm_sandbox())
        assembly: Box = stack.enter_context(assembly_sandbox(limit_per_second=limit))
        shutil.copytree(ROOT / "mappings", folder / "mappings")
        port = free_port()
        values: dict[str, object] = {
            "crm_base_url": crm.url,
            "crm_api_key": crm.key,
            "crm_entity_id": crm.entity_id,
            "crm_webhook_secret": SECRET,
            "assembly_base_url": assembly.url,
            "assembly_api_key": assembly.key,
            "assembly_rate_limit": limit or 500,
            "crm_rate_limit": 500,
            "admin_token": TOKEN,
            "database_url": f"sqlite:///{folder}/bridge.db",
            "port": port,
            "poll_interval_seconds": 1,
            "poll_overlap_seconds": 1,
            "sweep_interval_seconds": 2,
            "settle_seconds": 0.5,
            "remote_lag_seconds": 0.2,
            "lease_seconds": 6,
            "http_timeout_seconds": 2.5,
            **settings,
        }
        env = {f"BRIDGE_{name.upper()}": str(value) for name, value in values.items()}
        if redis:
            env["BRIDGE_REDIS_URL"] = stack.enter_context(EmbeddedRedis()).url
        yield Whole(crm, assembly, folder, env, port)
        until(lambda: not pids_with(str(folder)), 20, "the end of every process")


def loads(text: str) -> Any:
    return json.loads(text)


def pairs(whole: Whole, crm: str, assembly: str) -> int:
    """How many records are on both sides under one join key; fails if one key is in Assembly twice."""
    control: Control = whole.assembly.control
    keys = [key for row in control.records(assembly) for key in row["source_specific_ids"]]
    assert len(keys) == len(set(keys)), "a join key is in Assembly twice"
    held = set(keys)
    return sum(row["id"] in held for row in whole.crm.control.records(crm))
