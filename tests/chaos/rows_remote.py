"""Rows 9, 10 and 11: how the bridge treats the remotes' limits, and who goes first."""

# ruff: noqa: B023, PERF401  what is waited for is looked at within the same round
from __future__ import annotations

import itertools
import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import httpx

from bridge.clients.assembly import AssemblyClient
from bridge.clients.crm import CrmClient
from bridge.connectors import AssemblyConnector, CrmConnector
from bridge.core.guards import Brake
from bridge.core.mapping import load
from bridge.runtime.driver import Driver
from bridge.store import Hint, Store
from bridge.sync.terms import Terms, Timings
from bridge.transport import LocalLimiter, Rate, Timing
from bridge.transport import open as open_http
from tests.chaos.common import RAISED, companies, industry, keys_of, remotes
from tests.chaos.play import Play, Row
from tests.chaos.proxy import answer
from tests.chaos.sender import SECRET, deliver, event, message, percentile
from tests.chaos.site import NO_BRAKE, ROOT, Site, site, use_connections
from tests.support.sandboxes import ENTITY, Box, assembly_sandbox, crm_sandbox

# --- row 9 --------------------------------------------------------------------------------------------------------


def never_over_the_limit(play: Play) -> None:
    """Workers in a hurry against a remote that counts strictly, over a network that delays each request differently."""
    workers, seconds, alone = play.pick((3, 8, 2), (3, 10, 4), (8, 60, 20))
    # A busy machine reads answers late, which widens the window: where a few seconds are played it may be any machine.
    least = play.pick(22, 25, 27)
    play.said += [RAISED, f"max_processes {workers}"]
    with site(
        breaks=play.breaks,
        workers=0,
        proxied=("assembly",),
        **NO_BRAKE,
        max_processes=workers,
        crm={"limit_per_second": 0},
        assembly={"limit_per_second": 30},
    ) as at:
        crm, assembly = remotes(at)
        crm.seed({"companies": companies(30 * (2 * seconds + 2 * alone + 15))})
        at.proxies["assembly"].weather.jitter = 0.05
        for number in range(workers):
            at.worker(f"worker-{number}")
        at.admin("POST", "/backfills", {"connection": "default", "streams": ["companies"]})
        play.until(lambda: assembly.health()["records"]["accounts"] > 30, 90, "the first creates")
        for window in ("sliding", "fixed"):
            rate = _calls_in(play, assembly, window, seconds, "with Redis")
            play.check(rate >= least, f"{rate:.1f} calls a second, {window} window")
        at.kill("redis")
        for window in ("sliding", "fixed"):
            _calls_in(play, assembly, window, alone, "Redis gone")


def _calls_in(play: Play, assembly: Any, window: str, seconds: float, how: str) -> float:
    """Calls a second against such a window; none may be refused."""
    assembly.switches(limit_window=window)
    before, began = assembly.stats(), time.monotonic()
    time.sleep(seconds)
    after, took = assembly.stats(), time.monotonic() - began
    refused = after["too_many"] - before["too_many"]
    rate = float((after["total"] - before["total"]) / took)
    play.figures[f"{window} window, {how}"] = (
        f"{rate:.1f} calls/s for {seconds} s, {refused} refused, at most {after['most_arrived_in_a_second']} in a second"
    )
    play.check(refused == 0, f"{refused} refused by the {window} window, {how}")
    return rate


# --- row 10 -------------------------------------------------------------------------------------------------------


def patience(play: Play) -> None:
    """Retry-After in both its forms is heeded by all; a remote that is away for six hours is left in peace."""
    with site(
        breaks=play.breaks,
        workers=2,
        proxied=("assembly",),
        **NO_BRAKE,
        crm={"limit_per_second": 0},
        assembly={"limit_per_second": 30},
    ) as at:
        play.said.append(RAISED)
        crm, assembly = remotes(at)
        crm.seed({"companies": companies(play.pick(600, 600, 1500))})
        proxy = at.proxies["assembly"]
        at.admin("POST", "/backfills", {"connection": "default", "streams": ["companies"]})
        play.until(lambda: assembly.health()["records"]["accounts"] > 10, 90, "the first creates")
        for form in ("seconds", "date"):
            canned = proxy.counts["canned"]
            until = datetime.now(UTC) + timedelta(seconds=7)
            proxy.weather.canned.append(
                answer(429, Retry_After="5" if form == "seconds" else format_datetime(until, usegmt=True))
            )
            play.until(lambda: proxy.counts["canned"] > canned, 20, "the 429", 0.01)
            time.sleep(0.3)
            before = proxy.counts["requests"]
            time.sleep(4)
            sent = proxy.counts["requests"] - before
            play.figures[f"calls within 4 s of a Retry-After ({form})"] = sent
            play.check(sent <= 2, f"{sent} calls although Retry-After ({form}) asked for silence")
            there = assembly.health()["records"]["accounts"]
            play.until(lambda: assembly.health()["records"]["accounts"] > there + 5, 30, "going on afterwards")
        play.check(not at.parked(), "something was parked")
    if not play.breaks:
        _outage(play)


