"""A remote's clock, read off the Date headers of its answers."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

HALF_A_SECOND = timedelta(milliseconds=500)


@lru_cache(maxsize=64)
def http_date(value: str | None) -> datetime | None:
    """An HTTP-date in UTC, ``None`` for a missing or unreadable one."""
    if not value:
        return None
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


class RemoteClock:
    """The remote's clock minus ours: the median over the last answers, so that one odd header moves nothing."""

    def __init__(self, keep: int = 31) -> None:
        self._lock = threading.Lock()
        self._offsets: deque[timedelta] = deque(maxlen=keep)

    def observe(self, date: datetime, sent: datetime, received: datetime) -> None:
        """``date`` is cut to the second (RFC 9110), so half a second is added; it was written between ``sent`` and ``received``."""
        middle = sent + (received - sent) / 2
        with self._lock:
            self._offsets.append(date + HALF_A_SECOND - middle)

    def offset(self) -> timedelta | None:
        with self._lock:
            if not self._offsets:
                return None
            return timedelta(seconds=statistics.median(o.total_seconds() for o in self._offsets))
