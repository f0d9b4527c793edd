"""What the admin API says and takes: the contract's names (DESIGN §11), and what joined them since.

Values of records keep *absent* apart from ``null``: an absent value's key is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge.core.records import ABSENT, ChangeState, Json, Value
from bridge.store.rows import (
    AttentionGroup,
    AttentionRow,
    ChangeRow,
    ConnectionRow,
    HistoryRow,
    HoldRow,
    InboxRow,
    ItemRow,
    Listing,
    RunRow,
)

T = TypeVar("T")
R = TypeVar("R")


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Question(BaseModel):
    """A request body; a name that does not exist is refused rather than ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Answer, Generic[T]):
    items: list[T]
    next: str | None = Field(description="cursor of the following page; null on the last one")


def page(listing: Listing[R], make: Callable[[R], T]) -> Page[T]:
    return Page(items=[make(row) for row in listing.items], next=listing.next)


def present(values: Mapping[str, Value]) -> dict[str, Json]:
    return {key: value for key, value in values.items() if value is not ABSENT}


class Backfill(Answer):
    id: str
    kind: str = Field(description="backfill, undo or rebuild")
    connection: str
    streams: list[str]
    state: str = Field(description="queued, planning, applying, done, cancelled or failed")
    dry_run: bool
    counts: dict[str, int] = Field(description="created, updated, unchanged, attention, failed, drifted")
    calls: dict[str, int] = Field(description="by system")
    eta_seconds: int | None
    started_at: datetime | None
    finished_at: datetime | None
    error: str
    created_at: datetime
    mappings: dict[str, str] = Field(description="the mapping version that each stream was planned under")

    @classmethod
    def of(cls, row: RunRow) -> Backfill:
        names = ("created", "updated", "unchanged", "attention", "failed", "drifted")
        return cls(
            id=row.id,
            kind=row.kind,
            connection=row.connection,
            streams=list(row.streams),
            state=row.state,
            dry_run=row.dry_run,
            counts={**dict.fromkeys(names, 0), **row.counts},
            calls={"crm": 0, "assembly": 0, **row.calls},
            eta_seconds=row.eta_seconds,
            started_at=row.started_at,
            finished_at=row.finished_at,
            error=row.error,
            created_at=row.created_at,
            mappings=(row.phase or {}).get("mappings", {}),
        )


class StartBackfill(Question):
    connection: str
    streams: list[str] | None = None
    dry_run: bool = False


class UndoRun(Question):
    dry_run: bool = False


class StartUndo(Question):
    """``record`` (``crm:ID`` or ``assembly:ID``, with its ``stream``) or ``cause`` (as history names it)."""

    connection: str
    stream: str | None = None
    record: str | None = None
    cause: str | None = None
    dry_run: bool = False


class Forget(Question):
    connection: str
    email: str = Field(max_length=320)


class Forgotten(Answer):
    records: list[str] = Field(description="stream/side:id of what was theirs; ids stay, as dead links")
    erased: dict[str, int] = Field(description="rows by table")


class Connection(Answer):
    name: str
    mode: str = Field(description="observing, live or paused")
    pause_cause: str
    pause_detail: str
    paused_until: datetime | None
    created_at: datetime
    changes: dict[str, int] = Field(description="by state")

    @classmethod
    def of(cls, row: ConnectionRow, changes: Mapping[str, int]) -> Connection:
        return cls(
            name=row.name,
            mode=row.mode,
            pause_cause=row.pause_cause,
            pause_detail=row.pause_detail,
            paused_until=row.paused_until,
            created_at=row.created_at,
            changes=dict(changes),
        )


