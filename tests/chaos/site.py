"""A bridge of real processes whose every part can be killed: APIs, workers, Redis, databases, sandboxes behind proxies."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import sqlalchemy
import yaml

from bridge.runtime import embedded_redis
from bridge.runtime.processes import Child, raised
from tests.chaos.proxy import Proxy
from tests.chaos.sender import SECRET
from tests.support.postgres import cluster, database
from tests.support.sandboxes import ENTITY, Box, assembly_sandbox, crm_sandbox

ROOT = Path(__file__).parents[2]
TOKEN = "chaos-admin-token"
ENTRY = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.chaos.child import main; main()"

QUICK_TIMES: Mapping[str, Any] = {
    "poll_interval_seconds": 1,
    "poll_overlap_seconds": 2,
    "sweep_interval_seconds": 2,
    "settle_seconds": 0.5,
    "remote_lag_seconds": 1,
    "lease_seconds": 6,
    "http_timeout_seconds": 2.5,
}
"""Shorter waiting; a row that uses it says so."""
NO_BRAKE: Mapping[str, Any] = {
    f"brake_{name}_count": 1_000_000 for name in ("create", "update", "clear", "delete", "reparent")
}
NO_LIMIT: Mapping[str, Any] = {"assembly_rate_limit": 5000, "crm_rate_limit": 5000}


def marks(*names: str) -> str:
    """Several of ``breaks.py`` for one process."""
    return ",".join(filter(None, names))


@dataclass(slots=True)
class Process:
    """One that is started again under the same name after it was killed."""

    name: str
    command: Sequence[str]
    pass_fds: tuple[int, ...] = ()
    child: Child | None = None

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    @property
    def alive(self) -> bool:
        return self.child is not None and self.child.poll() is None


@dataclass(slots=True)
class Site:
    folder: Path
    env: dict[str, str]
    database_url: str
    breaks: str = ""
    crm: Box | None = None
    assembly: Box | None = None
    proxies: dict[str, Proxy] = field(default_factory=dict)
    port: int = 0
    listening: socket.socket | None = None
    descriptor: int = -1
    processes: dict[str, Process] = field(default_factory=dict)
    kills: int = 0
    homes: list[Path] = field(default_factory=list)
    """Of Redis."""
    _engine: Any = None

    # --- processes ----------------------------------------------------------------------------------------------

    def start(
        self, name: str, role: str, *rest: str, pass_fds: tuple[int, ...] = (), breaks: str | None = None
    ) -> Process:
        marks = self.breaks if breaks is None else breaks
        process = Process(name, [sys.executable, "-c", ENTRY, marks, role, *rest], pass_fds)
        self.processes[name] = process
        self.revive(name)
        return process

    def revive(self, name: str) -> None:
        process = self.processes[name]
        process.child = Child(
            process.command,
            env=self.env,
            log=self.folder / f"{name}.log",
            cwd=self.folder,
            pass_fds=process.pass_fds,
            grace=2,
        )

    def api(self, name: str = "api", *, wait: bool = True) -> Process:
        process = self.start(name, "api", str(self.descriptor), pass_fds=(self.descriptor,))
        if wait:
            self.ready()
        return process

    def worker(self, name: str = "worker", *, breaks: str | None = None) -> Process:
        return self.start(name, "worker", breaks=breaks)

    def redis(self) -> None:
        home = embedded_redis.private_folder()
        self.homes.append(home)
        command = embedded_redis.command(embedded_redis.find_binary(), home)
        self.processes["redis"] = Process("redis", command)
        self.env["BRIDGE_REDIS_URL"] = embedded_redis.url(home)
        self.revive("redis")
        embedded_redis.wait_until_up(self.env["BRIDGE_REDIS_URL"])

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        process = self.processes[name]
        if not process.alive:
            return
        os.kill(process.pid, how)
        if how == signal.SIGKILL:
            self.kills += 1
            assert process.child is not None
            process.child.wait(10)

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        if process.child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.child.stop()

    def ready(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health/ready", timeout=2, trust_env=False).is_success:
                    return
            if not any(each.alive for name, each in self.processes.items() if name.startswith("api")):
                break
            time.sleep(0.05)
        raise RuntimeError(f"the API did not start:\n{self.log('api')[-3000:]}")

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def memory_mb(self, name: str, *, most: bool = False) -> float:
        """Resident memory now, or the most it ever was."""
        wanted = "VmHWM:" if most else "VmRSS:"
        for line in Path(f"/proc/{self.processes[name].pid}/status").read_text().splitlines():
            if line.startswith(wanted):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu_seconds(self, name: str) -> float:
        """Processor time the process has used: on a busy machine it says more than the clock."""
        parts = Path(f"/proc/{self.processes[name].pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    # --- talking ------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(
            method,
            f"{self.url}/admin{path}",
            json=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=30,
            trust_env=False,
        )
        answer.raise_for_status()
        return answer.json()

    def live(self, connection: str = "default") -> None:
        self.admin("POST", f"/connections/{connection}/live")

    def webhooks(self, **delivery: Any) -> None:
        assert self.crm is not None
        self.crm.control.webhooks(
            f"{self.url}/webhooks/crm/default", SECRET, **{"entity_id": ENTITY, "retries": 12, **delivery}
        )

    def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Straight from the database."""
        if self._engine is None:
            self._engine = sqlalchemy.create_engine(
                self.database_url.replace("postgresql://", "postgresql+psycopg://"),
                poolclass=sqlalchemy.pool.NullPool,
            )
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sqlalchemy.text(query), values)]

    def one(self, query: str, **values: object) -> Any:
        return self.rows(query, **values)[0][0]

    def busy(self) -> int:
        """Changes that are still to be looked at."""
        return int(self.one("SELECT count(*) FROM changes WHERE state IN ('pending', 'leased', 'waiting')"))

    def parked(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT stream, side, record_id, cause, detail FROM changes WHERE state = 'parked'")


@contextmanager
def site(
    *,
    breaks: str = "",
    apis: int = 1,
    workers: int = 1,
    redis: bool = True,
    remotes: bool = True,
    proxied: Sequence[str] = (),
    postgres: bool = False,
    durable: bool = False,
    crm: Mapping[str, Any] | None = None,
    assembly: Mapping[str, Any] | None = None,
    **settings: object,
) -> Iterator[Site]:
    """``settings`` are the shipped defaults where not given. ``crm`` and ``assembly`` are options of the sandboxes.
    ``durable``: PostgreSQL keeps what it committed through a loss of power, as SQLite always does here."""
    folder = Path(tempfile.mkdtemp(prefix="bridge-chaos-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        shutil.copytree(ROOT / "mappings", folder / "mappings")
        url = f"sqlite:///{folder}/bridge.db"
        if postgres:
            url = stack.enter_context(database(stack.enter_context(cluster(durable=durable))))
        made = Site(folder, {}, url, breaks)
        stack.callback(_end, made)
        urls = {"crm": "http://127.0.0.1:9/api/crm", "assembly": "http://127.0.0.1:9"}
        keys = {"crm": "ak_x", "assembly": "x"}
        if remotes:
            with ThreadPoolExecutor(2) as pool:
                crm_box = pool.submit(stack.enter_context, crm_sandbox(process=True, **(crm or {})))
                assembly_box = pool.submit(stack.enter_context, assembly_sandbox(process=True, **(assembly or {})))
            made.crm, made.assembly = crm_box.result(), assembly_box.result()
            for name, box in (("crm", made.crm), ("assembly", made.assembly)):
                urls[name], keys[name] = box.url, box.key
        for name in proxied:
            told = urlsplit(urls[name])
            made.proxies[name] = stack.enter_context(Proxy(told.hostname or "", told.port or 0).running())
            urls[name] = told._replace(netloc=f"127.0.0.1:{made.proxies[name].port}").geturl()
        values = {
            "crm_base_url": urls["crm"],
            "crm_api_key": keys["crm"],
            "crm_entity_id": ENTITY,
            "crm_webhook_secret": SECRET,
            "assembly_base_url": urls["assembly"],
            "assembly_api_key": keys["assembly"],
            "admin_token": TOKEN,
            "database_url": url,
            **settings,
        }
        made.env = {f"BRIDGE_{name.upper()}": str(value) for name, value in values.items() if value is not None}
        made.listening = socket.socket()
        stack.callback(made.listening.close)
        made.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.listening.bind(("127.0.0.1", 0))
        made.listening.listen(2048)
        made.port = made.listening.getsockname()[1]
        made.descriptor = raised(made.listening.fileno())
        stack.callback(os.close, made.descriptor)
        if redis:
            made.redis()
        for number in range(apis):
            made.api("api" if number == 0 else f"api-{number + 1}", wait=False)
        for number in range(workers):
            made.worker("worker" if number == 0 else f"worker-{number + 1}")
        if apis:
            made.ready()
        yield made


def use_connections(at: Site, told: Mapping[str, Mapping[str, str]]) -> None:
    """From the next start on these connections are configured, and not the single one."""
    for name in [name for name in at.env if re.match(r"BRIDGE_(CRM|ASSEMBLY)_", name)]:
        del at.env[name]
    path = at.folder / "connections.yaml"
    path.write_text(yaml.safe_dump({name: dict(each) for name, each in told.items()}))
    at.env["BRIDGE_CONNECTIONS_FILE"] = str(path)


def _end(made: Site) -> None:
    if made._engine is not None:
        made._engine.dispose()
    for name in list(made.processes):
        process = made.processes[name]
        if process.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            assert process.child is not None
            process.child.request_stop()
    for name in list(made.processes):
        made.stop(name)
    for home in made.homes:
        shutil.rmtree(home, ignore_errors=True)
