"""What happened in a simulated world, in neutral words: the only thing that the oracle reads.

Times are virtual seconds since the world began. Nothing here knows the bridge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "create",  # a user made a record; ``values`` are its raw values
    "edit",  # a user (or an automation, ``note``) set ``values``
    "delete",  # a user removed the record
    "merge",  # a user merged the record into ``note``
    "landing",  # a write of the bridge took effect; ``values`` as sent, ``seen`` when what it was based on was true
    "removal",  # a delete of the bridge took effect
    "refused",  # a remote refused a write of the bridge; ``id`` is empty for a create
    "turned away",  # a write of the bridge did not get in: too many, a failure, a system that is down
    "unanswered",  # a write of the bridge got no answer, whatever became of it
    "remembered",  # the bridge committed a link; ``values`` maps side to id
    "mapping",  # a person put another mapping in force
    "resolved",  # a person answered an attention item
    "forgotten",  # a person was erased: their address, or one record of theirs
    "kill",
    "fault",
    "hint",
    "quiet",  # nothing was in flight, due or unseen
    "effect",  # one step of one reconcile (trace only)
    "note",
]


@dataclass(frozen=True, slots=True)
class Event:
    at: float
    kind: Kind
    side: str = ""
    object: str = ""
    id: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    seen: float | None = None
    by: str = ""
    note: str = ""

    def __str__(self) -> str:
        where = ":".join(part for part in (self.side, self.object, self.id) if part)
        parts = [f"{self.at:10.3f}", f"{self.kind:<10}", where]
        if self.values:
            parts.append(" ".join(f"{key}={value!r}" for key, value in self.values.items()))
        if self.by:
            parts.append(f"by {self.by}")
        if self.note:
            parts.append(self.note)
        return " ".join(parts)


class Journal:
    """Append-only list of events in the order they happened."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        self.events.append(event)

    def of(self, *kinds: Kind) -> list[Event]:
        return [event for event in self.events if event.kind in kinds]

    def count(self, *kinds: Kind) -> int:
        return sum(event.kind in kinds for event in self.events)
