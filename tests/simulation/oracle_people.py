"""What persons were promised: the brake holds, and who was forgotten stays so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.simulation.journal import Event
from tests.simulation.oracle_case import Case
from tests.simulation.oracle_terms import Violation
from tests.simulation.rules import OBJECTS, SIDES

HOUR = 3500.0
"""A little less than the hour that the brake counts: whole minutes are its grain."""
LANDS_LATE = 60.0
"""Seconds after which nothing that was sent before a person was forgotten can arrive."""
COUNTED = {"create": ("landing", "create"), "delete": ("removal", "delete")}


def brake_holds(case: Case) -> Iterator[Violation]:
    """No hour brings more of a class than its ceiling, unless a person released it or started it."""
    if any(event.values.get("way") in ("release", "undo", "backfill") for event in case.journal.of("resolved")):
        return
    for klass, (kind, note) in COUNTED.items():
        ceiling = case.final.ceilings.get(klass)
        for stream in case.rules.streams if ceiling is not None else ():
            objects = {(side, OBJECTS[stream][side]) for side in SIDES}
            events = [
                event
                for event in case.journal.events
                if event.kind == kind and event.note == note and (event.side, event.object) in objects
            ]
            most = _most_within(events)
            if ceiling is not None and most > ceiling:
                yield Violation("brake", f"{most} of {klass} in {stream} within an hour; the ceiling is {ceiling}")


def _most_within(events: Sequence[Event]) -> int:
    return max((sum(0 <= later.at - first.at < HOUR for later in events) for first in events), default=0)


def forgotten_stays_forgotten(case: Case) -> Iterator[Violation]:
    """Nothing is written to a forgotten person's records any more, and no value of theirs is kept."""
    for event in case.journal.of("forgotten"):
        if not event.id:
            continue
        for landing in case.journal.of("landing"):
            same = (landing.side, landing.object, landing.id) == (
                event.side,
                OBJECTS[event.object][event.side],
                event.id,
            )
            if same and landing.at > event.at + LANDS_LATE:
                yield Violation("forgotten", f"{event.side} {event.object} {event.id} was written at {landing.at:.0f}")
    for address in sorted(case.final.remembered):
        yield Violation("forgotten", f"{address} is still kept")
