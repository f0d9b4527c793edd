"""Attention: what waits for a person, and their answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bridge.core.effects import Decision
from bridge.core.errors import UsageError
from bridge.core.ports import Clock
from bridge.core.records import ABSENT, Json, Reference, Value
from bridge.store import holds
from bridge.store.database import Database
from bridge.store.hinting import put_hints
from bridge.store.paging import page_by
from bridge.store.remembered import decisions
from bridge.store.rows import AttentionGroup, AttentionRow, Hint, Listing, Raised
from bridge.store.sql import AnyRow, chunks
from bridge.store.tables import attention
from bridge.store.waiting import parked_children

_HOLD_WAYS = {"release": holds.release, "discard": holds.discard}
_CLOSING = {"dismiss", "retry", *_HOLD_WAYS}


class Attention:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def page(
        self,
        *,
        connection: str | None = None,
        stream: str | None = None,
        side: str | None = None,
        record_id: str | None = None,
        state: str | None = "open",
        cause: str | None = None,
        field: str | None = None,
        group: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Listing[AttentionRow]:
        """Newest first; ``state=None`` for all of them."""
        wanted = {
            "connection": connection,
            "stream": stream,
            "side": side,
            "record_id": record_id,
            "state": state,
            "cause": cause,
            "field": field,
            "group_key": group,
        }
        where = [attention.c[name] == value for name, value in wanted.items() if value is not None]
        with self._database.read() as transaction:
            query = select(attention).where(*where)
            return page_by(transaction, query, attention.c.id, to_row, cursor=cursor, limit=limit)

    def get(self, id: int) -> AttentionRow | None:
        with self._database.read() as transaction:
            row = transaction.execute(select(attention).where(attention.c.id == id)).first()
        return None if row is None else to_row(row)

    def asked(self, links: Collection[int]) -> dict[int, dict[str, Mapping[str, Value]]]:
        """Link to field to both sides' values, of the open questions about single fields."""
        found: dict[int, dict[str, Mapping[str, Value]]] = {}
        columns = (attention.c.link_id, attention.c.field, attention.c["values"])
        with self._database.read() as transaction:
            for chunk in chunks(links):
                query = select(*columns).where(
                    attention.c.link_id.in_(chunk), attention.c.state == "open", attention.c.field != ""
                )
                for link, field, values in transaction.execute(query):
                    found.setdefault(link, {})[field] = values
        return found

    def decided(self, links: Collection[int]) -> dict[int, tuple[Decision, ...]]:
        """Link to the answers about its fields that wait to be carried out."""
        rows: dict[int, list[AnyRow]] = defaultdict(list)
        with self._database.read() as transaction:
            for chunk in chunks(links):
                query = select(attention).where(attention.c.link_id.in_(chunk), attention.c.state == "decided")
                for row in transaction.execute(query):
                    rows[row.link_id].append(row)
        return {link: decisions(answers) for link, answers in rows.items()}

    def groups(self, connection: str) -> tuple[AttentionGroup, ...]:
        """Open items counted by stream, cause, field and group, the largest first, each with the children that wait for it."""
        query = select(
            attention.c.stream,
            attention.c.cause,
            attention.c.field,
            attention.c.group_key,
            attention.c.ways,
            attention.c.side,
            attention.c.record_id,
        ).where(attention.c.connection == connection, attention.c.state == "open")
        counts: dict[tuple[str, str, str, str], int] = {}
        ways: dict[tuple[str, str, str, str], dict[str, None]] = {}
        children: dict[tuple[str, str, str, str], int] = {}
        with self._database.read() as transaction:
            waiting = parked_children(transaction, connection)
            for stream, cause, field, group, offered, side, record_id in transaction.execute(query):
                key = (stream, cause, field, group)
                counts[key] = counts.get(key, 0) + 1
                # A record with several questions has its children once, with the first.
                children[key] = children.get(key, 0) + waiting.pop(Reference(stream, side, record_id), 0)
                kept = ways.setdefault(key, dict.fromkeys(offered))
                ways[key] = {way: None for way in kept if way in offered}
        ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
        return tuple(AttentionGroup(*key, count, tuple(ways[key]), children[key]) for key, count in ranked)

    def decide_group(self, connection: str, group: str, decision: Mapping[str, Json]) -> int:
        """Give every open item of a group the same answer; answers how many took it.

        Those whose values moved on meanwhile stay open. Raises ``UsageError`` (422) for an answer that one of them does not offer.
        """
        if not group:
            raise UsageError("these items have no group: answer them one by one", status=422)
        count, cursor = 0, None
        while True:
            listing = self.page(connection=connection, group=group, cursor=cursor, limit=500)
            for row in listing.items:
                try:
                    self.decide(row.id, decision, row.values)
                    count += 1
                except UsageError as refused:
                    if refused.status != 409:
                        raise
            if (cursor := listing.next) is None:
                return count

    def raise_all(self, connection: str, raised: Sequence[Raised]) -> None:
        """Ask a person; what is open about the same record, field and cause already is brought up to date."""
        now = self._clock.now()
        with self._database.write() as transaction:
            for each in raised:
                _put(transaction, connection, each, now)

    def decide(self, id: int, decision: Mapping[str, Json], seen: Mapping[str, Value] | None = None) -> AttentionRow:
        """Note a person's answer, ``{"way": …, "value": …}``, and look at the record again in the live lane.

        ``dismiss`` closes the item instead, ``retry`` closes it and looks again, ``release`` and ``discard`` answer the
        holds that the record waits for. Raises ``UsageError``: 404 unknown, 409 settled meanwhile or the values are not
        ``seen`` any more, 422 not one of the item's ways.
        """
        now = self._clock.now()
        with self._database.write() as transaction:
            row = _known(transaction, id)
            way = decision.get("way")
            if row.state == "closed":
                raise UsageError("this was settled meanwhile", status=409)
            if seen is not None and _said(seen) != _said(row.values):
                raise UsageError("the values have changed since they were looked at", status=409)
            if way not in row.ways:
                raise UsageError(f"it can be answered with: {', '.join(row.ways) or 'nothing'}", status=422)
            answer = {"way": way, "value": decision.get("value")}
            state = "decided" if way not in _CLOSING or (way == "discard" and row.field) else "closed"
            transaction.execute(
                update(attention).where(attention.c.id == id).values(state=state, decision=answer, updated_at=now)
            )
            if way in _HOLD_WAYS and row.change_id is not None:
                for hold in holds.held_of(transaction, row.change_id, row.cause):
                    _HOLD_WAYS[way](transaction, hold, now)
            if way not in {"dismiss", "discard"}:
                hint = Hint(row.stream, row.side, row.record_id)
                put_hints(transaction, row.connection, {hint: None}, lane="live", due_at=now, now=now)
            return _known(transaction, id)

    def counts(self, connection: str) -> dict[str, int]:
        """Cause to how many open items."""
        counts: dict[str, int] = {}
        for group in self.groups(connection):
            counts[group.cause] = counts.get(group.cause, 0) + group.count
        return counts


