"""Rows 4 and 8: kills at named places, and a poller that is killed between pages."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.crash_points import POINTS
from tests.chaos.play import Play, Row
from tests.chaos.rows_delivery import RAISED, SHORT, companies, keys_of, quiet, remotes
from tests.chaos.sender import deliver, event, message
from tests.chaos.site import NO_BRAKE, QUICK_TIMES, Site, site

POLLED = ("before-poll-hint", "after-poll-hint", "before-checkpoint")


def every_crash_point_recovers(play: Play) -> None:
    """A worker dies at a named place while it brings a new company over; another one starts and nobody helps."""
    points = play.pick(("after-Write", "inside-Finish-commit"), POINTS, POINTS)
    times = play.pick(1, 1, 5)
    batch = play.pick(2, 10, times)
    settings: dict[str, Any] = dict(NO_BRAKE) if play.size == "full" else {**NO_BRAKE, **QUICK_TIMES}
    settings |= {"poll_interval_seconds": 1}
    play.said += [RAISED, "poll_interval_seconds 1", *([] if play.size == "full" else [SHORT])]
    lease, sweep = (20, 10) if play.size == "full" else (6, 2)
    deaths = [point for point in points for _ in range(times)]
    slowest: dict[str, float] = {}
    with site(breaks=play.breaks, workers=0, assembly={"limit_per_second": 0}, **settings) as at:
        at.live()
        # Polling has begun: what is there before belongs to a backfill.
        at.worker("first")
        polls = "SELECT count(*) FROM checkpoints WHERE name = 'poll/assembly/accounts'"
        play.until(lambda: at.one(polls) > 0, 60, "the first poll", 0.2)
        at.stop("first")
        while deaths:
            now, deaths = deaths[:batch], deaths[batch:]
            crashed = [(point, *_crash(play, at, point, number)) for number, point in enumerate(now)]
            at.worker("healthy")
            _, assembly = remotes(at)
            waiting = {record: (point, when) for point, record, when in crashed}
            up = time.monotonic()
            end = up + lease + sweep + 30
            while waiting and time.monotonic() < end:
                held = set(keys_of(assembly.records("accounts")))
                held |= {
                    f"domain:{row['domain']}" for row in assembly.records("accounts") if row["source_specific_ids"]
                }
                for record in [one for one in waiting if one in held]:
                    point, when = waiting.pop(record)
                    slowest[point] = max(slowest.get(point, 0.0), time.monotonic() - when)
                time.sleep(0.1)
            play.check(not waiting, f"not recovered: {[point for point, _ in waiting.values()]}")
            quiet(play, at, lease + sweep + 30)
            at.kill("healthy", signal.SIGKILL)
            at.stop("healthy")
        keys = keys_of(assembly.records("accounts"))
        worst = max(slowest, key=lambda point: slowest[point])
        play.figures |= {
            "points": len(slowest),
            "kills": len(points) * times,
            "slowest": f"{worst} {slowest[worst]:.1f} s after the kill, a worker's start included",
        }
        play.check(max(keys.values()) == 1, "a record was made twice")
        play.check(len(assembly.dump("accounts")) == len(keys), "an account without a key: a twin")
        limit = 35 if play.size == "full" else lease + sweep + 15
        play.check(slowest[worst] < limit, f"{worst} took {slowest[worst]:.1f} s, lease + sweep is {lease + sweep} s")


def _crash(play: Play, at: Site, point: str, number: int) -> tuple[str, float]:
    """Have a worker die there over one fresh record; its CRM id and when it died."""
    crm, assembly = remotes(at)
    name = "doomed"
    at.worker(name, breaks=",".join(filter(None, (at.breaks, f"die_at={point}"))))
    process = at.processes[name]
    made = f"{point} {time.time_ns()}"
    if point in POLLED:
        # Only an edit in Assembly gets the poller past its first checkpoint.
        row = assembly.create("accounts", {"name": made, "domain": f"d{time.time_ns()}.example"})
        play.until(lambda: not process.alive, 40, f"the death at {point}", 0.02)
        died = time.monotonic()
        at.stop(name)
        # A polled account has come over once it carries a CRM id.
        return f"domain:{row['domain']}", died
    row = crm.create("companies", {**companies(1, f"x{time.time_ns()}")[0], "name": made})
    deliver(at.port, [message(f"crash-{time.time_ns()}", event(row["id"]))], again=True)
    play.until(lambda: not process.alive, 40, f"the death at {point}", 0.02)
    died = time.monotonic()
    at.stop(name)
    return row["id"], died


# --- row 8 --------------------------------------------------------------------------------------------------------


def the_poller_misses_nothing(play: Play) -> None:
    """Edits in Assembly, many under one stamp, some that become visible late, while the poller is killed between pages."""
    edits, kills = play.pick((60, 0), (200, 4), (1000, 30))
    play.said += [RAISED, "poll_interval_seconds 1", "no rate limits", *([] if play.size == "full" else [SHORT])]
    settings: dict[str, Any] = {**NO_BRAKE, **({} if play.size == "full" else QUICK_TIMES)}
    settings |= {
        "poll_interval_seconds": 1,
        "poll_overlap_seconds": 5,
        "assembly_rate_limit": 500,
        "crm_rate_limit": 500,
    }
    with site(breaks=play.breaks, workers=2, assembly={"limit_per_second": 0}, **settings) as at:
        crm, assembly = remotes(at)
        assembly.seed({"accounts": [{"name": f"A{n}", "domain": f"a{n}.example"} for n in range(edits)]})
        at.live()
        play.until(
            lambda: at.one("SELECT count(*) FROM checkpoints WHERE name LIKE 'poll/assembly/accounts'") > 0,
            40,
            "the first poll",
        )
        ids = [row["id"] for row in assembly.dump("accounts")]
        pick = random.Random(8)
        stopping = threading.Event()
        killer = threading.Thread(target=_kill_pollers, args=(at, kills, stopping))
        killer.start()
        same = edits * 3 // 10
        for number, id in enumerate(ids[: edits - same]):
            assembly.patch("accounts", id, {"name": f"Edited {number}"})
            if pick.random() < 0.2:
                time.sleep(pick.uniform(0, play.pick(0.02, 0.1, 0.2)))
        assembly.switches(stamp_grain="seconds")
        for id in ids[edits - same :]:
            assembly.patch("accounts", id, {"name": f"Same stamp {id}"})
        assembly.switches(stamp_grain="microseconds")
        # Committed late: their stamps are older than what polls have seen meanwhile.
        late = [f"late{n}.example" for n in range(play.pick(3, 20, 100))]
        for domain in late:
            assembly.create("accounts", {"name": f"Herald of {domain}", "domain": f"herald-{domain}"})
            time.sleep(pause := play.pick(2.5, 0.2, 0.2))
            # Two seconds before its herald: a listing asks by whole seconds.
            stamp = (datetime.now(UTC) - timedelta(seconds=pause + 2)).isoformat().replace("+00:00", "Z")
            assembly.seed({"accounts": [{"name": f"Late {domain}", "domain": domain, "updated_at": stamp}]})
        killer.join(kills * 20 + 30)
        stopping.set()
        expected = {row["domain"]: row["name"] for row in assembly.dump("accounts")}
        try:
            play.until(lambda: not _missing(crm, expected), 90, "all edits in the CRM", 0.5)
        finally:
            missing = _missing(crm, expected)
            play.figures |= {
                "edits": len(expected),
                "under one stamp": same,
                "visible late": len(late),
                "kills": at.kills,
                "missed": len(missing),
            }
        doubled = Counter(row["website"] for row in crm.dump("companies"))
        play.check(max(doubled.values()) == 1, "a company was made twice")


def _missing(crm: Any, expected: dict[str, str]) -> list[str]:
    there = {str(row["website"]).removeprefix("https://"): row["name"] for row in crm.records("companies")}
    return [domain for domain, name in expected.items() if there.get(domain) != name]


def _kill_pollers(at: Site, kills: int, stopping: threading.Event) -> None:
    pick = random.Random(9)
    for number in range(kills):
        if stopping.wait(pick.uniform(1.0, 3.0)):
            return
        name = ("worker", "worker-2")[number % 2]
        at.kill(name)
        at.revive(name)


ROWS = (
    Row(4, "every crash point recovers", every_crash_point_recovers, "leases_never_end"),
    Row(8, "the poller misses nothing", the_poller_misses_nothing, "no_overlap"),
)
