from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from fastapi import APIRouter

from bridge.bootstrap import Bridge
from bridge.core.records import Json
from bridge.store import Store
from bridge.store.rows import AttentionRow
from bridge.web.admin.common import Cursor, Filter, Limit, found, known
from bridge.web.schemas import Attention, AttentionCause, Count, Page, Resolve, ResolveGroup

AttentionState: TypeAlias = Literal["parked", "pending", "done"]
_KEPT_AS: Final[Mapping[str, str]] = {"parked": "open", "pending": "decided", "done": "closed"}


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter(prefix="/attention", tags=["attention"])
    store = bridge.store

    def item(id: int) -> AttentionRow:
        return found(store.attention.get(id), "attention item")

    @routes.get("")
    def index(
        connection: Filter = None,
        stream: Filter = None,
        state: AttentionState = "parked",
        cause: Filter = None,
        group: Filter = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[Attention]:
        """What waits for a person (`parked`), was decided (`pending`) or is settled (`done`), newest first."""
        listing = store.attention.page(
            connection=connection,
            stream=stream,
            state=_KEPT_AS[state],
            cause=cause,
            group=group,
            cursor=cursor,
            limit=limit,
        )
        return Page(items=_shown(store, listing.items), next=listing.next)

    @routes.get("/groups")
    def groups(connection: str) -> Page[AttentionCause]:
        """How many wait for the same reason, and which answers settle them together."""
        return Page(
            items=[AttentionCause.of(row) for row in store.attention.groups(known(bridge, connection))], next=None
        )

    @routes.post("/groups/resolve")
    def resolve_group(word: ResolveGroup) -> Count:
        """Give every item of a group the same answer; those whose values have moved on meanwhile stay."""
        known(bridge, word.connection)
        count = store.attention.decide_group(word.connection, word.group, {"way": word.way, "value": word.value})
        bridge.doorbell.ring(word.connection)
        return Count(count=count)

    @routes.get("/{id}")
    def one(id: int) -> Attention:
        return _shown(store, [item(id)])[0]

    @routes.post("/{id}/resolve")
    def resolve(id: int, word: Resolve) -> Attention:
        """Answer an item: 409 when the values are not those that were looked at any more."""
        row = item(id)
        _decide(store, row, word.way, word.value, word.seen)
        bridge.doorbell.ring(row.connection)
        return _shown(store, [item(id)])[0]

    return routes


def _decide(store: Store, row: AttentionRow, way: str, value: Json, seen: Mapping[str, Json] | None) -> None:
    store.attention.decide(row.id, {"way": way, "value": value}, row.values if seen is None else seen)


def _shown(store: Store, rows: Sequence[AttentionRow]) -> list[Attention]:
    ids = {row.change_id for row in rows if row.change_id is not None}
    changes = {id: store.changes.get(id) for id in ids}
    return [Attention.of(row, changes.get(row.change_id) if row.change_id is not None else None) for row in rows]
