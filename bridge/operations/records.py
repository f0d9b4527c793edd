"""One record, both sides, and why: what ``record show`` and the console print."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bridge.core.errors import ParentNotLinked, RemoteError, UsageError
from bridge.core.mapping.model import Stream
from bridge.core.plan import FieldPlan, Plan, Situation, plan_create, plan_update, references
from bridge.core.records import ABSENT, Link, Lookups, Record, Ref, Reference, Value
from bridge.store import Hint, Store
from bridge.sync.terms import Terms


def show(store: Store, connection: str, terms: Terms, stream_name: str, side: str, record_id: str) -> dict[str, Any]:
    """Both sides as they are now, the shadows, each field's verdict with the mapping line that decided, history and what waits.

    Reads both records, writes nothing. Raises ``UsageError`` for a stream or side that does not exist or a record nobody knows.
    """
    stream = _stream(terms, stream_name, side)
    link = store.links.by_end(connection, stream.name, side, [record_id]).get(record_id)
    ids = {name: end.record_id for name, end in link.ends.items()} if link else {side: record_id}
    records, problems = _read(terms, stream, ids)
    if link is None and records.get(side) is None and not problems:
        raise UsageError(f"{side} has no {stream.object(side)} record {record_id}, and it was never linked", status=404)
    plan, question = _plan(store, connection, terms, stream, link, records)
    change = store.changes.of_record(connection, stream.name, side, record_id)
    return {
        "connection": connection,
        "stream": stream.name,
        "mapping_version": stream.version,
        "link": None
        if link is None
        else {"id": link.id, "state": link.state, "version": link.version, "pinned": dict(link.pinned)},
        "sides": {
            name: {
                "id": ids.get(name),
                "record": None if (record := records.get(name)) is None else dict(record.raw),
                "updated_at": None if record is None or record.updated_at is None else record.updated_at.isoformat(),
                "problem": problems.get(name),
            }
            for name in stream.sides
        },
        "fields": [_field(stream, item, link, records) for item in plan.fields] if plan else [],
        "question": question,
        "change": None
        if change is None
        else {"id": change.id, "state": change.state, "cause": change.cause, "detail": change.detail},
        "history": _history(store, connection, stream, side, record_id, link),
    }


def sync(store: Store, connection: str, terms: Terms, stream_name: str, side: str, record_id: str) -> None:
    """Look at the record again, now."""
    stream = _stream(terms, stream_name, side)
    store.changes.hint(connection, [Hint(stream.name, side, record_id)])


def _stream(terms: Terms, name: str, side: str) -> Stream:
    if name not in terms.mappings:
        known = ", ".join(stream.name for stream in terms.mappings.streams)
        raise UsageError(f"there is no stream called {name}; there are {known}", status=404)
    stream = terms.mappings[name]
    if side not in stream.sides:
        raise UsageError(f"the sides of {name} are {' and '.join(stream.sides)}, not {side}", status=404)
    return stream


def _read(terms: Terms, stream: Stream, ids: dict[str, str]) -> tuple[dict[str, Record | None], dict[str, str]]:
    records: dict[str, Record | None] = dict.fromkeys(stream.sides)
    problems: dict[str, str] = {}
    for side, record_id in ids.items():
        if not terms.traits(side, stream.object(side)).readable:
            problems[side] = "this kind of record cannot be read back"
            continue
        try:
            records[side] = terms.connectors[side].get(Ref(side, stream.object(side), record_id))
        except RemoteError as error:
            problems[side] = str(error)
    return records, problems


def _plan(
    store: Store, connection: str, terms: Terms, stream: Stream, link: Link | None, records: dict[str, Record | None]
) -> tuple[Plan | None, str | None]:
    present = [record for record in records.values() if record is not None]
    if not present:
        return None, None
    try:
        tables = {
            (side, kind): table for side in stream.sides for kind, table in terms.connectors[side].tables().items()
        }
        lookups = Lookups(tables, store.links.resolve(connection, references(stream, present)))
        if link is None:
            return plan_create(stream, present[0], lookups, identity=present[0].ref.id), None
        margin = timedelta(seconds=terms.timings.margin)
        return plan_update(stream, Situation(link, records, offsets=terms.offsets(), margin=margin), lookups), None
    except ParentNotLinked as missing:
        return None, str(missing)
    except RemoteError as error:
        return None, str(error)


def _field(stream: Stream, item: FieldPlan, link: Link | None, records: dict[str, Record | None]) -> dict[str, Any]:
    sides: dict[str, Any] = {}
    for side in stream.sides:
        if not item.rule.has(side):
            continue
        record = records.get(side)
        now: Value = ABSENT if record is None else item.rule.observe(side, record.raw)
        end = link.end(side) if link else None
        shadow = end.shadow.values.get(item.rule.key(side), ABSENT) if end else ABSENT
        sides[side] = {name: value for name, value in (("now", now), ("shadow", shadow)) if value is not ABSENT}
    return {
        "field": item.rule.name,
        "place": item.rule.place,
        "sides": sides,
        "verdict": item.verdict.cause,
        "detail": item.verdict.detail,
        "writes": dict(item.raw),
    }


def _history(
    store: Store, connection: str, stream: Stream, side: str, record_id: str, link: Link | None
) -> list[dict[str, Any]]:
    page = store.history.page(
        connection,
        stream.name,
        link_id=link.id if link else None,
        record=Reference(stream.name, side, record_id),
    )
    return [
        {
            "at": row.at.isoformat(),
            "side": row.side,
            "field": row.field,
            "old": None if row.old is ABSENT else row.old,
            "new": None if row.new is ABSENT else row.new,
            "cause": row.cause,
            "place": row.place,
            "run_id": row.run_id,
            "mapping_version": row.mapping_version,
        }
        for row in page.items
    ]
