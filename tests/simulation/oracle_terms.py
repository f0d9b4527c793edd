"""The words of the oracle: what it is told of a world's end, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.journal import Event
from tests.simulation.remote import Row


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link as its owner tells it, in neutral words."""

    stream: str
    state: str
    ends: Mapping[str, str]
    pinned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shown:
    """Something shown to a person: an attention item or a parked change. ``field`` is empty for the whole record."""

    stream: str
    side: str
    id: str
    field: str
    cause: str


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One line of a plan that a person read: the ids it knows by side, and what is to be written; ``None`` if that is decided later."""

    stream: str
    ends: Mapping[str, str]
    writes: Mapping[tuple[str, str], Any] | None
    """(side, path) → the value to be sent."""


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan that was read at ``since`` and carried out until ``until`` while nobody edited anything."""

    since: float
    until: float
    items: Sequence[PlannedItem]
    links: Sequence[LinkView]
    shown: Sequence[Shown]
    unanswered: frozenset[tuple[str, str, str]] = frozenset()
    """(stream, side, id) of records with a write that nobody answered: only a look at them tells what became of it."""
    overtaken: frozenset[tuple[str, str, str]] = frozenset()
    """(stream, side, id) of records that a live change was to be looked at for anyway: it voids what was planned."""
    drifted: int = 0
    """Items that came out otherwise than planned, by the bridge's own count."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild from the join keys alone, after the database was lost, came to."""

    links: Sequence[LinkView]
    shown: Sequence[Shown]
    writes: int


@dataclass(frozen=True, slots=True)
class Final:
    """The end of a world."""

    rows: Mapping[str, Mapping[tuple[str, str], Row]]
    """Side → (object, id) → row."""
    links: Sequence[LinkView]
    shown: Sequence[Shown]
    names: Mapping[tuple[str, str], Mapping[str, Sequence[str]]]
    """(side, kind) → id → every name it ever had: a rename moves no record."""
    cut: int | None = None
    hidden: frozenset[tuple[str, str]] = frozenset()
    """(side, path) of values that a side never shows: they flow only towards it."""
    skews: Mapping[str, float] = field(default_factory=dict)
    """Side → seconds its clock runs ahead."""
    doubts: Mapping[str, float] = field(default_factory=dict)
    """Side → by how many seconds one who only sees its answers may misjudge a stamp."""
    ceilings: Mapping[str, int] = field(default_factory=dict)
    """Class of writes → how many an hour may bring before a person is asked."""
    remembered: frozenset[str] = frozenset()
    """Addresses of forgotten people that the bridge still holds, though no other record has them."""
    clears_ignored: bool = False
    """Assembly takes ``null`` for "not given"."""
    plans: Sequence[PlanView] = ()
    rebuilt: Rebuilt | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"


@dataclass(frozen=True, slots=True)
class Write:
    """A user's write of one field: what it meant, where and when."""

    at: float
    side: str
    value: Any
    blind: bool = False
    """It fell between the bridge's last look and its write: the documented residual."""
    answer: bool = False
    """A person's answer to a question about the field: it knows of all that was written before."""


@dataclass(slots=True)
class Pair:
    """One link with everything that happened to its two records."""

    link: LinkView
    events: list[Event] = field(default_factory=list)
    bound: float | None = None
    """When both ends were first remembered together."""

    @property
    def remembered(self) -> list[float]:
        return [event.at for event in self.events if event.kind == "remembered" and event.note != "open"]
