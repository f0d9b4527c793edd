"""Runs (backfills and what else a person starts) and their planned items."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, Connection, func, insert, select, tuple_, update

from bridge.core.errors import UsageError
from bridge.core.ports import Clock
from bridge.core.records import Json
from bridge.store.database import Database
from bridge.store.hinting import put_hints
from bridge.store.items import OPEN_ITEMS, add_to_run, void_items
from bridge.store.paging import decode_cursor, encode_cursor, page_by
from bridge.store.rows import Hint, ItemDraft, ItemRow, Listing, RunRow, RunState
from bridge.store.sql import AnyRow, counted
from bridge.store.tables import changes, run_items, runs

ACTIVE = ("queued", "planning", "applying")


class RunFields(TypedDict, total=False):
    """What ``Runs.update`` may set."""

    state: RunState
    phase: Json
    eta_seconds: int | None
    error: str
    started_at: datetime | None
    finished_at: datetime | None


class Runs:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        connection: str,
        streams: Sequence[str],
        *,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        kind: str = "backfill",
        state: RunState = "queued",
        phase: Json = None,
    ) -> RunRow:
        """A new run, or the one that this key made before. Raises ``UsageError`` (409) while another one is active."""
        with self._database.write() as transaction:
            if idempotency_key is not None:
                same = (runs.c.connection == connection, runs.c.idempotency_key == idempotency_key)
                known = transaction.execute(select(runs).where(*same)).first()
                if known is not None:
                    return _to_run(known)
            busy = _active(transaction, connection, kind)
            if busy is not None and state in ACTIVE:
                raise UsageError(f"the {kind} {busy.id} of {connection} is {busy.state}", status=409)
            values = {
                "id": str(uuid.uuid4()),
                "connection": connection,
                "kind": kind,
                "streams": list(streams),
                "state": state,
                "dry_run": dry_run,
                "counts": {},
                "calls": {},
                "phase": phase,
                "error": "",
                "idempotency_key": idempotency_key,
                "created_at": self._clock.now(),
            }
            transaction.execute(insert(runs), values)
            return _known(transaction, str(values["id"]))

    def get(self, id: str) -> RunRow | None:
        with self._database.read() as transaction:
            row = transaction.execute(select(runs).where(runs.c.id == id)).first()
        return None if row is None else _to_run(row)

    def active(self, connection: str, kind: str = "backfill") -> RunRow | None:
        """The run that is queued, planning or applying."""
        with self._database.read() as transaction:
            row = _active(transaction, connection, kind)
        return None if row is None else _to_run(row)

    def page(
        self,
        *,
        connection: str | None = None,
        kind: str | None = None,
        state: RunState | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Listing[RunRow]:
        wanted = {"connection": connection, "kind": kind, "state": state}
        where: list[ColumnElement[bool]] = [
            runs.c[name] == value for name, value in wanted.items() if value is not None
        ]
        if limit < 1:
            raise UsageError("the limit must be at least 1")
        if cursor is not None:
            at, id = decode_cursor(cursor, str, str)
            where.append(tuple_(runs.c.created_at, runs.c.id) < tuple_(_time(at), id))
        query = select(runs).where(*where).order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit + 1)
        with self._database.read() as transaction:
            rows = transaction.execute(query).all()
        last = rows[limit - 1] if len(rows) > limit else None
        following = None if last is None else encode_cursor(last.created_at.isoformat(), last.id)
        return Listing(tuple(_to_run(row) for row in rows[:limit]), following)

    def update(
        self,
        id: str,
        *,
        counts: Mapping[str, int] | None = None,
        calls: Mapping[str, int] | None = None,
        **fields: Unpack[RunFields],
    ) -> None:
        """Set ``fields``; ``counts`` and ``calls`` are added to what is there."""
        with self._database.write() as transaction:
            if fields:
                transaction.execute(update(runs).where(runs.c.id == id).values(**fields))
            add_to_run(transaction, id, counts=counts, calls=calls)

    def cancel(self, id: str) -> RunRow:
        """Stop a run: what is queued is taken back to planned and its changes give up, unless live work wants them."""
        now = self._clock.now()
        with self._database.write() as transaction:
            run = _known(transaction, id)
            if run.state not in ACTIVE:
                return run
            transaction.execute(update(runs).where(runs.c.id == id).values(state="cancelled", finished_at=now))
            queued = (run_items.c.run_id == id, run_items.c.state == "queued")
            mine = changes.c.item_id.in_(select(run_items.c.id).where(*queued))
            # Leased ones are being worked on: they finish, and their items with them.
            idle = changes.c.state.in_(("pending", "waiting"))
            taken_back = select(changes.c.item_id).where(mine, idle)
            transaction.execute(
                update(run_items).where(*queued, run_items.c.id.in_(taken_back)).values(state="planned")
            )
            stopped = select(run_items.c.id).where(run_items.c.run_id == id, run_items.c.state == "planned")
            transaction.execute(
                update(changes)
                .where(changes.c.item_id.in_(stopped), idle)
                .values(
                    state="done",
                    cause="cancelled",
                    item_id=None,
                    waits_stream=None,
                    waits_side=None,
                    waits_record_id=None,
                    updated_at=now,
                )
            )
            return _known(transaction, id)

    def resume(self, id: str) -> RunRow:
        """Go on with a failed or cancelled run from where it stopped."""
        with self._database.write() as transaction:
            run = _known(transaction, id)
            if run.state not in {"failed", "cancelled"}:
                return run
            busy = _active(transaction, run.connection, run.kind)
            if busy is not None:
                raise UsageError(f"the {run.kind} {busy.id} of {run.connection} is {busy.state}", status=409)
            applying = isinstance(run.phase, Mapping) and "total" in run.phase
            state = "applying" if applying else "planning" if run.started_at else "queued"
            transaction.execute(update(runs).where(runs.c.id == id).values(state=state, finished_at=None, error=""))
            return _known(transaction, id)

    def approve(self, id: str) -> RunRow:
        """Carry out a finished dry run, item by item as it was planned."""
        with self._database.write() as transaction:
            run = _known(transaction, id)
            if run.state != "done" or not run.dry_run:
                raise UsageError("only a finished dry run can be carried out, and only once", status=409)
            busy = _active(transaction, run.connection, run.kind)
            if busy is not None:
                raise UsageError(f"the {run.kind} {busy.id} of {run.connection} is {busy.state}", status=409)
            values = {"state": "applying", "dry_run": False, "finished_at": None}
            transaction.execute(update(runs).where(runs.c.id == id).values(**values))
            return _known(transaction, id)

    # --- items -----------------------------------------------------------------------------------------------

    def add_items(
        self,
        id: str,
        items: Sequence[ItemDraft],
        *,
        counts: Mapping[str, int] | None = None,
        phase: Json = None,
    ) -> None:
        """Append planned items, add to the counts and save the position they were planned at, in one commit."""
        with self._database.write() as transaction:
            last = transaction.execute(select(func.max(run_items.c.seq)).where(run_items.c.run_id == id)).scalar()
            rows = [_item_values(id, seq, item) for seq, item in enumerate(items, (last or 0) + 1)]
            if rows:
                transaction.execute(insert(run_items), rows)
            if phase is not None:
                transaction.execute(update(runs).where(runs.c.id == id).values(phase=phase))
            add_to_run(transaction, id, counts=counts)

    def items_page(
        self,
        id: str,
        *,
        stream: str | None = None,
        state: str | None = None,
        action: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Listing[ItemRow]:
        """In the order they were planned."""
        wanted = {"run_id": id, "stream": stream, "state": state, "action": action}
        where = [run_items.c[name] == value for name, value in wanted.items() if value is not None]
        with self._database.read() as transaction:
            query = select(run_items).where(*where)
            return page_by(transaction, query, run_items.c.id, _to_item, cursor=cursor, limit=limit, newest_first=False)

    def enqueue_items(self, id: str, stream: str, limit: int) -> int:
        """Hand up to ``limit`` planned items to the backfill lane; answers how many."""
        now = self._clock.now()
        with self._database.write() as transaction:
            run = _known(transaction, id)
            rows = transaction.execute(
                select(run_items.c.id, run_items.c.side, run_items.c.record_id)
                .where(run_items.c.run_id == id, run_items.c.stream == stream, run_items.c.state == "planned")
                .order_by(run_items.c.seq)
                .limit(limit)
            ).all()
            if not rows:
                return 0
            transaction.execute(
                update(run_items).where(run_items.c.id.in_([row.id for row in rows])).values(state="queued")
            )
            hints: dict[Hint, int | None] = {Hint(stream, row.side, row.record_id): row.id for row in rows}
            put_hints(transaction, run.connection, hints, lane="backfill", due_at=now, now=now)
            # A record planned twice is looked at once.
            void_items(transaction, {row.id for row in rows} - set(hints.values()))
            return len(rows)

    def open_items(self, id: str, stream: str | None = None) -> dict[str, int]:
        """``planned`` and ``queued`` to how many; zero counts are left out."""
        query = (
            select(run_items.c.state, func.count())
            .where(run_items.c.run_id == id, run_items.c.state.in_(OPEN_ITEMS))
            .group_by(run_items.c.state)
        )
        if stream is not None:
            query = query.where(run_items.c.stream == stream)
        with self._database.read() as transaction:
            return counted(transaction.execute(query))

    def planned_calls(self, id: str) -> int:
        """The price of the whole plan in remote calls."""
        return self._calls(run_items.c.run_id == id)

    def open_calls(self, id: str) -> int:
        """The price of what is still to be done."""
        return self._calls(run_items.c.run_id == id, run_items.c.state.in_(OPEN_ITEMS))

    def _calls(self, *where: ColumnElement[bool]) -> int:
        with self._database.read() as transaction:
            return int(
                transaction.execute(select(func.coalesce(func.sum(run_items.c.calls), 0)).where(*where)).scalar_one()
            )


def _active(transaction: Connection, connection: str, kind: str) -> AnyRow | None:
    where = (runs.c.connection == connection, runs.c.kind == kind, runs.c.state.in_(ACTIVE))
    return transaction.execute(select(runs).where(*where).order_by(runs.c.created_at)).first()


def _known(transaction: Connection, id: str) -> RunRow:
    row = transaction.execute(select(runs).where(runs.c.id == id)).first()
    if row is None:
        raise UsageError(f"there is no run {id}", status=404)
    return _to_run(row)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UsageError("the cursor is not one that this list gave") from None


def _item_values(run_id: str, seq: int, item: ItemDraft) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "stream": item.stream,
        "seq": seq,
        "action": item.action,
        "side": item.side,
        "record_id": item.record_id,
        "left_id": item.left_id,
        "right_id": item.right_id,
        "detail": item.detail,
        "seed": item.seed or None,
        "calls": item.calls,
        "state": item.state,
        "result": item.result,
    }


def _to_run(row: AnyRow) -> RunRow:
    return RunRow(**{**row._mapping, "streams": tuple(row.streams)})


def _to_item(row: AnyRow) -> ItemRow:
    return ItemRow(**{**row._mapping, "seed": row.seed or {}})
