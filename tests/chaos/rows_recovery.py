"""Rows 4 and 8: kills at named places, and a poller that is killed between pages."""

# ruff: noqa: B023  what is waited for is looked at within the same round
from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.common import RAISED, SHORT, companies, keys_of, quiet, remotes
from tests.chaos.crash_points import POINTS
from tests.chaos.play import Play, Row
from tests.chaos.sender import deliver, event, message, percentile
from tests.chaos.site import NO_BRAKE, QUICK_TIMES, Site, marks, site

DUTIES = ("before-expire", "after-expire", "before-poll-hint", "after-poll-hint", "before-ring", "before-checkpoint")
"""Points within a duty: only one worker at a time comes to them, so they are played one kill after another."""
POLLED = DUTIES[2:]
"""Those come with an edit in Assembly; the others with one in the CRM."""


@dataclass(frozen=True, slots=True)
class Fallen:
    """A kill at ``point`` over a record with this id on its side, and when it was."""

    point: str
    record: str
    at: float


def every_crash_point_recovers(play: Play) -> None:
    """A worker dies at a named place while it brings a new record over; the other one goes on and nobody helps."""
    points = play.pick(("after-Write", "inside-Finish-commit"), POINTS, POINTS)
    times, sites = play.pick((1, 1), (1, 4), (5, 6))
    settings: dict[str, Any] = dict(NO_BRAKE) if play.size == "full" else {**NO_BRAKE, **QUICK_TIMES}
    settings |= {"poll_interval_seconds": 1}
    play.said += [RAISED, "poll_interval_seconds 1", *([] if play.size == "full" else [SHORT])]
    play.said.append("two workers; the second one rests until the first is dead, so that the work is the first one's")
    lease, sweep = (20, 10) if play.size == "full" else (6, 2)
    took: dict[str, list[float]] = {point: [] for point in points}
    # Most of the time is waiting for leases to run out, so several bridges wait side by side.
    shares = [[*points[number::sites]] for number in range(sites)]
    with ThreadPoolExecutor(sites) as pool:
        futures = [
            pool.submit(_one_after_another, play, settings, share, times, lease + sweep, took) for share in shares
        ]
        for future in futures:
            future.result()
    worst = max(took, key=lambda point: max(took[point]))
    every = [seconds for each in took.values() for seconds in each]
    play.figures |= {
        "points": len(took),
        "kills": len(every),
        "from the kill to the other side s": f"p50 {percentile(every, 50):.1f}, slowest {max(every):.1f} ({worst})",
    }
    limit = lease + sweep + 5
    play.check(max(every) < limit, f"{worst} took {max(every):.1f} s, lease + sweep is {lease + sweep} s")


