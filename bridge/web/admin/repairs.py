"""Undo, rebuild and forget: what a person does after something went wrong."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header

from bridge.bootstrap import Bridge
from bridge.core.errors import UsageError
from bridge.operations import rebuild, undo
from bridge.operations.forget import forget
from bridge.store import Writes
from bridge.web.admin.common import found, known, named_record
from bridge.web.schemas import Backfill, Forget, Forgotten, StartUndo, UndoRun

Key = Annotated[str | None, Header(min_length=1, max_length=200)]


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter(tags=["repairs"])
    store = bridge.store

    def started(which: Writes, *, dry_run: bool, key: str | None) -> Backfill:
        mappings = bridge.connections[known(bridge, which.connection)].mappings
        row = undo.start(store, mappings, which, dry_run=dry_run, key=key)
        bridge.doorbell.ring(which.connection)
        return Backfill.of(row)

    @routes.post("/backfills/{id}/undo", status_code=202)
    def undo_run(id: str, wanted: UndoRun | None = None, idempotency_key: Key = None) -> Backfill:
        """Take back what a run wrote, where it still stands. Answers a run of its own: with `dry_run` it stops at its plan
        (`GET /admin/backfills/{id}/plan`), to be carried out by `POST /admin/undo/{id}/apply`."""
        run = found(store.runs.get(id), "backfill")
        dry_run = wanted is not None and wanted.dry_run
        return started(Writes(run.connection, run_id=run.id), dry_run=dry_run, key=idempotency_key)

    @routes.post("/undo", status_code=202)
    def undo_other(wanted: StartUndo, idempotency_key: Key = None) -> Backfill:
        """Take back what was written to one record (`stream` and `record`), or for one `cause` (in one `stream`)."""
        connection = known(bridge, wanted.connection)
        if (wanted.record is None) == (wanted.cause is None):
            raise UsageError("say what to undo: a record (with its stream) or a cause", status=422)
        which = Writes(connection, cause=wanted.cause, stream=wanted.stream)
        if wanted.record is not None:
            if wanted.stream is None:
                raise UsageError("name the record's stream", status=422)
            which = undo.of_record(store, connection, wanted.stream, *named_record(wanted.record))
        return started(which, dry_run=wanted.dry_run, key=idempotency_key)

    @routes.post("/undo/{id}/apply", status_code=202)
    def apply(id: str) -> Backfill:
        """Carry out a plan that was read, exactly as it is."""
        row = undo.apply(store, id)
        bridge.doorbell.ring(row.connection)
        return Backfill.of(row)

    @routes.post("/connections/{connection}/rebuild", status_code=202)
    def rebuild_links(connection: str, idempotency_key: Key = None) -> Backfill:
        """Find all links again from the join keys in Assembly. Writes nothing to either side; differences become attention."""
        mappings = bridge.connections[known(bridge, connection)].mappings
        row = rebuild.start(store, mappings, connection, key=idempotency_key)
        bridge.doorbell.ring(connection)
        return Backfill.of(row)

    @routes.post("/people/forget")
    def forget_person(wanted: Forget) -> Forgotten:
        """Erase every value of a person from the bridge's database. Their records in both systems stay as they are."""
        done = forget(store, known(bridge, wanted.connection), bridge.terms(wanted.connection), wanted.email)
        records = [f"{each.stream}/{each.side}:{each.record_id}" for each in done.records]
        return Forgotten(records=records, erased=done.erased)

    return routes
