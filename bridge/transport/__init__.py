"""HTTP to the remote systems: connection, pace, time-outs, errors. Knows no system's operations."""

from bridge.transport.address import check_base_url
from bridge.transport.answer import Answer, Raw, Reply, Rows
from bridge.transport.calls import CallCounter, Calls
from bridge.transport.http import Call, Http, Query, Timing, open
from bridge.transport.limiter import Limiter, LocalLimiter, Rate, Slot, limiter_name
from bridge.transport.paging import by_number, by_offset
from bridge.transport.redact import redact
from bridge.transport.remote_clock import RemoteClock
from bridge.transport.shared_limiter import RedisLimiter

__all__ = [
    "Answer",
    "Call",
    "CallCounter",
    "Calls",
    "Http",
    "Limiter",
    "LocalLimiter",
    "Query",
    "Rate",
    "Raw",
    "RedisLimiter",
    "RemoteClock",
    "Reply",
    "Rows",
    "Slot",
    "Timing",
    "by_number",
    "by_offset",
    "check_base_url",
    "limiter_name",
    "open",
    "redact",
]
