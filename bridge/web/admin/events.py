from __future__ import annotations

from fastapi import APIRouter

from bridge.bootstrap import Bridge
from bridge.web.admin.common import Cursor, Filter, Limit, found
from bridge.web.schemas import Event, Page, page


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter(prefix="/events", tags=["events"])
    inbox = bridge.store.inbox

    @routes.get("")
    def index(connection: Filter = None, state: Filter = None, cursor: Cursor = None, limit: Limit = 50) -> Page[Event]:
        """Received webhooks, newest first."""
        return page(inbox.page(connection=connection, state=state, cursor=cursor, limit=limit), Event.of)

    @routes.post("/{id}/replay")
    def replay(id: int) -> Event:
        """Hint again at the records of this event."""
        row = found(inbox.get(id), "event")
        inbox.replay(id)
        bridge.doorbell.ring(row.connection)
        return Event.of(found(inbox.get(id), "event"))

    return routes
