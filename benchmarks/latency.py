"""From a webhook's first byte to the write at the other side, by the other side's own stamp: nobody asks while it is measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from benchmarks.measures import Figure, percentile, until, verify
from tests.chaos.common import companies, industry, remotes
from tests.chaos.sender import deliver, event, message
from tests.chaos.site import NO_BRAKE, Site, site

FREE: Final = {"limit_per_second": 0}
STRICT: Final = {"limit_per_second": 30}
PAUSE_SECONDS: Final = 0.3
"""Between two edits."""


def latency(runs: int, *, full: bool) -> Iterator[Figure]:
    """Shipped settings but for the brake, which is there to stop a first backfill of this size."""
    edits, waiting = (200, 2_000) if full else (60, 700)
    quiet, busy = [], []
    for _ in range(runs):
        with site(**NO_BRAKE, crm=FREE, assembly=STRICT) as at:
            _linked(at, 2 * edits)
            ids = [row["id"] for row in remotes(at)[0].dump("companies")]
            quiet.append(_edit(at, ids[:edits]))
            busy.append(_under_backfill(at, ids[edits:], waiting))
            verify(remotes(at)[1].stats()["too_many"] == 0, "the limit was passed")
    yield from _figures("quiet", quiet, ("< 60", "< 250"))
    yield from _figures("beside a backfill", busy, ("", ""))


def _figures(name: str, took: list[list[float]], aims: tuple[str, str]) -> Iterator[Figure]:
    for percent, aim in zip((50, 99), aims, strict=True):
        each = tuple(percentile(one, percent) for one in took)
        yield Figure(f"webhook in to write out, {name}, p{percent}", each, "ms", aim)


def _linked(at: Site, count: int) -> None:
    crm, assembly = remotes(at)
    crm.seed({"companies": companies(count)})
    at.admin("POST", "/backfills", {"connection": "default", "streams": ["companies"]})
    until(lambda: at.admin("GET", "/backfills")["items"][0]["state"] == "done", 120, "the first backfill", 0.25)
    until(lambda: at.busy() == 0, 60, "rest", 0.2)
    verify(assembly.health()["records"]["accounts"] == count, "not one account for each company")


def _under_backfill(at: Site, ids: list[str], waiting: int) -> list[float]:
    crm, assembly = remotes(at)
    crm.seed({"companies": companies(waiting, "w")})
    before = assembly.health()["records"]["accounts"]
    run = at.admin("POST", "/backfills", {"connection": "default", "streams": ["companies"]})
    until(lambda: assembly.health()["records"]["accounts"] > before + 20, 120, "the backfill's first creates")
    took = _edit(at, ids)
    state = at.admin("GET", f"/backfills/{run['id']}")["state"]
    verify(state == "applying", f"the backfill was {state} before the last edit: it has too little to do")
    return took


def _edit(at: Site, ids: list[str]) -> list[float]:
    """One edit of each record; milliseconds until the other side had it."""
    crm, assembly = remotes(at)
    mark, sent = f"edited {time.time()}", dict[str, float]()
    for id in ids:
        crm.patch("companies", id, {"industry": mark})
        sent[id] = time.time()
        deliver(at.port, [message(f"{mark}-{id}".replace(" ", "-"), event(id))], connections=1, again=True)
        time.sleep(PAUSE_SECONDS)
    written: dict[str, float] = {}

    def all_written() -> bool:
        written.update({key: at for row in assembly.records("accounts") for key, at in _written(row, mark)})
        return written.keys() >= sent.keys()

    until(all_written, 60, "the last edit", 0.5)
    return [(written[id] - began) * 1000 for id, began in sent.items()]


def _written(row: dict[str, Any], mark: str) -> Iterator[tuple[str, float]]:
    if industry(row) == mark:
        for key in row["source_specific_ids"]:
            yield key, datetime.fromisoformat(row["updated_at"]).timestamp()
