from __future__ import annotations

from fastapi import APIRouter

from bridge.bootstrap import Bridge
from bridge.web.admin.common import found, known
from bridge.web.schemas import Connection, Page


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter(prefix="/connections", tags=["connections"])
    store = bridge.store

    def show(name: str) -> Connection:
        return Connection.of(found(store.connections.get(name), "connection"), store.changes.counts(name))

    @routes.get("")
    def index() -> Page[Connection]:
        """Every configured connection."""
        return Page(items=[show(name) for name in sorted(bridge.connections)], next=None)

    @routes.get("/{connection}")
    def one(connection: str) -> Connection:
        return show(known(bridge, connection))

    @routes.post("/{connection}/pause")
    def pause(connection: str) -> Connection:
        """Stop working on its changes until somebody resumes it; webhooks are stored all the while."""
        store.connections.pause(known(bridge, connection), "person")
        return show(connection)

    @routes.post("/{connection}/resume")
    def resume(connection: str) -> Connection:
        """Go on in the mode it had before the pause."""
        store.connections.resume(known(bridge, connection))
        bridge.doorbell.ring(connection)
        return show(connection)

    @routes.post("/{connection}/observe")
    def observe(connection: str) -> Connection:
        """Write nothing to either side from now on; store, bind and plan."""
        store.connections.set_mode(known(bridge, connection), "observing")
        return show(connection)

    @routes.post("/{connection}/live")
    def live(connection: str) -> Connection:
        """Carry changes to the other side from now on."""
        store.connections.set_mode(known(bridge, connection), "live")
        bridge.doorbell.ring(connection)
        return show(connection)

    return routes
