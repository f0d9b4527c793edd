"""Rows 5 and 7: workers that wake up late, and readings that are old."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.chaos.common import RAISED, companies, industry, keys_of, quiet, remotes, seeded
from tests.chaos.play import Play, Row
from tests.chaos.sender import Message, deliver, event, message
from tests.chaos.site import NO_BRAKE, NO_LIMIT, Site, marks, site

# --- row 5 -----------------------------------------------------------------------------------------------------------


def stale_workers_do_no_harm(play: Play) -> None:
    """Workers are stopped in the middle of a write, for longer than a lease; another one goes on; then they wake up."""
    rounds, stopped = play.pick((1, 1), (2, 2), (5, 10))
    # A write is known as ours for lease + time-out + lag: it is taken over when the lease is out, and lands a little later.
    times: dict[str, Any] = {"sweep_interval_seconds": 1, "poll_interval_seconds": 1, "max_in_flight": 2}
    if play.size != "full":
        times |= {"lease_seconds": 10, "http_timeout_seconds": 4, "remote_lag_seconds": 2, "settle_seconds": 0.5}
    play.said += [RAISED, ", ".join(f"{name} {value}" for name, value in times.items())]
    late = 24.0 if play.size == "full" else 14.0
    count = 4 * stopped
    with site(
        breaks=play.breaks, workers=0, proxied=("assembly",), **NO_BRAKE, **times, assembly={"limit_per_second": 0}
    ) as at:
        rests = at.folder / "survivor rests"
        at.worker("survivor", breaks=marks(at.breaks, f"rest_while={rests}"))
        names = [at.worker(f"worker-{number}").name for number in range(stopped)]
        _, assembly = remotes(at)
        rows = seeded(at, companies(count))
        at.live()
        play.until(lambda: len(keys_of(assembly.records("accounts"))) == count, 60, "the first links", 0.2)
        quiet(play, at, 40)
        for number in range(rounds):
            rests.touch()
            _stop_and_wake(play, at, [row["id"] for row in rows], names, late, number)
        back = at.one("SELECT count(*) FROM history WHERE side = 'crm'")
        steps = _steps_back(at)
        play.figures |= {
            "stops": rounds * stopped,
            "writes held and late": at.proxies["assembly"].counts["held"],
            "stale commits": len(steps),
            "carried back to the CRM": back,
        }
        play.check(not steps, f"a stale commit: {steps[:3]}")
        play.check(back == 0, f"{back} values were carried back to the CRM")


def _stop_and_wake(play: Play, at: Site, ids: list[str], names: list[str], late: float, number: int) -> None:
    """One round: an old value is on its way when everybody is stopped, a new one is carried over meanwhile."""
    crm, assembly = remotes(at)
    proxy = at.proxies["assembly"]
    old, new = f"v{2 * number + 1}", f"v{2 * number + 2}"
    proxy.weather.hold_writes = late
    for id in ids:
        crm.patch("companies", id, {"industry": old})
    held = proxy.counts["held"]
    deliver(at.port, [message(f"a-{number}-{id}", event(id)) for id in ids], again=True)
    # Two in flight each.
    play.until(lambda: proxy.counts["held"] >= held + 2 * len(names), 30, "writes on their way", 0.02)
    for name in names:
        at.kill(name, signal.SIGSTOP)
    # From here on the network is good again; what was sent before arrives late.
    proxy.weather.hold_writes = 0.0
    (at.folder / "survivor rests").unlink()
    for id in ids:
        crm.patch("companies", id, {"industry": new})
    deliver(at.port, [message(f"b-{number}-{id}", event(id)) for id in ids], again=True)
    time.sleep(late)
    for name in names:
        os.kill(at.processes[name].pid, signal.SIGCONT)
    carried_back = "SELECT count(*) FROM history WHERE side = 'crm'"
    play.until(
        lambda: {industry(row) for row in assembly.records("accounts")} == {new} or at.one(carried_back) > 0,
        60,
        "the newest value everywhere",
        0.25,
    )
    play.check(at.one(carried_back) == 0, "a late write passed for an edit and was carried back to the CRM")
    quiet(play, at, 60)
    told = Counter(row["industry"] for row in crm.records("companies"))
    play.check(told == Counter({new: len(ids)}), f"a late write was carried back: the CRM shows {dict(told)}")


# --- row 7 -----------------------------------------------------------------------------------------------------------


def old_never_overwrites_new(play: Play) -> None:
    """Webhooks of all versions in any order, doubled, while every third reading is one that was right a while ago."""
    records, versions = play.pick((20, 12), (40, 25), (100, 50))
    play.said += [RAISED, "no rate limits"]
    with site(
        breaks=play.breaks,
        workers=2,
        proxied=("crm", "assembly"),
        assembly={"limit_per_second": 0},
        **NO_BRAKE,
        **NO_LIMIT,
    ) as at:
        crm, assembly = remotes(at)
        ids = [row["id"] for row in seeded(at, companies(records))]
        at.live()
        play.until(lambda: len(keys_of(assembly.records("accounts"))) == records, 60, "the first links", 0.2)
        quiet(play, at, 60)
        for proxy in at.proxies.values():
            proxy.weather.old_answers = 0.33
        pick = random.Random(7)
        late: list[Message] = []
        began = time.monotonic()
        for version in range(1, versions + 1):
            for id in ids:
                crm.patch("companies", id, {"industry": f"v{version}"})
                late += [message(f"{id}-{version}", event(id))] * 2
            pick.shuffle(late)
            send, late = late[: len(late) // 2], late[len(late) // 2 :]
            deliver(at.port, send, connections=8, again=True)
            # Slow enough for the workers to read in between: what nobody reads cannot be old.
            time.sleep(max(0.0, began + version * 0.7 - time.monotonic()))
        deliver(at.port, late, connections=8, again=True)
        latest = f"v{versions}"
        play.until(
            lambda: {industry(row) for row in assembly.records("accounts")} == {latest} or bool(_steps_back(at)),
            90,
            "the latest everywhere",
            0.25,
        )
        play.check(not (back := _steps_back(at)), f"{len(back)} went back in history: {back[:3]}")
        quiet(play, at, 120)
        back = _steps_back(at)
        play.figures |= {
            "records": records,
            "versions": versions,
            "old answers": {name: proxy.counts["old"] for name, proxy in at.proxies.items()},
            "written": at.one("SELECT count(*) FROM history WHERE field = 'industry'"),
            "went back": len(back),
        }
        play.check(not back, f"went back in history: {back[:5]}")
        play.check({row["industry"] for row in crm.records("companies")} == {latest}, "the CRM itself was changed")
        play.check(
            {industry(row) for row in assembly.records("accounts")} == {latest}, "the latest was overwritten again"
        )
        play.check(at.proxies["crm"].counts["old"] > records, "hardly any old answer was given: nothing was shown")


def _steps_back(at: Site) -> list[tuple[str, str, str]]:
    number: Callable[[Any], int] = lambda text: int(str(text).strip('"').lstrip("v") or 0)  # noqa: E731
    last: dict[str, int] = {}
    back = []
    for record, new in at.rows("SELECT record_id, new FROM history WHERE field = 'industry' ORDER BY id"):
        if number(new) < last.get(record, 0):
            back.append((record, f"v{last[record]}", str(new)))
        last[record] = number(new)
    return back


ROWS = (
    Row(5, "a stale worker does no lasting harm", stale_workers_do_no_harm, "forget_intents"),
    Row(7, "old never overwrites new", old_never_overwrites_new, "believe_stale_reads"),
)