IN_FLIGHT: Final = 16


class _VirtualClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 3, 12, tzinfo=UTC)
        self.passed = 0.0

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


def _outage(play: Play) -> None:
    """The real engine on a clock of our own, its remotes not there at all."""
    hours = play.pick(1, 1, 6)
    few, many = _hours_away(50, hours), _hours_away(500, hours)
    pauses = hours * 3600 / Timings().pause
    for count, away in ((50, few), (500, many)):
        play.figures[f"{hours} hours away, {count} records"] = (
            f"{away.calls_at_rest} calls in {pauses:.0f} pauses of 30 s, {away.calls - away.calls_at_rest} in the first minute, "
            f"{away.states}, attempts {away.attempts}"
        )
        play.check(set(away.states) == {"pending"}, f"after {hours} hours: {away.states}")
        play.check(away.attempts < 10, f"an outage cost {away.attempts} attempts")
        # One change is tried after each pause.
        play.check(
            away.calls_at_rest <= pauses, f"{away.calls_at_rest} calls to a remote that is away in {pauses:.0f} pauses"
        )
    play.check(
        many.calls_at_rest < few.calls_at_rest * 1.05, f"{many.calls_at_rest} calls for ten times the records of {few}"
    )


@dataclass(frozen=True, slots=True)
class _Away:
    """``calls_at_rest``: from a minute on, when the remote is known to be broken."""

    calls: int
    calls_at_rest: int
    states: Mapping[str, int]
    attempts: int


def _hours_away(records: int, hours: int) -> _Away:
    clock, calls = _VirtualClock(), Counter[bool]()

    def away(request: httpx.Request) -> httpx.Response:
        calls[clock.passed > 60] += 1
        raise httpx.ConnectError("away", request=request)

    def connect(name: str) -> Any:
        return open_http(
            name,
            "http://127.0.0.1:9",
            "ak_x",
            LocalLimiter(Rate(10_000, paced=False)),
            # Short pauses between the tries of a read: those are slept, not counted on the clock.
            timing=Timing(first_pause=0.0001),
            transport=httpx.MockTransport(away),
        )

    with (
        tempfile.TemporaryDirectory() as folder,
        patch("bridge.transport.http.time", SimpleNamespace(monotonic=clock.monotonic)),
    ):
        store = Store(f"sqlite:///{folder}/bridge.db", clock, Brake({}, {}))
        store.migrate()
        store.connections.ensure("default")
        store.connections.set_mode("default", "live")
        connectors: dict[str, Any] = {
            "crm": CrmConnector(CrmClient(connect("crm"), ENTITY)),
            "assembly": AssemblyConnector(AssemblyClient(connect("assembly"))),
        }
        mappings = load({path.name: path.read_text() for path in (ROOT / "mappings").glob("*.yaml")})
        terms = Terms(connectors, mappings, Timings(), random.Random(1))
        driver = Driver(store, lambda _: terms, clock, sleep=clock.sleep, in_flight=IN_FLIGHT)
        store.changes.hint("default", [Hint("companies", "crm", f"c{n}") for n in range(records)])
        while clock.passed < hours * 3600:
            due = store.changes.due("default")
            clock.passed += 60 if due is None else max(due, 0.1)
            driver.drain("default", 0.0001)
        counts = store.changes.counts("default")
        tries = max(row.attempts for row in store.changes.page(limit=100).items)
        driver.close()
        store.close()
    return _Away(calls.total(), calls[True], counts, tries)


# --- row 11 -------------------------------------------------------------------------------------------------------

LINKED = 20


def live_beats_backfill(play: Play) -> None:
    """People go on editing while a long backfill runs; and a quiet connection beside a noisy one."""
    waiting, seconds = play.pick((500, 6), (1000, 12), (20_000, 75))
    play.said.append(RAISED)
    with site(breaks=play.breaks, **NO_BRAKE, crm={"limit_per_second": 0}, assembly={"limit_per_second": 30}) as at:
        crm, assembly = remotes(at)
        at.live()
        ids = _linked(play, at.port, "default", crm, assembly)
        crm.seed({"companies": companies(waiting, "w")})
        at.admin("POST", "/backfills", {"connection": "default", "streams": ["companies"]})
        planned = play.until(
            lambda: assembly.health()["records"]["accounts"] > LINKED + 20, 120, "the backfill's first creates"
        )
        before, began = assembly.health()["records"]["accounts"], time.monotonic()
        took = _edits(play, at.port, "default", crm, assembly, ids, seconds)
        rate = (assembly.health()["records"]["accounts"] - before) / (time.monotonic() - began)
        slow = percentile(took, 99)
        play.figures |= {
            "live p50 s": round(percentile(took, 50), 2),
            "live p99 s": round(slow, 2),
            "edits": len(took),
            "backfill begins to write after s": round(planned),
            "backfill records/s": round(rate, 1),
        }
        play.check(slow < 2, f"live p99 {slow:.2f} s")
        play.check(rate >= 0.7 * (30 - 2 * 2.5), f"the backfill kept {rate:.1f} a second")
    if not play.breaks:
        _neighbours(play)


