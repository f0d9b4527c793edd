"""The rate limit of one API key across all processes, kept in Redis and timed by Redis' clock."""

from __future__ import annotations

import os
import time
from collections import deque
from string import Template
from typing import cast

from redis import Redis
from redis.exceptions import RedisError

from bridge.core.records import Lane
from bridge.transport.limiter import POLL, Denied, LocalLimiter, Queue, Rate, RoundTrips, Slot, wait_for_slot

# KEYS: entries (sorted set: slot id -> arrival, µs), state (hash: last grant, gate, live waiters until).
# ARGV: slot id, lane, then for each answer since the last call: its slot id, when it was granted, and how long ago its
# request can have arrived at the latest (µs).
# Answer: {1, granted} or {0, wait, closed}.
_GRANT = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
for i = 3, #ARGV, 3 do
  redis.call('ZADD', KEYS[1], 'XX', math.max(tonumber(ARGV[i + 1]), now - tonumber(ARGV[i + 2])), ARGV[i])
end
local limit, at_once, ttl, window, pace, slack, fresh = $limit, $at_once, $ttl, $window, $pace, $slack, $fresh
local state = redis.call('HMGET', KEYS[2], 'last', 'gate', 'live')
local last, gate, live = tonumber(state[1]), tonumber(state[2]) or 0, tonumber(state[3]) or 0
if not last or last > now then
  -- New, flushed, or the clock stepped back: whatever was sent before is unknown, so let it leave every window.
  redis.call('DEL', KEYS[1])
  gate = math.max(last and 0 or gate, now + fresh)
  redis.call('HSET', KEYS[2], 'last', now, 'gate', gate)
  redis.call('PEXPIRE', KEYS[2], ttl)
  return {0, gate - now, 1}
end
if gate > now then return {0, gate - now, 1} end
local wait = 0
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local count = redis.call('ZCARD', KEYS[1])
if count >= limit then
  local entry = redis.call('ZRANGE', KEYS[1], count - limit, count - limit, 'WITHSCORES')
  wait = tonumber(entry[2]) + window - now
end
if ARGV[2] ~= 'live' or count >= at_once then wait = math.max(wait, last + pace - now) end
if ARGV[2] ~= 'live' then wait = math.max(wait, live - now) end
if wait > 0 then
  -- Until the one in front asks again: it sleeps $poll at most, and may wake a little late.
  if ARGV[2] == 'live' then redis.call('HSET', KEYS[2], 'live', now + math.min(wait, $poll) + 5000) end
  return {0, math.ceil(wait), 0}
end
redis.call('ZADD', KEYS[1], now + slack, ARGV[1])
redis.call('HSET', KEYS[2], 'last', now)
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('PEXPIRE', KEYS[2], ttl)
return {1, now, 0}
"""

# ARGV: pause (µs), time to live (ms).
_HOLD = """
local t = redis.call('TIME')
local gate = t[1] * 1000000 + t[2] + tonumber(ARGV[1])
if gate > (tonumber(redis.call('HGET', KEYS[1], 'gate')) or 0) then redis.call('HSET', KEYS[1], 'gate', gate) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""

_KEPT_MS = 24 * 3600 * 1000


class RedisLimiter:
    """One limit for all processes that give the same ``name`` (see ``limiter_name``). ``redis`` must fail at once
    when Redis is away (no retries, short time-outs): every sender waits for it.

    While Redis does not answer, this process keeps to ``rate`` ÷ ``max_processes`` on its own. Both ways over it lets
    one window pass, so that what was sent under the one count does not overlap with the other.
    """

    RETRY_REDIS = 1.0

    def __init__(self, redis: Redis, name: str, rate: Rate, max_processes: int) -> None:
        self._redis = redis
        self._rate = rate
        self._max_processes = max_processes
        self._keys = (f"bridge:rate:{{{name}}}:entries", f"bridge:rate:{{{name}}}:state")
        spans = {"window": rate.window, "pace": rate.pace, "slack": rate.slack, "fresh": rate.fresh, "poll": POLL}
        whole = {"limit": rate.limit, "at_once": rate.at_once, "ttl": _KEPT_MS}
        numbers = {name: int(seconds * 1e6) for name, seconds in spans.items()}
        self._grant = redis.register_script(Template(_GRANT).substitute(whole | numbers))
        self._hold = redis.register_script(_HOLD)
        self._queue = Queue()
        self._round_trips = RoundTrips()
        self._answers: deque[tuple[str, int, float]] = deque()
        self._alone: LocalLimiter | None = None
        self._ask_again = 0.0
        self._quiet_until = 0.0

    def acquire(self, lane: Lane, patience: float) -> Slot:
        return wait_for_slot(self._queue, self, lane, patience)

    def grant(self, lane: Lane) -> Slot | Denied:
        now = time.monotonic()
        if self._alone is not None and now < self._ask_again:
            return self._alone.grant(lane)
        if now < self._quiet_until:
            return Denied(self._quiet_until - now, closed=True)
        try:
            return self._shared(lane) if self._alone is None else self._come_back()
        except RedisError:
            return self._without_redis(lane)

    def _shared(self, lane: Lane) -> Slot | Denied:
        slot_id = f"{os.getpid()}-{os.urandom(6).hex()}"
        answer = self._grant(keys=list(self._keys), args=[slot_id, lane, *self._take_answers()])
        granted, value, closed = cast("list[int]", answer)
        if granted:
            return Slot(slot_id, value, shared=True)
        return Denied(value / 1e6, closed=bool(closed))

    def _come_back(self) -> Denied:
        self._redis.ping()
        self._alone = None
        self._quiet_until = time.monotonic() + self._rate.fresh
        return Denied(self._rate.fresh, closed=True)

    def _without_redis(self, lane: Lane) -> Slot | Denied:
        if self._alone is None:
            self._alone = LocalLimiter(self._rate.share(self._max_processes))
        self._ask_again = time.monotonic() + self.RETRY_REDIS
        return self._alone.grant(lane)

    def answered(self, slot: Slot, round_trip: float) -> None:
        alone = self._alone
        if not slot.shared:
            if alone is not None:
                alone.answered(slot, round_trip)
            return
        # Told with the next wish for a slot, which is when it counts; until then, or if that fails, the entry keeps its slack.
        self._answers.append((slot.id, slot.granted, time.monotonic() - self._round_trips.fastest(round_trip)))

    def _take_answers(self) -> list[str | int]:
        told: list[str | int] = []
        now = time.monotonic()
        while self._answers:
            slot_id, granted, arrived = self._answers.popleft()
            told += [slot_id, granted, int((now - arrived) * 1e6)]
        return told

    def hold(self, seconds: float) -> None:
        self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)
        if self._alone is not None:
            self._alone.hold(seconds)
        try:
            self._hold(keys=[self._keys[1]], args=[int(seconds * 1e6), _KEPT_MS])
        except RedisError:
            return  # this process keeps quiet by itself; the others will be told by the remote