class Change(Answer):
    id: int
    connection: str
    stream: str
    side: str
    record_id: str
    state: ChangeState
    cause: str
    detail: str
    attempts: int
    due_at: datetime
    lane: str
    generation: int
    waits_for: str | None = Field(description="stream/side:id of the record it waits for")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: ChangeRow) -> Change:
        parent = row.waits_for
        return cls(
            id=row.id,
            connection=row.connection,
            stream=row.stream,
            side=row.side,
            record_id=row.record_id,
            state=row.state,
            cause=row.cause,
            detail=row.detail,
            attempts=row.attempts,
            due_at=row.due_at,
            lane=row.lane,
            generation=row.generation,
            waits_for=f"{parent.stream}/{parent.side}:{parent.record_id}" if parent else None,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class SelectChanges(Question):
    """By ids, or every change that fits the other names."""

    ids: list[int] | None = None
    connection: str | None = None
    stream: str | None = None
    side: str | None = None
    record_id: str | None = None
    state: ChangeState | None = None
    cause: str | None = None


class Count(Answer):
    count: int


class Event(Answer):
    """A received webhook. Its body stays in the database: it may hold personal data."""

    id: int
    connection: str
    event_id: str | None
    type: str
    object: str
    record_id: str
    state: str
    occurred_at: datetime | None
    received_at: datetime
    hints: list[str] = Field(description="stream/side:id of every record it hinted at")

    @classmethod
    def of(cls, row: InboxRow) -> Event:
        return cls(
            id=row.id,
            connection=row.connection,
            event_id=row.event_id,
            type=row.type,
            object=row.object,
            record_id=row.record_id,
            state=row.state,
            occurred_at=row.occurred_at,
            received_at=row.received_at,
            hints=[f"{hint.stream}/{hint.side}:{hint.record_id}" for hint in row.hints],
        )


class Attention(Answer):
    id: int
    connection: str
    stream: str
    side: str
    record_id: str
    state: ChangeState = Field(description="parked: waits for a person; pending: decided; done: settled")
    cause: str
    detail: str
    attempts: int
    due_at: datetime | None
    field: str = Field(description="empty for the whole record")
    values: dict[str, Json] = Field(description="what each side holds")
    group: str = Field(description="items that one answer may settle share it")
    ways: list[str] = Field(description="the answers that are possible")
    decision: dict[str, Json] | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: AttentionRow, change: ChangeRow | None) -> Attention:
        states: dict[str, ChangeState] = {"open": "parked", "decided": "pending", "closed": "done"}
        return cls(
            id=row.id,
            connection=row.connection,
            stream=row.stream,
            side=row.side,
            record_id=row.record_id,
            state=states[row.state],
            cause=row.cause,
            detail=row.detail,
            attempts=change.attempts if change else 0,
            due_at=change.due_at if change else None,
            field=row.field,
            values=present(row.values),
            group=row.group,
            ways=list(row.ways),
            decision=dict(row.decision) if row.decision is not None else None,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class Word(Question):
    """A person's answer. ``value`` belongs to the way ``value`` and has to be there, also if it is null: nothing is emptied
    because somebody left it out."""

    way: str
    value: Json = None

    @model_validator(mode="after")
    def _has_its_value(self) -> Self:
        if (self.way == "value") != ("value" in self.model_fields_set):
            raise ValueError("the answer `value` needs a value, and no other answer takes one")
        return self


class Resolve(Word):
    """``seen``: the values the person looked at; if they are not the item's any more, the answer is 409."""

    seen: dict[str, Json] | None = None


class ResolveGroup(Word):
    connection: str
    group: str


class Hold(Answer):
    id: int
    connection: str
    stream: str
    klass: str = Field(serialization_alias="class")
    state: Literal["held", "released", "discarded", "withdrawn"]
    ceiling: int = Field(description="changes an hour that pass without asking")
    waiting: int
    created_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, row: HoldRow) -> Hold:
        return cls(
            id=row.id,
            connection=row.connection,
            stream=row.stream,
            klass=row.klass,
            state=row.state,
            ceiling=row.ceiling,
            waiting=row.waiting,
            created_at=row.created_at,
            decided_at=row.decided_at,
        )


def history(row: HistoryRow) -> dict[str, Any]:
    return {
        "at": row.at,
        "side": row.side,
        "record_id": row.record_id,
        "field": row.field,
        **present({"old": row.old, "new": row.new}),
        "cause": row.cause,
        "place": row.place,
        "run_id": row.run_id,
    }


class AttentionCause(Answer):
    stream: str
    cause: str
    field: str
    group: str
    count: int
    children: int = Field(description="records that wait for one of these: contacts, deals and notes of a company")
    ways: list[str]

    @classmethod
    def of(cls, row: AttentionGroup) -> AttentionCause:
        return cls(
            stream=row.stream,
            cause=row.cause,
            field=row.field,
            group=row.group,
            count=row.count,
            children=row.children,
            ways=list(row.ways),
        )


class PlanItem(Answer):
    stream: str
    action: str
    side: str
    record_id: str
    state: str
    result: str
    calls: int
    detail: Json

    @classmethod
    def of(cls, row: ItemRow) -> PlanItem:
        return cls(
            stream=row.stream,
            action=row.action,
            side=row.side,
            record_id=row.record_id,
            state=row.state,
            result=row.result,
            calls=row.calls,
            detail=row.detail,
        )


class Looked(Answer):
    connection: str
    stream: str
    side: str
    record_id: str


class MistakeShown(Answer):
    file: str
    line: int
    column: int
    message: str
    hint: str
    severity: str


class StreamShown(Answer):
    name: str
    version: str
    objects: dict[str, str] = Field(description="side to the object there")
    fields: list[str]


class InForce(Answer):
    connection: str
    streams: list[StreamShown]
    warnings: list[MistakeShown]
    problem: str | None = Field(description="why a newer edit of the files is not in force")


class CheckMappings(Question):
    connection: str
    files: dict[str, str] = Field(description="file name to YAML text", max_length=100)


class PreviewMapping(CheckMappings):
    stream: str
    record: str = Field(description="crm:ID or assembly:ID")


class Reload(Question):
    connection: str


class Verdict(Answer):
    valid: bool
    mistakes: list[MistakeShown] = Field(description="errors, or the warnings of valid files")
