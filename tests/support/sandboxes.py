"""Sandboxes for tests: ``with crm_sandbox() as box: …`` gives a served CRM and the means to play with it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bridge.sandbox.control import Control
from bridge.sandbox.server import SystemName, base_path, make, serve

ENTITY = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
KEYS = {"crm": "ak_sandbox", "assembly": "sandbox-assembly-key", "wavo": "sandbox-wavo-token"}
TOKEN = "sandbox-token"


@dataclass(frozen=True, slots=True)
class Box:
    """``url`` carries the path that the API's text shows before the resource."""

    url: str
    key: str
    entity_id: str
    control: Control


@contextmanager
def sandbox(system: SystemName, *, process: bool = False, seed: int = 1, **options: Any) -> Iterator[Box]:
    """``options``: ``limit_per_second``, ``window``, ``switches``. In a thread, or with ``process`` in a process of its own."""
    options = {"key": KEYS[system], "token": TOKEN, "seed": seed, "entity_id": ENTITY, "limit_per_second": 0, **options}
    with (
        _process(system, options) if process else _thread(system, options) as origin,
        Control(origin, TOKEN) as control,
    ):
        yield Box(origin + base_path(system), KEYS[system], ENTITY, control)


def crm_sandbox(**options: Any) -> AbstractContextManager[Box]:
    """A CRM without a rate limit unless told."""
    return sandbox("crm", **options)


def assembly_sandbox(**options: Any) -> AbstractContextManager[Box]:
    """Assembly without a rate limit unless told (``limit_per_second=30`` is the documented one)."""
    return sandbox("assembly", **options)


@contextmanager
def _thread(system: SystemName, options: dict[str, Any]) -> Iterator[str]:
    with serve(make(system, **options)) as served:
        yield served.origin


@contextmanager
def _process(system: SystemName, options: dict[str, Any]) -> Iterator[str]:
    with TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        code = "import json, sys; from bridge.sandbox.server import run; run(**json.loads(sys.argv[1]))"
        told = json.dumps({"system": system, "port_file": str(port_file), **options})
        child = subprocess.Popen([sys.executable, "-c", code, told])
        try:
            deadline = time.monotonic() + 20
            while not port_file.exists():
                if child.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the {system} sandbox did not start (exit status {child.poll()})")
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port_file.read_text()}"
        finally:
            child.terminate()
            child.wait(10)


def point_at(monkeypatch: pytest.MonkeyPatch, crm: Box, assembly: Box, folder: Path) -> None:
    """Settings of a connection between these two, emptied, with its database in ``folder``; nothing waits for a limit or a replica."""
    crm.control.reset()
    assembly.control.reset()
    values = {
        "CRM_BASE_URL": crm.url,
        "CRM_API_KEY": crm.key,
        "CRM_ENTITY_ID": crm.entity_id,
        "ASSEMBLY_BASE_URL": assembly.url,
        "ASSEMBLY_API_KEY": assembly.key,
        "CRM_RATE_LIMIT": "2000",
        "ASSEMBLY_RATE_LIMIT": "2000",
        "DATABASE_URL": f"sqlite:///{folder}/bridge.db",
        "SETTLE_SECONDS": "0",
        "REMOTE_LAG_SECONDS": "0.1",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"BRIDGE_{name}", value)