def _one_after_another(
    play: Play, settings: dict[str, Any], points: list[str], times: int, promised: int, took: dict[str, list[float]]
) -> None:
    with site(breaks=play.breaks, workers=0, assembly={"limit_per_second": 0}, **settings) as at:
        _, assembly = remotes(at)
        at.live()
        survivor = at.folder / "survivor rests"
        at.worker("survivor", breaks=marks(at.breaks, f"rest_while={survivor}"))
        # Polling has begun: what is there before belongs to a backfill.
        polls = "SELECT count(*) FROM checkpoints WHERE name = 'poll/assembly/accounts'"
        play.until(lambda: at.one(polls) > 0, 60, "the first poll", 0.2)
        # The label that all of them have is made: those who die while they make it would wait for one another's lease on its name.
        first = _tell(at, "first")
        play.until(lambda: _is_whole(at, first), 60, "the first record", 0.1)
        rounds = [(point, 1 if point in DUTIES else times) for point in points]
        rounds = [each for each in rounds for _ in range(times // each[1])]
        doomed = _doomed(at, *rounds[0])
        for number, (point, _) in enumerate(rounds):
            survivor.touch()
            fallen = [_crash(play, at, name) for name in doomed]
            survivor.unlink()
            # Those of the next round start while this one's are waited for.
            doomed = _doomed(at, *rounds[number + 1]) if number + 1 < len(rounds) else []
            for each in fallen:
                lives = "lives" if at.processes["survivor"].alive else "is dead"
                what = f"recovery of {each.point} (the survivor {lives})"
                play.until(lambda: _is_whole(at, each.record), promised + 20, what, 0.1)
                took[point].append(time.monotonic() - each.at)
            quiet(play, at, promised + 30)
        keys = keys_of(assembly.records("accounts"))
        play.check(max(keys.values()) == 1, "a record was made twice")
        play.check(len(assembly.dump("accounts")) == len(keys), "an account without a key: a twin")


def _is_whole(at: Site, record: str) -> bool:
    """Linked, on both sides, and in nobody's hand."""
    _, assembly = remotes(at)
    ends = "SELECT e.link_id FROM link_ends e JOIN links l ON l.id = e.link_id WHERE l.state = 'live' AND e.record_id = :id"
    ids = {id for (id,) in at.rows(f"SELECT record_id FROM link_ends WHERE link_id IN ({ends})", id=record)}
    held = at.one("SELECT count(*) FROM changes WHERE record_id = :id AND state = 'leased'", id=record)
    return len(ids) == 2 and not held and bool(ids & keys_of(assembly.records("accounts")).keys())


def _doomed(at: Site, point: str, count: int) -> list[str]:
    """Workers that will die at ``point``, started and resting."""
    names = [f"{point} {time.time_ns()}" for _ in range(count)]
    for name in names:
        (at.folder / name).touch()
        at.worker(name, breaks=marks(at.breaks, f"die_at={point}", f"rest_while={at.folder / name}"))
    return names


def _crash(play: Play, at: Site, name: str) -> Fallen:
    """Have the worker die over one fresh record."""
    _, assembly = remotes(at)
    point = name.partition(" ")[0]
    process = at.processes[name]
    # Awake enough to be told: it says so when everything is built.
    play.until((at.folder / f"{name} up").exists, 240, f"the start of {name}", 0.02)
    stamp = time.time_ns()
    made = f"{name} {stamp}"
    (at.folder / name).unlink()
    if point in POLLED:
        # Only an edit in Assembly gets the poller past its first checkpoint.
        record = assembly.create("accounts", {"name": made, "domain": f"d{stamp}.example"})["id"]
    else:
        record = _tell(at, made)
    play.until(lambda: not process.alive, 60, f"the death at {point}", 0.02)
    died = time.monotonic()
    at.kills += 1
    at.stop(name)
    return Fallen(point, record, died)


def _tell(at: Site, name: str) -> str:
    """The id of a fresh company in the CRM, whose webhook has arrived."""
    crm, _ = remotes(at)
    stamp = time.time_ns()
    record = str(crm.create("companies", {**companies(1, f"x{stamp}")[0], "name": name})["id"])
    deliver(at.port, [message(f"crash-{stamp}", event(record))], again=True)
    return record


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
    with site(breaks=play.breaks, workers=2, proxied=("assembly",), assembly={"limit_per_second": 0}, **settings) as at:
        crm, assembly = remotes(at)
        # Long enough on the way for a kill in between.
        at.proxies["assembly"].weather.latency = 0.03
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
        killer.join(kills * 10 + 30)
        stopping.set()
        killer.join()
        expected = {row["domain"]: row["name"] for row in assembly.dump("accounts")}
        try:
            play.until(lambda: not _missing(crm, expected), play.pick(30, 60, 90), "all edits in the CRM", 0.5)
        finally:
            missing = _missing(crm, expected)
            play.figures |= {
                "edits": len(expected),
                "under one stamp": same,
                "visible late": len(late),
                "kills within a page": at.kills,
                "missed": len(missing),
            }
        doubled = Counter(row["website"] for row in crm.dump("companies"))
        play.check(max(doubled.values()) == 1, "a company was made twice")


def _missing(crm: Any, expected: dict[str, str]) -> list[str]:
    there = {str(row["website"]).removeprefix("https://"): row["name"] for row in crm.records("companies")}
    return [domain for domain, name in expected.items() if there.get(domain) != name]


def _kill_pollers(at: Site, kills: int, stopping: threading.Event) -> None:
    """Kill whoever polls while a page is on its way."""
    proxy = at.proxies["assembly"]
    while at.kills < kills and not stopping.is_set():
        polls = proxy.counts["polls"]
        while proxy.counts["polls"] == polls and not stopping.wait(0.005):
            pass
        for name in ("worker", "worker-2"):
            at.kill(name)
        for name in ("worker", "worker-2"):
            at.revive(name)


ROWS = (
    Row(4, "every crash point recovers", every_crash_point_recovers, "leases_never_end"),
    Row(8, "the poller misses nothing", the_poller_misses_nothing, "no_overlap"),
)
