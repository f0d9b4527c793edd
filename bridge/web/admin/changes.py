from __future__ import annotations

from fastapi import APIRouter

from bridge.bootstrap import Bridge
from bridge.core.errors import UsageError
from bridge.core.records import ChangeState
from bridge.store import ChangeFilter, Store
from bridge.web.admin.common import Cursor, Filter, Limit
from bridge.web.schemas import Change, Count, Page, SelectChanges, page


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter(prefix="/changes", tags=["changes"])
    store = bridge.store

    @routes.get("")
    def index(
        connection: Filter = None,
        stream: Filter = None,
        side: Filter = None,
        record_id: Filter = None,
        state: ChangeState | None = None,
        cause: Filter = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[Change]:
        """Records that are to be looked at again, newest first."""
        wanted = ChangeFilter(
            connection=connection, stream=stream, side=side, record_id=record_id, state=state, cause=cause
        )
        return page(store.changes.page(wanted, cursor=cursor, limit=limit), Change.of)

    @routes.post("/replay")
    def replay(which: SelectChanges) -> Count:
        """Look at these records again, now; a filter without a state means the parked ones."""
        count = store.changes.replay(_selected(which))
        for name in bridge.connections:
            bridge.doorbell.ring(name)
        return Count(count=count)

    @routes.post("/discard")
    def discard(which: SelectChanges) -> Count:
        """Forget these changes without looking. The next hint brings them back."""
        return Count(count=store.changes.discard(_ids(store, _selected(which))))

    return routes


def _ids(store: Store, which: list[int] | ChangeFilter) -> list[int]:
    if not isinstance(which, ChangeFilter):
        return which
    found: list[int] = []
    cursor = None
    while True:
        listing = store.changes.page(which, cursor=cursor, limit=1000)
        found += [row.id for row in listing.items]
        if (cursor := listing.next) is None:
            return found


def _selected(which: SelectChanges) -> list[int] | ChangeFilter:
    """Raises ``UsageError`` when nothing narrows the choice: everything at once is nobody's intention."""
    filters = which.model_dump(exclude={"ids"}, exclude_none=True)
    if which.ids is not None:
        if filters:
            raise UsageError("give ids or a filter, not both", status=422)
        return which.ids
    if not filters:
        raise UsageError("give ids, or at least one of connection, stream, side, record_id, state, cause", status=422)
    return ChangeFilter(**filters)
