"""Node-RED as somebody would set it up for this: a webhook in, a function that maps, a request out; answered 202 when it arrives."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.measures import until
from bridge.runtime.processes import Child

PACKAGE: Final = "node-red@4"
PATH: Final = "/webhooks/crm/default"
_MAP: Final = """
const d = msg.payload.data;
msg.method = 'PUT';
msg.url = '%(url)s/accounts/upsert?source_specific_id=' + d.id;
msg.headers = {Authorization: '%(key)s'};
msg.payload = {
  type: 'Company', name: d.name, domain: d.website.replace('https://', ''), phone: [d.phone], source_specific_ids: [d.id],
  additional_properties: {
    Industry: d.industry, Employees: d.employees, 'Annual revenue': d.annualRevenue, Address: d.address, City: d.city,
    Country: d.country, 'CRM owner': d.ownerId, Segment: d.employees > 1000 ? 'Enterprise' : 'SMB'
  }
};
return msg;
"""


@contextmanager
def installed(install: bool) -> Iterator[str | None]:
    """The program: the one on PATH; else, if asked, one from npm for as long as the block lasts."""
    found = shutil.which("node-red")
    if found is not None or not install or shutil.which("npm") is None:
        yield found
        return
    with TemporaryDirectory(prefix="bridge-peer-") as folder:
        npm = ["npm", "install", "--no-audit", "--no-fund", "--omit=dev", "--prefix", folder, PACKAGE]
        subprocess.run(npm, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield str(Path(folder) / "node_modules" / ".bin" / "node-red")


class NodeRed:
    """One process on a port of its own; killed and started again like ours."""

    def __init__(self, program: str, folder: Path, url: str, key: str) -> None:
        self.port = _free_port()
        self._program, self._folder = program, folder
        (folder / "flows.json").write_text(json.dumps(_flow(url, key)))
        settings = {
            "uiPort": self.port,
            "uiHost": "127.0.0.1",
            "flowFile": "flows.json",
            "httpAdminRoot": False,
            "telemetry": {"enabled": False},
            "logging": {"console": {"level": "warn"}},
        }
        (folder / "settings.js").write_text(f"module.exports = {json.dumps(settings)}")
        self.start()

    def start(self) -> None:
        command = [self._program, "--userDir", str(self._folder), "--settings", str(self._folder / "settings.js")]
        self._child = Child(command, log=self._folder / "log", cwd=self._folder, grace=1)
        until(self._answers, 60, "Node-RED's start", 0.1)

    def kill(self) -> None:
        os.kill(self._child.pid, signal.SIGKILL)
        self._child.wait(10)

    def stop(self) -> None:
        self._child.stop()

    def _answers(self) -> bool:
        """Its port opens before its flow runs: then the path is not found."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as asked:
                asked.sendall(f"GET {PATH}/ready HTTP/1.0\r\n\r\n".encode())
                return b" 204 " in asked.recv(64)
        except OSError:
            time.sleep(0.05)
            return False


def _flow(url: str, key: str) -> list[dict[str, Any]]:
    at = {"z": "flow", "x": 0, "y": 0}
    return [
        {"id": "flow", "type": "tab", "label": "companies"},
        {"id": "in", "type": "http in", "url": PATH, "method": "post", "wires": [["told", "map"]], **at},
        {"id": "told", "type": "http response", "statusCode": "202", "wires": [], **at},
        {
            "id": "map",
            "type": "function",
            "func": _MAP % {"url": url, "key": key},
            "outputs": 1,
            "wires": [["out"]],
            **at,
        },
        {"id": "out", "type": "http request", "method": "use", "ret": "obj", "persist": True, "wires": [[]], **at},
        {"id": "up", "type": "http in", "url": f"{PATH}/ready", "method": "get", "wires": [["yes"]], **at},
        {"id": "yes", "type": "http response", "statusCode": "204", "wires": [], **at},
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
