"""Everything durable, on SQLite or PostgreSQL: see ``Store``."""

from bridge.store.applying import Answer
from bridge.store.declaring import Brake
from bridge.store.rows import (
    AttentionGroup,
    AttentionRow,
    ChangeFilter,
    ChangeRow,
    ConnectionRow,
    EndRow,
    Hint,
    HistoryRow,
    HoldRow,
    InboxEvent,
    InboxRow,
    ItemDraft,
    ItemRow,
    Listing,
    Raised,
    RunRow,
    ScanRow,
    Writes,
)
from bridge.store.scrubbing import mentioned
from bridge.store.store import Store

__all__ = [
    "Answer",
    "AttentionGroup",
    "AttentionRow",
    "Brake",
    "ChangeFilter",
    "ChangeRow",
    "ConnectionRow",
    "EndRow",
    "Hint",
    "HistoryRow",
    "HoldRow",
    "InboxEvent",
    "InboxRow",
    "ItemDraft",
    "ItemRow",
    "Listing",
    "Raised",
    "RunRow",
    "ScanRow",
    "Store",
    "Writes",
    "mentioned",
]
