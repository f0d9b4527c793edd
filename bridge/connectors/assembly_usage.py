"""Activities as usage logs: no idempotency key (TRAPS 16), so each log carries its own in its metadata and is looked for first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.connectors.assembly_steps import SYSTEM
from bridge.connectors.raw import body_of, moment
from bridge.core.errors import NotThere, ParentNotThere, Rejected
from bridge.core.records import Json, Patch, Sent, Step
from bridge.transport import Raw, Reply, Rows

KEY = "source_specific_id"
"""The name of the join key in a log's metadata."""
ON = "on"
"""The path that names the account or contact (its Assembly id) a log is stored under; it is no attribute of the log."""


@dataclass(frozen=True, slots=True)
class Logs:
    """The three operations a dialect offers, on one account or contact."""

    pages: Callable[[], Iterator[Rows[Raw]]]
    add: Callable[[dict[str, Any]], Reply[str]]
    update: Callable[[str, Mapping[str, Json]], Reply[str]]


def create_step(patch: Patch) -> Step:
    """Not an upsert: after a lost answer a log is only looked for once it must have become visible."""
    body = body_of({path: value for path, value in patch.set.items() if value is not None})
    missing = [name for name in (ON, "timestamp", "content") if body.get(name) in (None, "")]
    if missing or patch.bind is None:
        raise Rejected(
            f"a usage log needs {' and '.join(missing or ['a join key'])}", system=SYSTEM, operation="create"
        )
    on = body.pop(ON)
    body["metadata"] = {**body.get("metadata", {}), KEY: patch.bind}
    body.setdefault("type", "Action")
    return Step(SYSTEM, "usage", "create", None, {"body": body, "key": patch.bind, "on": on}, dict(patch.set), 2)


def put(logs: Logs, key: str, body: dict[str, Any]) -> Sent:
    """Add the log, or bring the one with this key up to date."""
    try:
        found = _find(logs.pages(), key, body)
        if found is None:
            reply = logs.add(body)
            return Sent(reply.value, answered_at=reply.server_date)
        changed = {name: value for name, value in body.items() if found.get(name) != value}
        if changed:
            logs.update(str(found["id"]), changed)
        return Sent(str(found["id"]))
    except NotThere as error:
        raise ParentNotThere(str(error), system=SYSTEM, operation=error.operation, status=error.status) from None


def _find(pages: Iterable[Rows[Raw]], key: str, body: Mapping[str, Json]) -> Raw | None:
    """Logs come newest first, so those older than this one's own time need not be read."""
    at = moment(body.get("timestamp"))
    for rows in pages:
        for row in rows.items:
            metadata = row.get("metadata")
            if isinstance(metadata, dict) and metadata.get(KEY) == key:
                return row
        oldest = moment(rows.items[-1].get("timestamp")) if rows.items else None
        if at is not None and oldest is not None and oldest < at:
            return None
    return None