def _put(transaction: Connection, connection: str, raised: Raised, now: datetime) -> None:
    record, notice = raised.record, raised.notice
    own = {
        "connection": connection,
        "stream": record.stream,
        "side": record.side,
        "record_id": record.record_id,
        "field": notice.field,
        "cause": notice.cause,
    }
    values = {
        "detail": notice.detail,
        "values": dict(notice.values),
        "group_key": notice.group,
        "ways": list(notice.ways),
        "link_id": raised.link_id,
        "updated_at": now,
    }
    same = [attention.c[name] == value for name, value in own.items()]
    known = transaction.execute(
        select(attention.c.id, attention.c.state, attention.c["values"]).where(*same, attention.c.state != "closed")
    ).first()
    if known is not None and known.state == "open" and known._mapping["values"] != values["values"]:
        # Another question, with an id of its own: see ``noticing``.
        transaction.execute(update(attention).where(attention.c.id == known.id).values(state="closed", updated_at=now))
        known = None
    if known is None:
        transaction.execute(insert(attention).values(**own, **values, state="open", created_at=now))
    elif known.state == "open":
        # A decided one waits to be carried out: the answer stands.
        transaction.execute(update(attention).where(attention.c.id == known.id).values(**values))


def _known(transaction: Connection, id: int) -> AttentionRow:
    row = transaction.execute(select(attention).where(attention.c.id == id)).first()
    if row is None:
        raise UsageError(f"there is no attention item {id}", status=404)
    return to_row(row)


def _said(values: Mapping[str, Value]) -> dict[str, Json]:
    """Without the silent keys: JSON, in which a person's ``seen`` arrives, has no word for them."""
    return {key: value for key, value in values.items() if value is not ABSENT}


def to_row(row: AnyRow) -> AttentionRow:
    return AttentionRow(
        id=row.id,
        connection=row.connection,
        stream=row.stream,
        side=row.side,
        record_id=row.record_id,
        link_id=row.link_id,
        change_id=row.change_id,
        field=row.field,
        cause=row.cause,
        detail=row.detail,
        values=row._mapping["values"],
        group=row.group_key,
        ways=tuple(row.ways),
        state=row.state,
        decision=row.decision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
