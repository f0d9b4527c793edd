"""What a lease keeps others from, seen through the store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.core.effects import EndDraft, LinkDraft
from bridge.core.guards import Brake
from bridge.core.records import Shadow
from bridge.store import Hint, Store
from tests.support.stores import OBJECTS, HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(clock: HandClock) -> Iterator[Store]:
    made = Store("sqlite://", clock, Brake({}, {}))
    made.migrate()
    made.connections.ensure("default", "live")
    made.set_objects(OBJECTS)
    made.links.bind(
        "default",
        [LinkDraft(None, "companies", "live", {side: EndDraft(side[0], Shadow()) for side in ("crm", "assembly")})],
    )
    yield made
    made.close()


def test_the_other_end_of_a_link_is_not_claimed_while_a_worker_has_it(store: Store, clock: HandClock) -> None:
    """The hint of the other end comes when the first worker is already at it, and goes to a second worker."""
    store.changes.hint("default", [Hint("companies", "crm", "c")])
    assert len(store.changes.claim("default", 10, 20)) == 1
    store.changes.hint("default", [Hint("companies", "assembly", "a")])
    assert store.changes.claim("default", 10, 20) == []
    clock.pass_(21)
    (taken,) = store.changes.claim("default", 10, 20)
    assert taken.change.side == "assembly"
