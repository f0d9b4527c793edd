"""The limiter of one process, and what the shared one remembers."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
from redis import Redis
from redis_process import RedisProcess

from bridge.core.errors import Throttled
from bridge.core.records import Lane
from bridge.transport import Limiter, LocalLimiter, Rate, RedisLimiter, limiter_name

QUICK = Rate(3, seconds=0.2)


@pytest.fixture(params=["local", "shared"])
def limiter(request: pytest.FixtureRequest) -> Limiter:
    if request.param == "local":
        return LocalLimiter(QUICK)
    return RedisLimiter(request.getfixturevalue("redis"), "test", QUICK, max_processes=4)


def take(limiter: Limiter, count: int, lane: Lane = "live", *, answer: bool = True) -> list[float]:
    """The times of ``count`` grants, in seconds of the limiter's own clock."""
    times = []
    for _ in range(count):
        slot = limiter.acquire(lane, 5.0)
        times.append(slot.granted / 1e6)
        if answer:
            limiter.answered(slot, 0.0)
    return times


def test_the_first_slot_waits_a_window(redis: Redis) -> None:
    for make in (lambda: LocalLimiter(QUICK), lambda: RedisLimiter(redis, "test", QUICK, max_processes=4)):
        start = time.monotonic()
        take(make(), 1)
        assert time.monotonic() - start >= QUICK.seconds


def test_slots_are_apart_and_no_window_holds_too_many(limiter: Limiter) -> None:
    times = take(limiter, 9)
    assert min(after - before for before, after in itertools.pairwise(times)) >= QUICK.pace
    assert all(times[n + 3] - times[n] >= QUICK.seconds for n in range(6))


@pytest.mark.parametrize("lane", ["live", "backfill"])
@pytest.mark.parametrize("shared", [False, True])
def test_the_calls_of_one_edit_follow_at_once_and_those_of_a_backfill_do_not(
    shared: bool, lane: Lane, redis: Redis
) -> None:
    rate = Rate(12, seconds=1.2)
    limiter = RedisLimiter(redis, "test", rate, max_processes=4) if shared else LocalLimiter(rate)
    times = take(limiter, 6, lane)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert all(
        (gap >= rate.pace) == (lane == "backfill" or number >= rate.at_once - 1) for number, gap in enumerate(gaps)
    ), gaps


def test_unanswered_requests_may_still_arrive(limiter: Limiter) -> None:
    times = take(limiter, 3, answer=False) + take(limiter, 1)
    assert times[3] - times[0] >= QUICK.slack + QUICK.seconds


def test_a_slow_answer_moves_its_slot(limiter: Limiter) -> None:
    for _ in range(10):
        limiter.answered(limiter.acquire("live", 5.0), 0.001)
    slots = [limiter.acquire("live", 5.0) for _ in range(3)]
    time.sleep(0.3)
    before = time.monotonic()
    for slot in slots:
        limiter.answered(slot, 0.3)
    take(limiter, 1)
    # All three may have arrived just now, so the window starts with their answers.
    assert time.monotonic() - before >= QUICK.seconds


def test_a_hold_stops_everybody_and_says_how_long(limiter: Limiter) -> None:
    take(limiter, 1)
    limiter.hold(30.0)
    with pytest.raises(Throttled) as caught:
        limiter.acquire("live", 0.5)
    assert 20 < caught.value.retry_after <= 30


def test_patience_ends(limiter: Limiter) -> None:
    take(limiter, 3, answer=False)
    with pytest.raises(Throttled):
        limiter.acquire("live", 0.05)


def test_live_work_goes_first(limiter: Limiter) -> None:
    take(limiter, 1)
    # All are in line before the first slot is free.
    limiter.hold(2.5)
    granted: list[tuple[int, str]] = []

    def work(lane: Lane) -> None:
        slot = limiter.acquire(lane, 20.0)
        granted.append((slot.granted, lane))
        limiter.answered(slot, 0.0)

    lanes: tuple[Lane, ...] = ("backfill",) * 4 + ("live",) * 4
    threads = [threading.Thread(target=work, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [lane for _at, lane in sorted(granted)] == ["live"] * 4 + ["backfill"] * 4


def test_shares_add_up_to_the_limit() -> None:
    assert Rate(30).share(4).limit == 7
    assert Rate(30).share(1) == Rate(30)
    small = Rate(2).share(4)
    assert (small.limit, small.seconds) == (1, 2.0)


def test_a_long_window_does_not_stop_the_start() -> None:
    assert Rate(30).fresh == Rate(30).window
    assert Rate(60, seconds=60).fresh < 1.1


def test_names_tell_no_key() -> None:
    name = limiter_name("https://api.example.com", "secret")
    assert "secret" not in name
    assert name != limiter_name("https://api.example.com", "other")
    assert name != limiter_name("https://api.example.org", "secret")


def test_redis_holds_no_key_and_forgets_in_time(redis: Redis) -> None:
    limiter = RedisLimiter(redis, limiter_name("https://api.example.com", "secret"), QUICK, max_processes=1)
    take(limiter, 2)
    keys = redis.keys("*")
    assert len(keys) == 2
    for key in keys:
        assert b"secret" not in key
        assert redis.pttl(key) > 0


def test_a_clock_that_steps_back_stops_nobody_for_long(redis: Redis) -> None:
    limiter = RedisLimiter(redis, "test", QUICK, max_processes=1)
    take(limiter, 3)
    state = next(key for key in redis.keys("*") if key.endswith(b":state"))
    redis.hset(state, "last", 4_000_000_000_000_000)
    redis.hset(state, "gate", 4_000_000_000_000_000)
    take(limiter, 1)  # or its patience would have ended


def test_a_hold_outlives_a_restart_of_the_process(redis: Redis) -> None:
    RedisLimiter(redis, "test", QUICK, max_processes=1).hold(30.0)
    with pytest.raises(Throttled) as caught:
        RedisLimiter(redis, "test", QUICK, max_processes=1).acquire("backfill", 0.5)
    assert caught.value.retry_after > 25


def test_without_redis_nothing_is_sent_for_a_window_then_the_share(redis_process: RedisProcess, redis: Redis) -> None:
    rate = Rate(8, seconds=0.2)
    limiter = RedisLimiter(redis, "test", rate, max_processes=4)
    take(limiter, 8)
    redis_process.stop()
    start = time.monotonic()
    times = take(limiter, 6)
    assert times[0] - start >= rate.seconds
    assert all(times[n + 2] - times[n] >= rate.seconds for n in range(4))
