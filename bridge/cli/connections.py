"""``connections``: what each one is doing, and the words that change it."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.bootstrap import Bridge
from bridge.cli.opening import chosen, opened
from bridge.cli.output import FOUND, GOOD, Json, out, show_json, table
from bridge.core.errors import BridgeError
from bridge.web.schemas import Connection

app = typer.Typer(help="Every configured connection, and its mode.", invoke_without_command=True)

Name = Annotated[str | None, typer.Argument(help="Which one; needed where several are configured.")]
STATES = ("pending", "leased", "waiting", "parked", "done")


@app.callback()
def index(context: typer.Context, as_json: Annotated[bool, Json] = False) -> int:
    """Every connection: its mode, why it is paused, and how many changes are in which state."""
    if context.invoked_subcommand is not None:
        return GOOD
    with opened() as bridge:
        shown = [_shown(bridge, name) for name in bridge.connections]
    if as_json:
        show_json([connection.model_dump(mode="json") for connection in shown])
    else:
        _print(shown)
    return FOUND if any(connection.mode == "paused" for connection in shown) else GOOD


@app.command()
def pause(name: Name = None) -> int:
    """Stop working on its changes until somebody resumes it; webhooks are stored all the while."""
    with opened() as bridge:
        found = chosen(bridge, name).name
        bridge.store.connections.pause(found, "person", None)
        _print([_shown(bridge, found)])
    return GOOD


@app.command()
def resume(name: Name = None) -> int:
    """Go on in the mode it had before the pause."""
    with opened() as bridge:
        found = chosen(bridge, name).name
        bridge.store.connections.resume(found)
        bridge.doorbell.ring(found)
        _print([_shown(bridge, found)])
    return GOOD


@app.command()
def observe(name: Name = None) -> int:
    """Write nothing to either side from now on; store, bind and plan."""
    with opened() as bridge:
        found = chosen(bridge, name).name
        bridge.store.connections.set_mode(found, "observing")
        _print([_shown(bridge, found)])
    return GOOD


@app.command()
def live(name: Name = None) -> int:
    """Carry changes to the other side from now on."""
    with opened() as bridge:
        found = chosen(bridge, name).name
        bridge.store.connections.set_mode(found, "live")
        bridge.doorbell.ring(found)
        _print([_shown(bridge, found)])
    return GOOD


def _shown(bridge: Bridge, name: str) -> Connection:
    row = bridge.store.connections.get(name)
    if row is None:
        raise BridgeError(f"the connection {name} vanished from the database")
    return Connection.of(row, bridge.store.changes.counts(name))


def _print(shown: list[Connection]) -> None:
    rows = ((c.name, c.mode, _why(c), *(c.changes.get(state, 0) for state in STATES)) for c in shown)
    out.print(table("", ("connection", "mode", "why", *STATES), rows))


def _why(connection: Connection) -> str:
    why = connection.pause_detail or connection.pause_cause
    return f"{why}; tried again at {connection.paused_until:%H:%M:%S} UTC" if connection.paused_until else why
