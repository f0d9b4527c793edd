"""What the store's methods take and return beside the core's own values: frozen, with DESIGN §2's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeAlias, TypeVar

from bridge.core.effects import Notice
from bridge.core.records import ChangeState, Json, Lane, LinkState, Reference, Value

T = TypeVar("T")

Mode: TypeAlias = Literal["observing", "live", "paused"]
RunState: TypeAlias = Literal["queued", "planning", "applying", "done", "cancelled", "failed"]
ItemState: TypeAlias = Literal["planned", "queued", "done", "attention", "failed", "voided", "drifted"]
InboxState: TypeAlias = Literal["stored", "unknown", "replayed"]
Received: TypeAlias = Literal["stored", "duplicate"]


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One page of a list. ``next`` is the opaque cursor of the following page, ``None`` on the last one."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    name: str
    mode: Mode
    mode_before: Mode | None
    """What a resume goes back to; only while paused."""
    pause_cause: str
    pause_detail: str
    paused_until: datetime | None
    """``None`` while paused: until a person resumes it."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Hint:
    """This record may have changed."""

    stream: str
    side: str
    record_id: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    id: int
    connection: str
    stream: str
    side: str
    record_id: str
    generation: int
    state: ChangeState
    lane: Lane
    attempts: int
    due_at: datetime
    cause: str
    detail: str
    waits_for: Reference | None
    item: int | None
    looked_again: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes; ``None`` leaves a column open."""

    connection: str | None = None
    stream: str | None = None
    side: str | None = None
    record_id: str | None = None
    state: ChangeState | None = None
    lane: Lane | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """A verified webhook. Without an ``event_id`` no delivery is a duplicate of another."""

    connection: str
    event_id: str | None
    type: str
    object: str
    record_id: str
    body: bytes
    occurred_at: datetime | None = None
    state: InboxState = "stored"


@dataclass(frozen=True, slots=True)
class InboxRow:
    id: int
    connection: str
    event_id: str | None
    type: str
    object: str
    record_id: str
    occurred_at: datetime | None
    received_at: datetime
    body: bytes
    hints: tuple[Hint, ...]
    state: InboxState


@dataclass(frozen=True, slots=True)
class EndRow:
    """One end of a link in a walk over one side's ids, in the order of ``record_id``."""

    record_id: str
    link_id: int
    state: LinkState


@dataclass(frozen=True, slots=True)
class AttentionRow:
    id: int
    connection: str
    stream: str
    side: str
    record_id: str
    link_id: int | None
    change_id: int | None
    field: str
    cause: str
    detail: str
    values: Mapping[str, Value]
    group: str
    ways: tuple[str, ...]
    state: Literal["open", "decided", "closed"]
    decision: Mapping[str, Json] | None
    """``{"way": …, "value": …}`` once decided."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Raised:
    """A notice about a record that no reconcile is at work on."""

    record: Reference
    notice: Notice
    link_id: int | None = None


@dataclass(frozen=True, slots=True)
class AttentionGroup:
    stream: str
    cause: str
    field: str
    group: str
    count: int
    ways: tuple[str, ...]
    """Answers that every item of the group offers."""
    children: int = 0
    """Changes that are parked because they hang on one of the group's records, however deep."""


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A class of changes that the brake stopped."""

    id: int
    connection: str
    stream: str
    klass: str
    state: Literal["held", "released", "discarded", "withdrawn"]
    ceiling: int
    waiting: int
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    id: int
    connection: str
    stream: str
    link_id: int | None
    at: datetime
    side: str
    record_id: str
    field: str
    old: Value
    new: Value
    cause: str
    place: str
    mapping_version: str
    run_id: str | None
    change_id: int | None
    intent_id: int | None


@dataclass(frozen=True, slots=True)
class Writes:
    """Which writes of a connection's history; ``None`` leaves a column open."""

    connection: str
    run_id: str | None = None
    link_id: int | None = None
    cause: str | None = None
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class RunRow:
    id: str
    connection: str
    kind: str
    streams: tuple[str, ...]
    state: RunState
    dry_run: bool
    counts: Mapping[str, int]
    calls: Mapping[str, int]
    phase: Json
    eta_seconds: int | None
    error: str
    idempotency_key: str | None
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """One planned thing of a run. ``side`` and ``record_id`` name the record whose change carries it out."""

    stream: str
    action: str
    side: str
    record_id: str
    left_id: str | None = None
    right_id: str | None = None
    detail: Json = None
    seed: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """Side to raw record, where the listing already read it."""
    calls: int = 0
    state: ItemState = "planned"
    result: str = ""


@dataclass(frozen=True, slots=True)
class ItemRow:
    id: int
    run_id: str
    stream: str
    seq: int
    action: str
    side: str
    record_id: str
    left_id: str | None
    right_id: str | None
    detail: Json
    seed: Mapping[str, Mapping[str, Json]]
    calls: int
    state: ItemState
    result: str


@dataclass(frozen=True, slots=True)
class ScanRow:
    """One row of a full listing, kept while a run compares both sides. ``keys`` are (kind, value) pairs to find it by."""

    record_id: str
    raw: Mapping[str, Json]
    updated_at: datetime | None = None
    keys: frozenset[tuple[str, str]] = frozenset()
    paired: bool = False
