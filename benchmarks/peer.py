"""The bridge and Node-RED with the same work: an event for each of many companies, twelve fields, a PUT to Assembly's sandbox.

Node-RED takes the fields from the event; the bridge reads the record, looks for a twin and remembers what it wrote. What is counted is
what arrived in the target, in three weathers: a clear day, every process killed twice with SIGKILL while events come in, and a target
that allows ten calls a second. Every sender repeats an event until it is acknowledged.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.measures import Figure, until, verify
from benchmarks.node_red import PATH, NodeRed, installed
from tests.chaos.common import companies, keys_of, remotes
from tests.chaos.sender import Message, Told, deliver, event, request, signed
from tests.chaos.site import NO_BRAKE, NO_LIMIT, site
from tests.support.sandboxes import assembly_sandbox

FREE: Final = {"limit_per_second": 0}
TWO_FIELDS: Final = """
  city: {crm: city, assembly: additional_properties.City}
  country: {crm: country, assembly: additional_properties.Country}
"""
"""With the ten of the shipped mapping: twelve."""
LONGEST_SECONDS: Final = 400


@dataclass(frozen=True, slots=True)
class Running:
    """A contestant at work: where it listens, what it writes to, and how to kill all of it and start it again."""

    port: int
    target: Any
    rows: list[dict[str, Any]]
    again: Callable[[], None]
    quiet_seconds: float
    """Nothing more arrives after a silence of this length."""


@dataclass(frozen=True, slots=True)
class End:
    """``seconds`` from the first event to the last arrival. ``lost`` were acknowledged and never arrived."""

    seconds: float
    lost: int
    twice: int


Contestant = Callable[[int, int], AbstractContextManager[Running]]
"""Called with how many companies there are, and the calls a second that the target allows (0: any)."""


def peer(_runs: int, *, full: bool, install: bool = False) -> Iterator[Figure]:
    count, limited = 2_000, 200 if full else 100
    with installed(install) as program:
        contestants: dict[str, Contestant] = {"bridge": _bridge}
        if program is not None:
            contestants["Node-RED"] = lambda rows, limit: _node_red(program, rows, limit)
        else:
            yield Figure("Node-RED: no node-red on PATH, and --install was not given or there is no npm", (), "")
        for name, contestant in contestants.items():
            clear = _clear_day(contestant, count)
            yield Figure(f"{name}: events a second into the target", ((count - clear.lost) / clear.seconds,), "/s")
            yield from _losses(f"{name}, killed twice", _killed(contestant, count), count)
            ten = _clear_day(contestant, limited, limit=10)
            yield from _losses(f"{name}, ten calls a second allowed", ten, limited)
            if name == "bridge":
                verify(clear.lost == ten.lost == 0, "the bridge lost events")


def _losses(what: str, end: End, count: int) -> Iterator[Figure]:
    yield Figure(f"{what}: acknowledged and lost of {count:,}", (end.lost,), "events")
    yield Figure(f"{what}: twice in the target", (end.twice,), "records")


def _clear_day(contestant: Contestant, count: int, *, limit: int = 0) -> End:
    with contestant(count, limit) as running:
        began = time.monotonic()
        told = deliver(running.port, _messages(running.rows), connections=32, again=True)
        verify(len(told) == count, "not every event was acknowledged")
        return _at_rest(running, began)


def _killed(contestant: Contestant, count: int) -> End:
    with contestant(count, 0) as running:
        told: list[Told] = []
        began = time.monotonic()
        sending = threading.Thread(
            target=deliver,
            args=(running.port, _messages(running.rows)),
            kwargs={"connections": 32, "again": True, "rate": 200, "into": told},
        )
        sending.start()
        for share in (0.3, 0.6):
            until(partial(_reached, told, count * share), 120, "events before a kill")
            running.again()
        sending.join()
        verify(len(told) == count, "not every event was acknowledged")
        return _at_rest(running, began)


def _reached(told: list[Told], count: float) -> bool:
    return len(told) >= count


def _at_rest(running: Running, began: float) -> End:
    """Once all arrived, or nothing has for ``quiet_seconds``."""
    arrived, last, end = 0, time.monotonic(), time.monotonic() + LONGEST_SECONDS
    while arrived < len(running.rows) and time.monotonic() < min(last + running.quiet_seconds, end):
        time.sleep(0.1)
        now = int(running.target.health()["records"]["accounts"])
        if now != arrived:
            arrived, last = now, time.monotonic()
    keys = keys_of(running.target.records("accounts"))
    lost = sum(row["id"] not in keys for row in running.rows)
    return End(last - began, lost, sum(number - 1 for number in keys.values()))


def _messages(rows: list[dict[str, Any]]) -> list[Message]:
    return [_message(row) for row in rows]


def _message(row: dict[str, Any]) -> Message:
    id, body = f"peer-{row['id']}", event(row["id"], data=row)
    return Message(id, request(PATH, body, signed(id, body) | {"Content-Type": "application/json"}))


def _rows(count: int) -> list[dict[str, Any]]:
    more = {"phone": "+44 20 7946 0958", "employees": 1200, "annualRevenue": 5_000_000, "address": "1 High Street"}
    return [{**row, **more, "ownerId": "u-1", "city": "Leeds", "country": "GB"} for row in companies(count)]


@contextmanager
def _bridge(count: int, limit: int) -> Iterator[Running]:
    """Shipped settings; the brake and the rate limit are told that this much is meant."""
    rate = {"assembly_rate_limit": limit, "crm_rate_limit": 5000} if limit else NO_LIMIT
    with site(**NO_BRAKE, **rate, crm=FREE, assembly={"limit_per_second": limit}) as at:
        crm, assembly = remotes(at)
        with (at.folder / "mappings" / "companies.yaml").open("a") as mapping:
            mapping.write(TWO_FIELDS)
        crm.seed({"companies": _rows(count)})
        at.live()
        time.sleep(2)  # an edit of the mappings is seen within a second

        def again() -> None:
            for name in ("api", "worker"):
                at.kill(name)
            for name in ("api", "worker"):
                at.revive(name)

        yield Running(
            at.port, assembly, list(crm.dump("companies")), again, quiet_seconds=45
        )  # a lease and a sweep: 30


@contextmanager
def _node_red(program: str, count: int, limit: int) -> Iterator[Running]:
    rows = [{"id": f"company-{number}", **row} for number, row in enumerate(_rows(count))]
    with assembly_sandbox(process=True, limit_per_second=limit) as box, TemporaryDirectory() as folder:
        node = NodeRed(program, Path(folder), box.url, box.key)

        def again() -> None:
            node.kill()
            node.start()

        try:
            yield Running(node.port, box.control, rows, again, quiet_seconds=10)
        finally:
            node.stop()
