"""The periodic repair pass: leases that ran out are handed back, and what is due is rung for again."""

from __future__ import annotations

from bridge.core.ports import Doorbell
from bridge.store import Store


def sweep(store: Store, connection: str, doorbell: Doorbell) -> int:
    """Hand changes back whose worker stopped, and ring if anything is due. Answers how many were handed back."""
    expired = store.changes.expire()
    due = store.changes.due(connection)
    if due is not None and due <= 0:
        doorbell.ring(connection)
    return expired
