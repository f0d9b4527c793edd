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
    times = []
    for _ in range(count):
        slot = limiter.acquire(lane, 5.0)
        times.append(time.monotonic())
        if answer:
            limiter.answered(slot, 0.0)
    return times


def test_the_first_slot_waits_a_window(limiter: Limiter) -> None:
    start = time.monotonic()
    assert take(limiter, 1)[0] - start >= QUICK.seconds


def test_slots_are_apart_and_no_window_holds_too_many(limiter: Limiter) -> None:
    times = take(limiter, 9)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert min(gaps) >= QUICK.pace - 0.005
    assert all(times[n + 3] - times[n] >= QUICK.seconds - 0.005 for n in range(6))


def test_unanswered_requests_may_still_arrive(limiter: Limiter) -> None:
    take(limiter, 3, answer=False)
    start = time.monotonic()
    take(limiter, 1)
    assert time.monotonic() - start > QUICK.slack / 2


def test_a_slow_answer_moves_its_slot(limiter: Limiter) -> None:
    for _ in range(10):
        limiter.answered(limiter.acquire("live", 5.0), 0.001)
    slots = [limiter.acquire("live", 5.0) for _ in range(3)]
    time.sleep(0.3)
    for slot in slots:
        limiter.answered(slot, 0.3)
    start = time.monotonic()
    take(limiter, 1)
    # All three may have arrived just now, so the window starts with their answers.
    assert time.monotonic() - start > QUICK.seconds * 0.8


def test_a_hold_stops_everybody_and_says_how_long(limiter: Limiter) -> None:
    take(limiter, 1)
    limiter.hold(30.0)
    with pytest.raises(Throttled) as caught:
        limiter.acquire("live", 0.5)
    assert 25 < caught.value.retry_after <= 30


def test_patience_ends(limiter: Limiter) -> None:
    take(limiter, 3, answer=False)
    start = time.monotonic()
    with pytest.raises(Throttled):
        limiter.acquire("live", 0.1)
    assert time.monotonic() - start < 0.3


def test_live_work_goes_first(limiter: Limiter) -> None:
    take(limiter, 1)
    order: list[str] = []

    def work(lane: Lane) -> None:
        limiter.answered(limiter.acquire(lane, 10.0), 0.0)
        order.append(lane)

    lanes: tuple[Lane, ...] = ("backfill",) * 4 + ("live",) * 4
    threads = [threading.Thread(target=work, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert order.index("live") <= 1
    assert order[-3:] == ["backfill"] * 3


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
    start = time.monotonic()
    take(limiter, 1)
    assert time.monotonic() - start < 1.0


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
    assert all(times[n + 2] - times[n] >= rate.seconds - 0.005 for n in range(4))
