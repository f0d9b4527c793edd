"""Everything durable, on SQLite or PostgreSQL: see ``Store``."""

from bridge.store.applying import Answer
from bridge.store.committer import GroupCommitter
from bridge.store.declaring import Brake
from bridge.store.rows import ChangeFilter, ChangeRow, ConnectionRow, EndRow, Hint, InboxEvent, InboxRow, Listing
from bridge.store.store import Store

__all__ = [
    "Answer",
    "Brake",
    "ChangeFilter",
    "ChangeRow",
    "ConnectionRow",
    "EndRow",
    "GroupCommitter",
    "Hint",
    "InboxEvent",
    "InboxRow",
    "Listing",
    "Store",
]
