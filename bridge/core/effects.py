"""What a reconcile asks of the world, as values.

``bridge.sync.reconcile`` is a generator that yields these and is sent the answers. In production threads carry them
out (``bridge.runtime.driver``); in the simulation one seeded scheduler interleaves many reconciles and kills between
any two effects. Nothing here does anything.

- ``Read``: ask a remote. Answer: what the connector returns. Raises ``RemoteError`` into the generator.
- ``Commit``: one transaction in the store. Answer: see each operation. Only ``Fenced`` and ``Busy`` tell of failure.
- ``Write``: send one step to a remote, once, under a declared intent. Answer: ``Sent``. Raises ``RemoteError``.
- ``Wait``: let time pass (a read-back after the remote's lag). Answer: ``None``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bridge.core.records import Change, Intent, Json, Lane, Link, LinkState, Ref, Reference, Shadow, Step, Value

# --- Read ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GetRecord:
    """Answer: ``Record | None``."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class FindByKey:
    """Answer: ``Record | None``: the record that carries the join key."""

    system: str
    object: str
    key: str


@dataclass(frozen=True, slots=True)
class FindByValue:
    """Answer: ``tuple[Record, ...]``: candidates, to be compared again."""

    system: str
    object: str
    path: str
    value: str


@dataclass(frozen=True, slots=True)
class ListChildren:
    """Answer: ``tuple[Record, ...]``."""

    system: str
    object: str
    parent: Ref


@dataclass(frozen=True, slots=True)
class ReadTables:
    """Answer: ``Mapping[str, Table]`` of one system."""

    system: str
    fresh: bool = False


Ask: TypeAlias = GetRecord | FindByKey | FindByValue | ListChildren | ReadTables


@dataclass(frozen=True, slots=True)
class Read:
    ask: Ask
    lane: Lane = "live"


# --- Commit ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on one field of one link: carry ``side``'s value, or ``value``, if both sides still hold ``seen``."""

    attention_id: int
    field: str
    side: str | None
    value: Json = None
    seen: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    discard: bool = False
    """Carry nothing: both sides keep what they hold, and that is the base of their next edits."""


@dataclass(frozen=True, slots=True)
class Past:
    """One write of ours, from history: ``field`` went from ``old`` to ``new`` (raw values) on ``side``."""

    side: str
    field: str
    old: Value
    new: Value
    cause: str


@dataclass(frozen=True, slots=True)
class Revert:
    """Take one write back: where ``field`` on ``side`` still holds ``new``, put ``old`` there (raw values)."""

    side: str
    field: str
    new: Json
    old: Json


@dataclass(frozen=True, slots=True)
class Undo:
    """What a person wants taken back of one link: single writes, or with ``created`` (a side) the record that was made there."""

    reverts: tuple[Revert, ...] = ()
    created: str = ""
    written_at: datetime | None = None
    """When the bridge last wrote to what it created there, by its own clock."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A leased change with all that is remembered about its record. Made by the store in one transaction.

    ``token`` is the fencing token of every lease taken for this reconcile. ``link`` is the link that holds the hinted end.
    ``intents`` are those of this link or this change that are open, or so young that a late write may still land.
    ``open_fields`` are fields of the link with an open attention item, by cause. ``lease_until`` and ``now`` are the store's clock.
    """

    change: Change
    token: int
    now: datetime
    lease_until: datetime
    link: Link | None = None
    intents: tuple[Intent, ...] = ()
    decisions: tuple[Decision, ...] = ()
    open_fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    seed: Mapping[str, Mapping[str, Json]] = dataclasses.field(default_factory=dict)
    """Side to raw record, from the listing that planned this item (backfill creates only)."""
    released: frozenset[str] = frozenset()
    """Brake classes that a person released for this change."""
    recent: tuple[Past, ...] = ()
    """The writes to this link within the last hour, oldest first."""
    undo: Undo | None = None
    """What the item that asked for this change wants taken back."""
    trial: bool = False
    """After a pause: everything else waits until this one went well."""


@dataclass(frozen=True, slots=True)
class Extend:
    """Take more leases under the claim's token: the other end, or while unlinked the identity keys.

    Answer: ``Extended`` with the links that hold any of ``refs`` (another stream's links on the same object do not count),
    or ``Busy`` if one key is leased by somebody else (nothing was taken), or ``Fenced``.
    """

    claim: Claim
    keys: frozenset[str]
    ends: frozenset[Reference] = frozenset()


@dataclass(frozen=True, slots=True)
class Resolve:
    """Answer: ``Mapping[Reference, Link]``; a reference without a link is left out."""

    connection: str
    references: frozenset[Reference]


@dataclass(frozen=True, slots=True)
class Siblings:
    """Answer: ``tuple[str, ...]``: at most ``limit`` other record ids on ``side`` that live links of the stream hold: records that
    ought to be there. Used to tell a deleted record from a remote that answers 404 to everything. ``doubted``: causes under
    which a record's own change waits because it may be gone as well; such a record proves nothing."""

    connection: str
    stream: str
    side: str
    besides: str
    limit: int = 3
    doubted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OpenCreates:
    """Answer: ``tuple[Intent, ...]``: creates of this stream on ``side``, by any change, whose outcome is not known, or that
    were given up within the last day. A new record there may be what one of them made."""

    connection: str
    stream: str
    side: str


