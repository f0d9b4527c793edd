"""Asking a person again while their answer to the same question waits to be carried out."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.core.effects import Notice
from bridge.core.guards import Brake
from bridge.core.records import Reference
from bridge.store import Store
from bridge.store.rows import Raised


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 22, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def test_an_answer_that_waits_is_neither_lost_nor_asked_for_twice() -> None:
    store = Store("sqlite://", Noon(), Brake({}, {}))
    store.migrate()
    store.connections.ensure("default", "live")
    question = Raised(
        Reference("companies", "crm", "c1"), Notice("conflict", "both", "name", ways=("crm", "assembly")), None
    )
    store.attention.raise_all("default", [question])
    (item,) = store.attention.page().items
    store.attention.decide(item.id, {"way": "crm"})
    store.attention.raise_all("default", [question])
    assert [row.state for row in store.attention.page(state=None).items] == ["decided"]
    store.close()
