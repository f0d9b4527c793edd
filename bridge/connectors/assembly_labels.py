"""Assembly's labels as tables of names, in both dialects."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.clients.assembly import LABEL_TYPES, Labels
from bridge.connectors.assembly_steps import SYSTEM
from bridge.core.errors import Rejected
from bridge.core.records import Json, Lane, Sent, Table


def tables(labels: Labels) -> Mapping[str, Table]:
    """``labels.Tier`` and so on; a type without labels is an empty table."""
    names: dict[str, dict[str, str]] = {kind: {} for kind in LABEL_TYPES}
    known = {kind.casefold(): kind for kind in LABEL_TYPES}
    for row in labels.list().value.items:
        kind = known.get(str(row.get("type", "")).casefold())
        if kind is not None and row.get("id"):
            names[kind][str(row["id"])] = str(row.get("name") or "")
    return {f"labels.{kind}": Table(found) for kind, found in names.items()}


def create(labels: Labels, payload: Mapping[str, Json], lane: Lane) -> Sent:
    """Repeating it makes a second label of the name (TRAPS 12): who asks has looked first."""
    kind = str(payload["kind"]).removeprefix("labels.")
    if kind not in LABEL_TYPES:
        raise Rejected(f"Assembly has no labels of type {kind}", system=SYSTEM, operation="POST /accounts/labels")
    reply = labels.create(kind, payload["name"], payload["color"], lane=lane)
    return Sent(reply.value, answered_at=reply.server_date)
