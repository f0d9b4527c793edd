"""Stores for tests: a clock to turn by hand, a brake to set, and short ways to say what a reconcile commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bridge.core.effects import (
    Claim,
    Declare,
    Declared,
    Done,
    EndDraft,
    Entry,
    Finish,
    LinkDraft,
    Notice,
    Operation,
    Outcome,
)
from bridge.core.records import Link, LinkState, Reference, Shadow, Step
from bridge.store import Hint, Store

A = TypeVar("A")

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OBJECTS = {
    ("companies", "crm"): "companies",
    ("companies", "assembly"): "accounts",
    ("contacts", "crm"): "contacts",
    ("contacts", "assembly"): "contacts",
    ("deals", "crm"): "leads",
    ("deals", "assembly"): "deals",
    ("leads", "crm"): "leads",
    ("leads", "assembly"): "prospects",
}


@dataclass
class HandClock:
    """Stands still until it is told."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    def pass_(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class SetBrake:
    """Ceilings by class, plus ``each`` for every live link; a class that is not set has no ceiling."""

    ceilings: dict[str, int] = field(default_factory=dict)
    each: int = 0

    def ceiling(self, klass: str, live_links: int) -> int | None:
        return self.ceilings[klass] + self.each * live_links if klass in self.ceilings else None


def company(id: str) -> Hint:
    return Hint("companies", "crm", id)


def contact(id: str) -> Hint:
    return Hint("contacts", "crm", id)


def ref(hint: Hint) -> Reference:
    return Reference(hint.stream, hint.side, hint.record_id)


def shadow(**values: Any) -> Shadow:
    return Shadow(values=values, updated_at=START, version="v1")


def draft(
    claim: Claim | None,
    crm: str | None,
    assembly: str | None,
    *,
    state: LinkState = "live",
    stream: str = "companies",
    link: Link | None = None,
    **values: Any,
) -> LinkDraft:
    """What ``claim``'s link (or ``link``) shall be; a new one if it has none."""
    link = link or (claim.link if claim else None)
    ids = {"crm": crm, "assembly": assembly}
    ends = {side: EndDraft(id, shadow(**values)) for side, id in ids.items() if id is not None}
    return LinkDraft(link.id if link else None, stream, state, ends, link.version if link else 0)


def claim_one(store: Store, hint: Hint, seconds: float = 60, **hinting: Any) -> Claim:
    """Hint at one record and lease it (and whatever else of its stream is due)."""
    store.changes.hint("default", [hint], **hinting)
    claims = store.changes.claim("default", 100, seconds, [hint.stream])
    mine = [one for one in claims if (one.change.stream, one.change.record_id) == (hint.stream, hint.record_id)]
    assert len(mine) == 1, f"{hint} was not claimed: {claims}"
    return mine[0]


def commit(store: Store, operation: Operation) -> Any:
    (answer,) = store.apply([operation])
    if isinstance(answer, Exception):
        raise answer
    return answer


def finish(
    store: Store,
    claim: Claim,
    outcome: Outcome | None = None,
    *,
    link: LinkDraft | None = None,
    history: Sequence[Entry] = (),
    notices: Sequence[Notice] = (),
    **more: Any,
) -> Any:
    outcome = Done("updated") if outcome is None else outcome
    return commit(store, Finish(claim, outcome, link, tuple(history), notices=tuple(notices), **more))


def linked(store: Store, crm: str, assembly: str, stream: str = "companies", **values: Any) -> Link:
    """A live link that was there before."""
    (link,) = store.links.bind("default", [draft(None, crm, assembly, stream=stream, **values)])
    assert isinstance(link, Link)
    return link


def step(verb: str = "update", record_id: str | None = "1", **values: Any) -> Step:
    return Step("crm", "companies", verb, record_id, {"name": "Acme"}, values)


def declare(store: Store, claim: Claim, classes: Mapping[str, int] | None = None, *steps: Step) -> Any:
    sides = tuple((one.system, one) for one in steps or (step(),))
    return commit(store, Declare(claim, sides, classes or {}))


def declared(answer: Any) -> tuple[int, ...]:
    assert isinstance(answer, Declared), answer
    return answer.ids
