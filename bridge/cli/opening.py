"""How a command gets at the bridge: settings read, parts built, closed again at its end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Annotated, TypeVar

import typer

from bridge import bootstrap
from bridge.bootstrap import Bridge, WiredConnection
from bridge.core.errors import UsageError

Connection = TypeVar("Connection")

ConnectionName = Annotated[
    str | None, typer.Option("--connection", "-c", help="Which one; needed where several are configured.")
]


@contextlib.contextmanager
def opened() -> Iterator[Bridge]:
    with contextlib.closing(bootstrap.build(bootstrap.load_settings())) as bridge:
        yield bridge


def chosen(bridge: Bridge, name: str | None) -> WiredConnection:
    """The connection of that name, or the only one. Raises ``UsageError``."""
    return picked(bridge.connections, name)


def why_paused(bridge: Bridge, name: str) -> str:
    """One line about a connection that is paused, with the way out; empty if it is not."""
    row = bridge.store.connections.get(name)
    if row is None or row.mode != "paused":
        return ""
    why = row.pause_detail or row.pause_cause
    if row.paused_until is not None:
        return f"The connection {name} is paused and tried again at {row.paused_until:%H:%M:%S} UTC: {why}"
    return f"The connection {name} is paused: {why}. Mend it, then: bridge connections resume {name}"


def picked(known: Mapping[str, Connection], name: str | None) -> Connection:
    """As ``chosen``, from anything kept by connection."""
    names = ", ".join(known)
    if name is None:
        if len(known) > 1:
            raise UsageError(f"say which connection: --connection one of {names}")
        return next(iter(known.values()))
    if name not in known:
        raise UsageError(f"no connection is called {name!r}; there are: {names}")
    return known[name]