def _linked(play: Play, port: int, connection: str, crm: Any, assembly: Any) -> list[str]:
    crm.seed({"companies": companies(LINKED)})
    ids = [row["id"] for row in crm.dump("companies")]
    deliver(port, [message(f"l-{id}", event(id), connection=connection) for id in ids], connections=4, again=True)
    play.until(lambda: len(keys_of(assembly.records("accounts"))) == LINKED, 60, "the first links", 0.2)
    return ids


def _edits(
    play: Play, port: int, connection: str, crm: Any, assembly: Any, ids: list[str], seconds: float
) -> list[float]:
    """Two edits a second by hand; how long each took from the edit to the other side."""
    started: dict[str, tuple[str, float]] = {}
    took: list[float] = []

    def look() -> None:
        for row in itertools.islice(assembly.records("accounts", page=LINKED), LINKED):
            for key in row["source_specific_ids"]:
                if key in started and started[key][0] == industry(row):
                    took.append(time.monotonic() - started.pop(key)[1])

    began, number = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        if time.monotonic() - began > number * 0.5:
            id, value = ids[number % len(ids)], f"live {number}"
            if id not in started:
                crm.patch("companies", id, {"industry": value})
                started[id] = (value, time.monotonic())
                deliver(port, [message(f"live-{connection}-{number}", event(id), connection=connection)], connections=1)
            number += 1
        look()
        time.sleep(0.02)
    end = time.monotonic() + 30
    while started and time.monotonic() < end:
        look()
        time.sleep(0.02)
    play.check(not started, f"{len(started)} live edits did not arrive")
    return took


def _neighbours(play: Play) -> None:
    """One connection with a long queue, another with an edit now and then, one worker for both."""
    with (
        crm_sandbox(process=True, seed=2) as crm2,
        assembly_sandbox(process=True, seed=2, limit_per_second=30) as assembly2,
        site(apis=0, workers=0, **NO_BRAKE, crm={"limit_per_second": 0}, assembly={"limit_per_second": 30}) as at,
    ):
        assert at.crm is not None
        assert at.assembly is not None
        _two(at, (at.crm, at.assembly), (crm2, assembly2))
        at.api()
        at.worker()
        for name in ("noisy", "quiet"):
            at.live(name)
        ids = _linked(play, at.port, "quiet", crm2.control, assembly2.control)
        crm, assembly = remotes(at)
        crm.seed({"companies": companies(play.pick(300, 800, 3000), "n")})
        noise = [row["id"] for row in crm.dump("companies")]
        deliver(at.port, [message(f"n-{id}", event(id), connection="noisy") for id in noise], connections=8)
        play.until(lambda: assembly.health()["records"]["accounts"] > 5, 60, "the noise")
        took = _edits(play, at.port, "quiet", crm2.control, assembly2.control, ids, play.pick(5, 8, 30))
        play.figures["quiet connection p50, p99 s"] = f"{percentile(took, 50):.2f}, {percentile(took, 99):.2f}"
        play.check(
            percentile(took, 99) < 2, f"a noisy connection kept another waiting for {percentile(took, 99):.1f} s"
        )


def _two(at: Site, noisy: tuple[Box, Box], quiet: tuple[Box, Box]) -> None:
    both = {
        name: {
            "CRM_BASE_URL": crm.url,
            "CRM_API_KEY": crm.key,
            "CRM_ENTITY_ID": crm.entity_id,
            "CRM_WEBHOOK_SECRET": SECRET,
            "ASSEMBLY_BASE_URL": assembly.url,
            "ASSEMBLY_API_KEY": assembly.key,
        }
        for name, (crm, assembly) in (("noisy", noisy), ("quiet", quiet))
    }
    use_connections(at, both)


ROWS = (
    Row(9, "never over the limit", never_over_the_limit, "every_process_its_own_limit", alone=True),
    Row(10, "patience", patience, "no_patience"),
    Row(11, "live beats backfill", live_beats_backfill, "one_lane", alone=True),
)
