"""Rows 2 and 3: what arrives on the other side, whatever is killed on the way."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from typing import Any

import httpx
import redis

from tests.chaos.common import RAISED, SHORT, companies, industry, keys_of, quiet, remotes, seeded
from tests.chaos.play import Play, Row
from tests.chaos.sender import deliver, event, message
from tests.chaos.site import NO_BRAKE, QUICK_TIMES, TOKEN, Site, site

# --- row 2 -----------------------------------------------------------------------------------------------------------


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
            # Three calls a record at 30 a second, and what was in hand at a kill waits for its lease.
            play.pick(180, 180, 300),
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


# --- row 3 -----------------------------------------------------------------------------------------------------------


def redis_is_disposable(play: Play) -> None:
    """Redis is emptied and killed while edits come in; then it stays away."""
    events, times = play.pick((40, 1), (200, 4), (1000, 10))
    share = events // (times * 2)
    play.said.append(RAISED)
    with site(breaks=play.breaks, assembly={"limit_per_second": 30}, **NO_BRAKE) as at:
        _, assembly = remotes(at)
        ids = [row["id"] for row in seeded(at, companies(share))]
        at.live()
        # The first listing finds them by itself; every event from here on is an edit that only its webhook tells.
        play.until(lambda: len(keys_of(assembly.records("accounts"))) == share, 90, "the first links", 0.2)
        quiet(play, at, 60)
        took: dict[str, list[float]] = {"emptied": [], "killed": []}
        for number in range(times * 2):
            how = ("emptied", "killed")[number % 2]
            took[how].append(_without_redis(play, at, ids, number, how))
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


ROWS = (
    Row(2, "nothing lost, nothing twice in the target", nothing_lost_nothing_twice, "never_look_before_creating"),
    Row(3, "Redis is disposable", redis_is_disposable, "rely_on_rings", alone=True),
)
