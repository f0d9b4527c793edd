from __future__ import annotations

from fastapi import APIRouter

from bridge.bootstrap import Bridge
from bridge.web.admin.common import Cursor, Filter, Limit
from bridge.web.schemas import Hold, Page, page


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter(prefix="/holds", tags=["holds"])
    holds = bridge.store.holds

    @routes.get("")
    def index(connection: Filter = None, state: Filter = None, cursor: Cursor = None, limit: Limit = 50) -> Page[Hold]:
        """Classes of changes that the brake stopped, newest first."""
        return page(holds.page(connection=connection, state=state, cursor=cursor, limit=limit), Hold.of)

    @routes.post("/{id}/release")
    def release(id: int) -> Hold:
        """Let the waiting changes pass."""
        row = holds.release(id)
        bridge.doorbell.ring(row.connection)
        return Hold.of(row)

    @routes.post("/{id}/discard")
    def discard(id: int) -> Hold:
        """Drop the waiting changes; what the sides hold stays as it is."""
        row = holds.discard(id)
        bridge.doorbell.ring(row.connection)
        return Hold.of(row)

    return routes
