"""Wavo's rate limits: independent ones per group of operations (TRAPS 37)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from bridge.transport import Http, Rate

Group: TypeAlias = Literal["campaigns", "clients", "contacts", "contact_search", "replies", "suppressions"]
GROUPS: tuple[Group, ...] = get_args(Group)
Groups: TypeAlias = Mapping[Group, Http]
"""One connection, with a limiter of its own, for each group."""

WINDOW_SECONDS = 60.0
LIMITS: Mapping[Group, int] = {group: 10 if group == "contact_search" else 60 for group in GROUPS}
"""Requests in 60 seconds. The text's table is missing; the sentence that is left names 10 contact searches and 60 client
requests. The others are a guess: settings may say otherwise."""


def rate(requests: int) -> Rate:
    """A limit a minute: bursts are as good as a steady pace there."""
    return Rate(requests, seconds=WINDOW_SECONDS, paced=False)
