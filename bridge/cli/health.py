"""``check`` and ``health``: is everything in place, and does it run?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import httpx
import redis
import typer
from rich.text import Text

from bridge import bootstrap, jobs
from bridge.bootstrap import WiredConnection
from bridge.cli.output import FOUND, GOOD, Json, out, show_json, table
from bridge.connectors import LegacyConnector
from bridge.core.errors import MappingError, RemoteError
from bridge.runtime import embedded_redis

BROKEN_EDIT: Final = "ok, but an edit of the mappings is broken and not in force: see bridge mappings check"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``good`` is ``None`` for a warning."""

    what: str
    good: bool | None
    words: str


def check(as_json: Annotated[bool, Json] = False) -> int:
    """Check settings, mappings, database, Redis, and for each system: reachable, key accepted, every mapped object readable."""
    findings = list(_findings())
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        marks = {True: Text("good", "green"), False: Text("wrong", "bold red"), None: Text("note", "yellow")}
        out.print(table("", ("what", "", "in words"), ((f.what, marks[f.good], f.words) for f in findings)))
    return FOUND if any(finding.good is False for finding in findings) else GOOD


def _findings() -> Iterator[Finding]:
    settings = bootstrap.load_settings()
    yield Finding("settings", True, "complete")
    # Before the mappings, which are refused where they ask for what is lacking.
    for each in settings.connections():
        if each.assembly_dialect == "legacy":
            yield from (Finding(f"{each.name}: assembly", None, words) for words in LegacyConnector.lacks)
    try:
        bridge = bootstrap.build(settings)
    except MappingError as wrong:
        yield from (Finding("mappings", False, str(mistake)) for mistake in wrong.mistakes)
        return
    with contextlib.closing(bridge):
        yield Finding("database", True, "answers, and its tables are up to date")
        yield _redis(settings.redis_url, settings.database_url)
        for connection in bridge.connections.values():
            yield from _mappings(connection)
            for side in connection.connectors:
                yield from _side(connection, side)


def _redis(url: str, database_url: str) -> Finding:
    if not url:
        running = embedded_redis.find_running(database_url)
        words = "the one of `bridge up` runs" if running else "`bridge up` starts one"
        return Finding("redis", True, words)
    try:
        with jobs.connect(url) as client:
            client.ping()
    except redis.RedisError as error:
        return Finding(
            "redis", False, f"does not answer ({type(error).__name__}); work goes on without it, more slowly"
        )
    return Finding("redis", True, "answers")


def _mappings(connection: WiredConnection) -> Iterator[Finding]:
    streams = ", ".join(stream.name for stream in connection.mappings.streams)
    yield Finding(f"{connection.name}: mappings", True, streams)
    for warning in connection.warnings:
        yield Finding(f"{connection.name}: mappings", None, str(warning))


def _side(connection: WiredConnection, side: str) -> Iterator[Finding]:
    """The key first; then the first page of every mapped object, which shows a missing scope."""
    what = f"{connection.name}: {side}"
    connector = connection.connectors[side]
    probe = _ask(connector.probe)
    if probe is not None:
        yield Finding(what, False, probe)
        return
    objects = sorted({stream.object(side) for stream in connection.mappings.streams if side in stream.sides})
    readable = [name for name in objects if connector.traits(name).readable]
    refused = False
    for name in readable:
        words = _ask(lambda name=name: next(iter(connector.pages(name)), None))  # type: ignore[misc]
        if words is not None:
            refused = True
            yield Finding(f"{what} {name}", False, words)
    if not refused:
        yield Finding(what, True, f"key accepted; can read {', '.join(readable)}")


def _ask(question: Callable[[], object]) -> str | None:
    """What went wrong, in words; ``None`` if it was answered."""
    try:
        question()
    except RemoteError as error:
        return str(error)
    return None


def health(
    url: Annotated[str | None, typer.Option(help="Where the API is; by default the one of these settings.")] = None,
    workers: Annotated[bool, typer.Option("--workers", help="Ask for workers instead of the API.")] = False,
    as_json: Annotated[bool, Json] = False,
) -> int:
    """Whether the API answers and can store webhooks, or with --workers whether a worker listens."""
    states = _workers() if workers else _api(url)
    if as_json:
        show_json(states)
    else:
        for name, state in states.items():
            out.print(f"{name}: {state}", markup=False)
    return GOOD if all(state in {"ok", BROKEN_EDIT} for state in states.values()) else FOUND


def _api(url: str | None) -> dict[str, str]:
    settings = bootstrap.load_settings() if url is None else None
    base = url if settings is None else f"http://{settings.host}:{settings.port}"
    return {name: _ok(f"{base}/health/{name}") for name in ("live", "ready")}


def _ok(url: str) -> str:
    try:
        answer = httpx.get(url, timeout=4.0, trust_env=False)
    except httpx.HTTPError as error:
        return f"no answer ({type(error).__name__})"
    if not answer.is_success:
        return f"status {answer.status_code}"
    try:
        said = answer.json()
    except ValueError:
        return "ok"
    return BROKEN_EDIT if isinstance(said, dict) and said.get("mappings") == "broken" else "ok"


def _workers() -> dict[str, str]:
    settings = bootstrap.load_settings()
    url = settings.redis_url or embedded_redis.find_running(settings.database_url)
    if url is None:
        return {"workers": "no Redis runs for this database, so none can be asked"}
    try:
        with jobs.connect(url) as client:
            listening = jobs.RedisDoorbell(client).listening()
    except redis.RedisError as error:
        return {"workers": f"Redis does not answer ({type(error).__name__})"}
    return {"workers": "ok" if listening else "none listens"}
