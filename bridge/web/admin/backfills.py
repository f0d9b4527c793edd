from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final

import anyio
from fastapi import APIRouter, Header
from sse_starlette import EventSourceResponse, JSONServerSentEvent

from bridge.bootstrap import Bridge
from bridge.core.errors import UsageError
from bridge.operations import backfill
from bridge.store.rows import RunRow
from bridge.web.admin.common import Cursor, Filter, Limit, found, known
from bridge.web.schemas import Backfill, Page, PlanItem, StartBackfill, page

ENDED: Final = frozenset({"done", "cancelled", "failed"})
PROGRESS_SECONDS: Final = 0.5


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter(prefix="/backfills", tags=["backfills"])
    runs = bridge.store.runs

    def run(id: str) -> RunRow:
        return found(runs.get(id), "backfill")

    @routes.post("", status_code=202)
    def start(
        wanted: StartBackfill, idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None
    ) -> Backfill:
        """Compare both sides and, unless `dry_run`, bring them in step. The same `Idempotency-Key` starts it once."""
        known(bridge, wanted.connection)
        row = backfill.start(
            bridge.store,
            bridge.connections[wanted.connection].mappings,
            wanted.connection,
            wanted.streams or (),
            dry_run=wanted.dry_run,
            key=idempotency_key,
        )
        if row.dry_run != wanted.dry_run or (wanted.streams and set(row.streams) != set(wanted.streams)):
            raise UsageError("this Idempotency-Key started a backfill that asked for something else", status=409)
        bridge.doorbell.ring(wanted.connection)
        return Backfill.of(row)

    @routes.get("")
    def index(connection: Filter = None, cursor: Cursor = None, limit: Limit = 50) -> Page[Backfill]:
        """Backfills, newest first."""
        return page(runs.page(connection=connection, cursor=cursor, limit=limit), Backfill.of)

    @routes.get("/{id}")
    def one(id: str) -> Backfill:
        return Backfill.of(run(id))

    @routes.post("/{id}/cancel")
    def cancel(id: str) -> Backfill:
        """Stop it; what it wrote stays."""
        run(id)
        backfill.cancel(bridge.store, id)
        return Backfill.of(run(id))

    @routes.post("/{id}/resume")
    def resume(id: str) -> Backfill:
        """Go on where a failed or cancelled one stopped."""
        row = run(id)
        backfill.resume(bridge.store, id)
        bridge.doorbell.ring(row.connection)
        return Backfill.of(run(id))

    @routes.get("/{id}/plan")
    def plan(id: str, cursor: Cursor = None, limit: Limit = 100) -> Page[PlanItem]:
        """What it decided to do, in order: only records that differ."""
        run(id)
        return page(runs.items_page(id, cursor=cursor, limit=limit), PlanItem.of)

    @routes.get("/{id}/events", response_class=EventSourceResponse)
    async def events(id: str) -> EventSourceResponse:
        """Its progress as server-sent events, each a whole backfill; ends when it ends."""
        await anyio.to_thread.run_sync(run, id)
        return EventSourceResponse(_progress(run, id))

    return routes


async def _progress(run: Callable[[str], RunRow], id: str) -> AsyncIterator[JSONServerSentEvent]:
    last: Backfill | None = None
    while last is None or last.state not in ENDED:
        now = Backfill.of(await anyio.to_thread.run_sync(run, id))
        if now != last:
            yield JSONServerSentEvent(now.model_dump(mode="json"), event="progress")
            last = now
        await asyncio.sleep(PROGRESS_SECONDS)
