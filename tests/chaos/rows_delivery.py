"""Rows 2, 3, 5 and 7: what arrives on the other side, whatever happens on the way."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import redis

from tests.chaos.play import Play, Row
from tests.chaos.sender import Message, deliver, event, message
from tests.chaos.site import NO_BRAKE, NO_LIMIT, QUICK_TIMES, TOKEN, Site, marks, site

RAISED = "brake ceilings raised: they are there to hold what this row does on purpose"
SHORT = "waiting times shortened (QUICK_TIMES in site.py)"


def keys_of(rows: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(key for row in rows for key in row["source_specific_ids"])


def remotes(at: Site) -> tuple[Any, Any]:
    assert at.crm is not None
    assert at.assembly is not None
    return at.crm.control, at.assembly.control


def companies(count: int, prefix: str = "c") -> list[dict[str, Any]]:
    return [
        {
            "name": f"Company {prefix}{number}",
            "website": f"https://{prefix}{number}.example",
            "status": "active",
            "relationshipType": "customer",
            "industry": "v0",
        }
        for number in range(count)
    ]


def quiet(play: Play, at: Site, seconds: float, what: str = "everything at rest") -> float:
    return play.until(lambda: at.busy() == 0, seconds, what, pause=0.25)


def industry(row: dict[str, Any]) -> Any:
    return row["additional_properties"].get("Industry")


# --- row 2 --------------------------------------------------------------------------------------------------------


def nothing_lost_nothing_twice(play: Play) -> None:
    """Every record is told three times; receivers, workers and Redis are killed; a tenth of all writes lose their answer."""
    count, kills = play.pick((40, 0), (80, 8), (1000, 100))
    short: dict[str, Any] = {} if play.size == "full" else dict(QUICK_TIMES)
    play.said += [RAISED, *([SHORT] if short else []), "a poll every second"]
    settings: dict[str, Any] = {**short, **NO_BRAKE, "poll_interval_seconds": 1}
    with site(
        breaks=play.breaks,
        apis=2,
        workers=2,
        proxied=("crm", "assembly"),
        assembly={"limit_per_second": 30},
        **settings,
    ) as at:
        crm, assembly = remotes(at)
        at.live()
        play.until(lambda: at.one("SELECT count(*) FROM checkpoints") > 0, 30, "the first poll")
        # One more look by each worker: what follows must be newer than where polling begins.
        time.sleep(1)
        for proxy in at.proxies.values():
            proxy.weather.lose_answers = 0.1 if not play.breaks else 0.4
        made = [crm.create("companies", row) for row in companies(count)]
        people = [
            crm.create("contacts", {"firstName": "P", "lastName": str(n), "email": f"p{n}@x.example"})
            for n in range(0, count, 2)
        ]
        for number, person in enumerate(people):
            crm.create("memberships", {"contactId": person["id"], "companyId": made[number]["id"], "isPrimary": True})
        native = count // 2 if play.size != "full" else count // 4
        for number in range(native):
            # Born in Assembly: their creates on the CRM have no key to make repeating harmless.
            assembly.create("accounts", {"name": f"Native {number}", "domain": f"native{number}.example"})
        told = [(row["id"], "company.updated") for row in made] + [(row["id"], "contact.updated") for row in people]
        send = [message(f"{kind}-{id}-{time.time_ns()}", event(id, kind)) for id, kind in told for _ in range(3)]
        random.Random(2).shuffle(send)
        stopping = threading.Event()
        killer = threading.Thread(target=_kill_around, args=(at, kills, stopping))
        killer.start()
        deliver(at.port, send, connections=8, again=True)
        killer.join(kills * 20 + 60)
        stopping.set()
        for name in at.processes:
            if not at.processes[name].alive:
                at.revive(name)
        goal = count + native
        play.until(
            lambda: _twins(crm) or len(keys_of(assembly.records("accounts"))) >= goal,
            180,
            "all companies in Assembly",
            0.5,
        )
        play.check(not _twins(crm), "a company was made twice in the CRM")
        play.until(
            lambda: len(keys_of(assembly.records("contacts"))) >= len(people), 120, "all contacts in Assembly", 0.5
        )
        lost = {name: proxy.counts["lost"] for name, proxy in at.proxies.items()}
        for proxy in at.proxies.values():
            proxy.weather.lose_answers = 0.0
        quiet(play, at, 120)
        play.figures |= {
            "records": goal + len(people),
            "deliveries": len(send),
            "kills": at.kills,
            "answers lost": lost,
        }
        play.check(min(lost.values()) > 0, f"the network lost no answer: nothing was shown ({lost})")
        _exactly(play, "accounts", assembly.dump("accounts"), crm.dump("companies"), goal)
        _exactly(play, "contacts", assembly.dump("contacts"), crm.dump("contacts"), len(people))
        play.check(not at.parked(), f"parked: {at.parked()[:3]}")


def _twins(crm: Any) -> bool:
    """Whether a company is in the CRM twice already: then there is no use in waiting."""
    return max(Counter(row["name"] for row in crm.records("companies")).values()) > 1


def _kill_around(at: Site, kills: int, stopping: threading.Event) -> None:
    pick = random.Random(3)
    for _ in range(kills):
        if stopping.wait(pick.uniform(0.5, 3.0)):
            return
        name = pick.choice(("api", "api-2", "worker", "worker", "worker-2", "worker-2", "redis"))
        at.kill(name)
        at.revive(name)


def _exactly(play: Play, what: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]], count: int) -> None:
    play.check(len(theirs) == count, f"the CRM has {len(theirs)} records where {count} belong ({what})")
    play.check(len(ours) == count, f"Assembly has {len(ours)} {what} where {count} belong")
    keys = keys_of(ours)
    play.check(set(keys) == {row["id"] for row in theirs}, f"the join keys of {what} are not the CRM's ids")
    play.check(max(keys.values()) == 1, f"a join key is in Assembly twice ({what})")


# --- row 3 --------------------------------------------------------------------------------------------------------


def redis_is_disposable(play: Play) -> None:
    """Redis is emptied and killed while edits come in; then it stays away."""
    events, times = play.pick((40, 1), (200, 4), (1000, 10))
    share = events // (times * 2)
    play.said.append(RAISED)
    with site(breaks=play.breaks, assembly={"limit_per_second": 30}, **NO_BRAKE) as at:
        _, assembly = remotes(at)
        ids = [row["id"] for row in _seeded(at, companies(share))]
        at.live()
        # The first listing finds them by itself; every event from here on is an edit that only its webhook tells.
        play.until(lambda: len(keys_of(assembly.records("accounts"))) == share, 90, "the first links", 0.2)
        quiet(play, at, 60)
        took: dict[str, list[float]] = {"emptied": [], "killed": []}
        for number in range(times * 2):
            how = ("emptied", "killed")[number % 2]
            took[how].append(_without_redis(play, at, ids, number, how))
            quiet(play, at, 60)
        worst = max(max(seconds) for seconds in took.values())
        play.figures |= {
            "events": times * 2 * share,
            **{f"{how}: times, slowest s": f"{len(all_)}, {max(all_):.1f}" for how, all_ in took.items()},
        }
        play.check(worst < 10, f"re-rung after {worst:.1f} s only")
        _redis_stays_away(play, at, ids)


def _without_redis(play: Play, at: Site, ids: list[str], number: int, how: str) -> float:
    """Edit every record and take Redis away meanwhile. How long the last took to come over, without what the limit takes."""
    crm, assembly = remotes(at)
    value = f"edit {number}"
    for id in ids:
        crm.patch("companies", id, {"industry": value})
    send = [message(f"e-{number}-{id}", event(id)) for id in ids]
    before = int(assembly.stats()["total"])
    if how == "killed":
        # Nobody can be rung for these.
        at.kill("redis")
        deliver(at.port, send, connections=4, again=True)
        at.revive("redis")
    else:
        half = len(send) // 2
        deliver(at.port, send[:half], connections=4, again=True)
        with redis.Redis.from_url(at.env["BRIDGE_REDIS_URL"]) as client:
            client.flushall()
        deliver(at.port, send[half:], connections=4, again=True)
    seconds = play.until(
        lambda: {industry(row) for row in assembly.records("accounts")} == {value}, 40, "delivery after Redis was lost"
    )
    calls = int(assembly.stats()["total"]) - before
    return seconds - calls / 28


def _redis_stays_away(play: Play, at: Site, ids: list[str]) -> None:
    crm, assembly = remotes(at)
    at.kill("redis")
    told = deliver(at.port, [message(f"away-{id}", event(id)) for id in ids[:5]], connections=2)
    play.check(all(each.status == 202 for each in told), "without Redis the API does not store")
    play.check("bridge_redis_up 0.0" in _metrics(at), "the API does not say that Redis is away")
    fresh = crm.create("companies", companies(1, "alone")[0])
    deliver(at.port, [message("alone", event(fresh["id"]))], again=True)
    took = play.until(lambda: fresh["id"] in keys_of(assembly.records("accounts")), 30, "delivery without Redis", 0.2)
    play.figures["a new record without any Redis s"] = round(took, 1)


def _metrics(at: Site) -> str:
    return httpx.get(
        f"{at.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20, trust_env=False
    ).text


def _seeded(at: Site, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put companies into the CRM without a word to anybody."""
    crm, _ = remotes(at)
    crm.seed({"companies": rows})
    return list(crm.dump("companies"))


# --- row 5 --------------------------------------------------------------------------------------------------------


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
        rows = _seeded(at, companies(count))
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


# --- row 7 --------------------------------------------------------------------------------------------------------


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
        ids = [row["id"] for row in _seeded(at, companies(records))]
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
    Row(2, "nothing lost, nothing twice in the target", nothing_lost_nothing_twice, "never_look_before_creating"),
    Row(3, "Redis is disposable", redis_is_disposable, "rely_on_rings"),
    Row(5, "a stale worker does no lasting harm", stale_workers_do_no_harm, "forget_intents"),
    Row(7, "old never overwrites new", old_never_overwrites_new, "believe_stale_reads"),
)
