"""A private PostgreSQL for tests: ``with cluster() as url: …``, and databases of one's own inside it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

# The shell stops the server when its input closes: also when the tests are killed.
_WATCHDOG = '"$@" & cat >/dev/null; kill -INT $!; wait $!'


class NoPostgres(Exception):
    """This machine has no PostgreSQL to start."""


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[str]:
    """The URL of a server that lives as long as the block. Raises ``NoPostgres``.

    Tests need no data after a loss of power; ``durable`` is for measuring what keeping it costs.
    """
    programs = _programs()
    home = Path(tempfile.mkdtemp(prefix="bridge-pg-"))
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        user = _someone()
        os.chown(home, user.pw_uid, user.pw_gid)
        owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data, log, port = home / "data", home / "log", _free_port()
    initdb: list[Any] = [programs / "initdb", "-D", data, "-U", "bridge", "-A", "trust", "-E", "UTF8", "--no-sync"]
    try:
        subprocess.run(initdb, check=True, capture_output=True, cwd=home, **owner)
        server: list[Any] = [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", ""]
        kept = "on" if durable else "off"
        for setting in (
            f"fsync={kept}",
            f"synchronous_commit={kept}",
            f"full_page_writes={kept}",
            "max_connections=200",
        ):
            server += ["-c", setting]
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _WATCHDOG, "postgres", *server],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                cwd=home,
                **owner,
            )
        assert process.stdin is not None
        try:
            url = f"postgresql://bridge@127.0.0.1:{port}/postgres"
            _wait(url, log)
            yield url
        finally:
            process.stdin.close()
            process.wait(30)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """The URL of a fresh database, dropped afterwards."""
    name = f"bridge_test_{uuid.uuid4().hex}"
    with psycopg.connect(_plain(server_url), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def empty(url: str) -> None:
    """Remove every row: much quicker than another database."""
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        names = ", ".join(f'"{name}"' for (name,) in tables)
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")


def _programs() -> Path:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise NoPostgres("there is no initdb on PATH or under /usr/lib/postgresql; set BRIDGE_TEST_POSTGRES_URL")
    return versions[-1].parent


def _someone() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("root cannot run PostgreSQL, and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, log: Path) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(_plain(url), connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
            time.sleep(0.05)


def _plain(url: str) -> str:
    """What psycopg itself understands."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