@dataclass(frozen=True, slots=True)
class Declare:
    """Write down what is about to be sent. Answer: ``Declared``, ``Held``, or ``Fenced``.

    ``classes`` counts the steps by brake class; when the ceiling of one is reached nothing is declared.
    """

    claim: Claim
    side_steps: tuple[tuple[str, Step], ...]
    classes: Mapping[str, int]
    snapshot: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndDraft:
    """What a link's end shall be after the commit."""

    record_id: str
    shadow: Shadow


@dataclass(frozen=True, slots=True)
class LinkDraft:
    """What the link shall be after the commit; ``id`` is ``None`` for a new one. ``version`` is the one that was read."""

    id: int | None
    stream: str
    state: LinkState
    ends: Mapping[str, EndDraft]
    version: int = 0
    pinned: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of history: ``field`` went from ``old`` to ``new`` on ``side``.

    ``cause`` is the verdict (``carried``, ``conflict:newest``, ``created``, ``deleted`` …); ``place`` the mapping line that decided.
    """

    side: str
    field: str
    old: Value
    new: Value
    cause: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something for a person. Unique per (connection, stream, record, field, cause): raising it again updates it.

    ``field`` is empty for the whole record. ``values`` are the two sides' raw values, shown to the person and compared
    when they decide. ``group`` joins notices that one answer may settle.
    """

    cause: str
    detail: str
    field: str = ""
    values: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    group: str = ""
    ways: tuple[str, ...] = ()
    """The answers that are possible: side names, ``value``, ``dismiss``."""


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing left to do. ``result`` counts for the run: ``created``, ``updated``, ``unchanged``, ``bound``, ``deleted`` …"""

    result: str
    side: str = ""
    settle: float = 0.0
    """Seconds until the record is looked at once more, 0 for not at all: what was read may be older than its hint."""


@dataclass(frozen=True, slots=True)
class Again:
    """Look again after ``seconds``. ``counts`` says whether it is a failed attempt."""

    seconds: float
    cause: str
    detail: str = ""
    counts: bool = False
    settle: bool = False
    """The second look after a hint that found nothing."""


@dataclass(frozen=True, slots=True)
class Park:
    """Wait for a person."""

    cause: str
    detail: str


@dataclass(frozen=True, slots=True)
class AwaitParent:
    """Wait until the parent's link is live; the parent's change is enqueued in the same lane."""

    parent: Reference


@dataclass(frozen=True, slots=True)
class Pause:
    """The remote is broken or refuses the key: pause the whole connection, cost this change nothing."""

    cause: str
    detail: str
    seconds: float | None
    """``None``: until a person resumes it."""


Outcome: TypeAlias = Done | Again | Park | AwaitParent | Pause


@dataclass(frozen=True, slots=True)
class Advance:
    """Remember in the middle of a saga: a half-bound link, intents answered. Keeps the leases. Answer: ``Link`` or ``Fenced``."""

    claim: Claim
    link: LinkDraft | None
    intents: Mapping[int, str] = dataclasses.field(default_factory=dict)
    history: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """The last commit of a reconcile. Answer: ``Finished``, or ``Fenced`` if the lease or the link's version moved.

    In one transaction: link and shadows, history, intents' states, notices raised and cleared, decisions used up, the
    change's own state (pending again if its generation moved on), children that waited for it released, leases released.
    """

    claim: Claim
    outcome: Outcome
    link: LinkDraft | None = None
    history: tuple[Entry, ...] = ()
    intents: Mapping[int, str] = dataclasses.field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    keep_notices: frozenset[str] = frozenset()
    """Fields whose open notices stay; those of all other fields of this record are closed."""
    calls: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Remote calls that this reconcile made, by system; filled in by whoever carried its effects out."""
    seen: str = ""
    """A fingerprint of the record, if it has no link: a listing that shows the same record leaves it alone."""
    also: tuple[Reference, ...] = ()
    """Other records to look at (a contact after a membership event, children after a parent's death)."""


Question: TypeAlias = Resolve | Siblings | OpenCreates
"""Operations that only read: they need no place in the queue of commits."""
Operation: TypeAlias = Extend | Declare | Advance | Finish | Question


@dataclass(frozen=True, slots=True)
class Commit:
    operation: Operation


# --- answers to Commit -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Extended:
    links: tuple[Link, ...] = ()
    intents: tuple[Intent, ...] = ()
    decisions: tuple[Decision, ...] = ()
    open_fields: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else holds a key."""


@dataclass(frozen=True, slots=True)
class Fenced:
    """The lease was lost or the link moved on: nothing was committed."""


@dataclass(frozen=True, slots=True)
class Declared:
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """The brake holds these classes; the hold's id is in ``hold_id``."""

    classes: frozenset[str]
    hold_id: int


@dataclass(frozen=True, slots=True)
class Finished:
    link: Link | None = None


# --- Write, Wait -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Write:
    """Send ``step``. The runner refuses (``LeaseLost``) when the claim's remaining lease is shorter than a send may take."""

    claim: Claim
    intent_id: int
    step: Step


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


Effect: TypeAlias = Read | Commit | Write | Wait


def lease_key(ref: Ref) -> str:
    """The lease of one remote object; streams that share the object share the key."""
    return f"{ref.system}/{ref.object}/{ref.id}"
