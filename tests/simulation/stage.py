"""A world without luck, for scenarios that are told step by step."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.simulation.campaign import final_of
from tests.simulation.chances import Chances
from tests.simulation.engine import Bridge
from tests.simulation.faults import Faults
from tests.simulation.journal import Event
from tests.simulation.mapping_text import Style
from tests.simulation.oracle import Oracle, Shown, Violation
from tests.simulation.remote import Habits, Row, pick
from tests.simulation.rules import OBJECTS, STREAMS, Rules, other
from tests.simulation.world import DUTIES, World

INDUSTRY = "additional_properties.Industry"
ALL = frozenset((stream, side) for stream in STREAMS for side in ("crm", "assembly"))


def rules(**changed: Any) -> Rules:
    return Rules(**{"streams": STREAMS, "creates": ALL, "conflict": "ask", "on_bind": "crm"} | changed)


PLAIN = Habits()
CUTTING = Habits(cut=100)
DECLARED = Style()
NO_LUCK = Chances()


class Stage:
    """One world told by hand. Workers, network and duties run whenever time is let pass."""

    def __init__(
        self,
        *,
        crm: Habits = PLAIN,
        assembly: Habits = CUTTING,
        terms: Rules | None = None,
        style: Style = DECLARED,
        chances: Chances = NO_LUCK,
        crash_at: frozenset[int] = frozenset(),
        duties: bool = True,
    ) -> None:
        faults = Faults(random.Random(1)), Faults(random.Random(2))
        self.world = World(0, chances=chances, habits=(crm, assembly), faults=faults)
        self.world.crash_at = crash_at
        self.rules = terms or rules()
        self.bridge = Bridge(self.world, self.rules, style)
        self.crm, self.assembly = self.world.crm, self.world.assembly
        self.faults = {side: peer.faults for side, peer in self.world.peers.items()}
        if not duties:
            self.world.duties.clear()
        self.world.start(self.bridge)

    # --- time ---

    def wait(self, seconds: float) -> None:
        self.world.run(self.world.now + seconds)

    def settle(self) -> None:
        """Long enough for every duty and every second look."""
        self.wait(400)

    def rest(self) -> None:
        """Whatever died is taken over and looked at again, with few duties."""
        self.world.calm = True
        for _ in range(4):
            self.wait(75)
            for name in DUTIES:
                self.world.perform_duty(name)
        self.wait(30)

    # --- records ---

    def company(self, **crm_values: Any) -> tuple[str, str]:
        """A company that is in step on both sides: its two ids."""
        values = {"name": "Acme", "website": "acme.com", "industry": "Steel"} | crm_values
        id = self.crm.create("companies", values)
        self._until_linked("companies", id)
        return id, self.partner("companies", "crm", id)

    def contact(self, company: str, **crm_values: Any) -> tuple[str, str]:
        values = {"lastName": "Doe", "email": "doe@acme.com", "companyId": company} | crm_values
        id = self.crm.create("contacts", values)
        self._until_linked("contacts", id)
        return id, self.partner("contacts", "crm", id)

    def _until_linked(self, stream: str, id: str) -> None:
        for _ in range(12):
            self.wait(15)
            if any(link.state == "live" and link.ends.get("crm") == id for link in self.bridge.links()):
                return

    def partner(self, stream: str, side: str, id: str) -> str:
        for link in self.bridge.links():
            if link.stream == stream and link.ends.get(side) == id and other(side) in link.ends:
                return link.ends[other(side)]
        raise AssertionError(f"{stream} {side}:{id} is not linked; shown: {self.shown()}; {self.world.bugs}")

    def linked(self, stream: str, side: str, id: str) -> bool:
        return any(link.stream == stream and link.ends.get(side) == id for link in self.bridge.links())

    def state(self, stream: str, side: str, id: str) -> str:
        return next(link.state for link in self.bridge.links() if link.stream == stream and link.ends.get(side) == id)

    def value(self, side: str, object: str, id: str, path: str) -> Any:
        row = self.row(side, object, id)
        return pick(row.raw or {}, path) if row else None

    def row(self, side: str, object: str, id: str) -> Row | None:
        return self.world.peers[side].remote.row(object, id)

    def live(self, side: str, stream: str) -> list[Row]:
        return list(self.world.peers[side].remote.live(OBJECTS[stream][side]))

    # --- what was done and told ---

    def writes(self, side: str | None = None) -> list[Event]:
        return [event for event in self.world.journal.of("landing", "removal") if side in (None, event.side)]

    def shown(self) -> list[Shown]:
        return self.bridge.shown()

    def causes(self) -> set[str]:
        return {shown.cause.removeprefix("parked: ") for shown in self.shown()}

    def violations(self) -> list[Violation]:
        found = Oracle(self.world.journal, final_of(self.world, self.bridge), self.rules).judge()
        return found + [Violation("bug", text) for text in self.world.bugs]

    def check(self) -> None:
        assert not self.violations(), "\n".join([*map(str, self.violations()), *map(str, self.world.journal.events)])

    def close(self) -> None:
        self.bridge.close()


@contextmanager
def stage(**given: Any) -> Iterator[Stage]:
    """A stage that is judged by the oracle when it ends well."""
    made = Stage(**given)
    try:
        yield made
        made.check()
    finally:
        made.close()


def every_crash(story: Callable[[Stage], None], *, most: int = 400, **given: Any) -> int:
    """Tell a story once for each of its effects, with a kill before it; the oracle judges each ending. Answers how many."""
    first = Stage(**given)
    story(first)
    first.check()
    effects = first.world.effects
    first.close()
    assert effects <= most, f"{effects} effects: make the story shorter"
    for number in range(1, effects + 1):
        told = Stage(**given, crash_at=frozenset({number}))
        try:
            story(told)
            assert told.world.counts["kill"] == 1
            violations = told.violations()
            assert not violations, "\n".join(
                [f"killed before effect {number}", *map(str, violations), *map(str, told.world.journal.events)]
            )
        finally:
            told.close()
    return effects
