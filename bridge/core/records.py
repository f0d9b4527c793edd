"""The words of the bridge as frozen values.

- **system**: a remote API (``crm``, ``assembly``, ``wavo``). A stream has two *sides*, each a system; a side is
  named by its system, so ``side == "crm"``.
- **record**: one object as a remote API returned it, normalised by its connector only where the API itself
  varies (see ``bridge.connectors``).
- **link**: the ids that are the same thing on both sides, with one **shadow** per side: the raw values of the
  mapped paths last known there.
- **change**: a durable "look at this record again". It carries no data.
- **intent**: what is about to be sent, written down before it is sent.

Three kinds of nothing are kept apart everywhere: ``ABSENT`` (the side did not say), ``None`` (the side says: empty)
and a key that a shadow never had (the field was not mapped then: there is no base).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias


class Absent(enum.Enum):
    """The type of ``ABSENT``."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent.ABSENT
"""The record did not carry this path: the side is silent, which is not the same as empty."""

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict of such."""
Value: TypeAlias = Any
"""A JSON value or ``ABSENT``."""

LinkState: TypeAlias = Literal["half", "live", "suspended", "dead"]
Lane: TypeAlias = Literal["live", "backfill"]
LANES: Final[tuple[Lane, ...]] = ("live", "backfill")
"""The first goes first."""
ChangeState: TypeAlias = Literal["pending", "leased", "waiting", "parked", "done"]


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one remote object: ``Ref("crm", "companies", "497f…")``."""

    system: str
    object: str
    id: str

    def __str__(self) -> str:
        return f"{self.system}:{self.object}:{self.id}"


@dataclass(frozen=True, slots=True)
class Record:
    """One object as read from a remote.

    ``raw`` is the JSON object itself (treat as immutable). ``updated_at`` is the remote's own stamp, ``None`` where it
    gives none. ``read_at`` is the remote's clock when it answered (its Date header), ``None`` if it sent none.
    """

    ref: Ref
    raw: Mapping[str, Json]
    updated_at: datetime | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shadow:
    """What one side of a link was last known to hold.

    ``values`` maps a field's shadow key (its path, or ``expr:…`` for a computed one) to a raw value or ``ABSENT``.
    ``sent`` are the keys whose value we wrote and have not seen come back yet: a first different reading of those may
    be the remote's own spelling. ``version`` is the mapping version the values were taken under. ``own_at`` is a stamp of the remote's
    that our own write may have made: it proves nothing about a person.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    sent: frozenset[str] = frozenset()
    updated_at: datetime | None = None
    version: str = ""
    own_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link: the remote id there and its shadow."""

    side: str
    record_id: str
    shadow: Shadow = Shadow()


@dataclass(frozen=True, slots=True)
class Link:
    """Ids on two sides that are the same thing.

    ``half``: one end exists and the other is being created or keyed (a saga in progress); ``live``: in step;
    ``suspended``: out of scope, not written; ``dead``: one end was deleted, kept so that nothing is created again.
    ``version`` counts commits on the link; the finishing commit compares it.
    """

    id: int
    stream: str
    state: LinkState
    ends: Mapping[str, End]
    version: int = 0
    pinned: Mapping[str, str] = field(default_factory=dict)
    """Field name to reason: fields that are not carried until their next edit (undo) or a person's word (frozen)."""

    def end(self, side: str) -> End | None:
        return self.ends.get(side)


@dataclass(frozen=True, slots=True)
class Change:
    """A durable, coalesced "look at this record again"; unique per (connection, stream, side, record id).

    ``generation`` grows with every new hint, ``attempts`` with every failed try that counts. ``seed`` is the
    id of the backfill item that asked, if one did.
    """

    id: int
    connection: str
    stream: str
    side: str
    record_id: str
    generation: int = 0
    lane: Lane = "live"
    attempts: int = 0
    cause: str = ""
    item: int | None = None
    looked_again: bool = False
    """A hint that found nothing was already looked at a second time (``settle``)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One planned remote call (or a fixed group that the API splits off), as data that survives a crash.

    ``verb`` names the connector's operation (``create``, ``update``, ``delete``, ``stage``, ``membership``,
    ``remove_properties``, ``bind``, ``label`` …). ``values`` maps the paths that this step settles to the raw value that
    is sent. A step after a create has ``record_id=None`` too: the engine fills in the id that the create answered. ``payload`` is the JSON the connector needs to send it. ``calls`` is its price in remote calls.
    """

    system: str
    object: str
    verb: str
    record_id: str | None
    payload: Mapping[str, Json]
    values: Mapping[str, Value] = field(default_factory=dict)
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer to a ``Step``: the id the remote gave (for creates), its stamp if it told one."""

    record_id: str | None = None
    updated_at: datetime | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A step written down before it was sent, and what became of it.

    ``open``: may or may not have been sent; ``answered``: the remote said yes; ``refused``: it said no, nothing applied;
    ``lapsed``: never answered, and looked for without being found.
    """

    id: int
    link_id: int | None
    change_id: int
    side: str
    step: Step
    token: int
    created_at: datetime
    state: Literal["open", "answered", "refused", "lapsed"] = "open"
    snapshot: tuple[str, ...] = ()
    """For creates without a join key: ids of the parent's children seen before the create was sent."""
    answered_at: datetime | None = None


YOUNG: Final = timedelta(seconds=120)
"""How long after its answer an intent is still handed to a reconcile: a slow replica may show what was before it."""


@dataclass(frozen=True, slots=True)
class Patch:
    """What to change on one remote object, in raw remote values, before the connector splits it into steps.

    ``set`` maps a path (``additional_properties.Industry``) to the raw value to write; ``None`` clears. ``bind`` is the join key to add; ``unbind`` one to remove.
    """

    object: str
    record_id: str | None
    set: Mapping[str, Json] = field(default_factory=dict)
    was: Mapping[str, Value] = field(default_factory=dict)
    """The raw value each path in ``set`` holds now, so that lists can be written as additions and removals."""
    bind: str | None = None
    unbind: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Names of referenced things in a system: labels of one type, pipeline stages. Ids to names, in the remote's order."""

    names: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    """A second name to an id (a stage's legacy ``systemKey``)."""

    def ids(self, name: str) -> tuple[str, ...]:
        """Ids that carry this name, ignoring case and surrounding space; an alias counts when no name fits."""
        wanted = name.strip().casefold()
        found = tuple(key for key, label in self.names.items() if label.strip().casefold() == wanted)
        if found:
            return found
        return tuple(key for alias, key in self.aliases.items() if alias.strip().casefold() == wanted)


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A record that another one points at: the parent of a contact, a deal or a note."""

    stream: str
    side: str
    record_id: str


@dataclass(frozen=True, slots=True)
class Lookups:
    """Everything beyond one record that decoding and encoding may need; read once and handed to pure code.

    ``tables`` is keyed by (system, kind): ``("assembly", "labels.Tier")``, ``("crm", "stages")``.
    ``links`` holds the link of every reference that was resolved; a reference that is missing is not linked.
    """

    tables: Mapping[tuple[str, str], Table] = field(default_factory=dict)
    links: Mapping[Reference, Link] = field(default_factory=dict)

    def table(self, system: str, kind: str) -> Table:
        return self.tables.get((system, kind), Table())
