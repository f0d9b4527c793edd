"""What the parts about the engine share: a backfill from its start to its end, and what the end has to look like."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.measures import until, verify
from tests.chaos.common import industry, keys_of, remotes
from tests.chaos.sender import deliver, event, message
from tests.chaos.site import Site

FREE: Final = {"limit_per_second": 0}
"""A sandbox without a rate limit."""


def accounts(assembly: Any) -> int:
    return int(assembly.health()["records"]["accounts"])


def start(at: Site) -> str:
    """The id of a backfill of companies that begins now."""
    return str(at.admin("POST", "/backfills", {"connection": "default", "streams": ["companies"]})["id"])


def wait_for_end(at: Site, run: str, seconds: float = 3600) -> None:
    """Looks into the database: a question to the API would cost what is measured."""
    query = "SELECT state FROM runs WHERE id = :run"
    until(lambda: at.one(query, run=run) in ("done", "failed"), seconds, "the backfill", 0.1)
    verify(at.one(query, run=run) == "done", "the backfill failed")


def backfill(at: Site) -> float:
    """Seconds of a whole backfill of companies."""
    began = time.monotonic()
    wait_for_end(at, start(at))
    return time.monotonic() - began


def at_rest(at: Site) -> None:
    """Until nobody asks Assembly anything any more: what a connection lists once when it goes live is over."""
    _, assembly = remotes(at)
    until(lambda: at.busy() == 0, 120, "rest", 0.2)
    seen = -1
    while (total := assembly.stats()["total"]) != seen:
        seen = total
        time.sleep(2.5)


def one_each(crm: Any, assembly: Any, count: int) -> None:
    keys = keys_of(assembly.records("accounts"))
    verify(len(keys) == count and max(keys.values()) == 1, "not one account for each company")
    verify(set(keys) == {row["id"] for row in crm.records("companies")}, "the keys are not the CRM's ids")


def sandbox_seconds() -> float:
    """Processor time of the simulated systems."""
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            if int(words[1]) == os.getpid() and b"bridge.sandbox.server" in (folder / "cmdline").read_bytes():
                total += (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue  # it ended meanwhile
    return total


def edit(at: Site, edits: int, value: str = "edited") -> float:
    """Edits a second, of edits that wait in the inbox, from the moment the connection goes on."""
    crm, assembly = remotes(at)
    at.admin("POST", "/connections/default/pause")
    ids = [row["id"] for row in crm.dump("companies")][:edits]
    for id in ids:
        crm.patch("companies", id, {"industry": value})
    told = deliver(at.port, [message(f"{value}-{id}", event(id)) for id in ids], connections=16)
    verify(all(each.status == 202 for each in told), "an event was not acknowledged")
    writes = updates(assembly)
    at.admin("POST", "/connections/default/resume")
    seconds = until(lambda: updates(assembly) >= writes + edits, 300, "the edits")
    verify(sum(industry(row) == value for row in assembly.records("accounts")) == edits, "an edit is missing")
    return edits / seconds


def updates(assembly: Any) -> int:
    """Accounts that were written to by their id or key."""
    return int(assembly.stats()["calls"].get("accounts.update", 0))
