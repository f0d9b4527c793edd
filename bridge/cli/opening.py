"""How a command gets at the bridge: settings read, parts built, closed again at its end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated

import typer

from bridge import bootstrap
from bridge.bootstrap import Bridge, WiredConnection
from bridge.core.errors import UsageError

ConnectionName = Annotated[
    str | None, typer.Option("--connection", "-c", help="Which one; needed where several are configured.")
]


@contextlib.contextmanager
def opened() -> Iterator[Bridge]:
    with contextlib.closing(bootstrap.build(bootstrap.load_settings())) as bridge:
        yield bridge


def chosen(bridge: Bridge, name: str | None) -> WiredConnection:
    """The connection of that name, or the only one. Raises ``UsageError``."""
    known = ", ".join(bridge.connections)
    if name is None:
        if len(bridge.connections) > 1:
            raise UsageError(f"say which connection: --connection one of {known}")
        return next(iter(bridge.connections.values()))
    if name not in bridge.connections:
        raise UsageError(f"no connection is called {name!r}; there are: {known}")
    return bridge.connections[name]
