"""The demo's tables: what became of every stream, and what it cost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from bridge.cli.demo.agreement import ASSEMBLY, CRM, Sides, disagreements
from bridge.cli.demo.world import World
from bridge.cli.output import table


@dataclass(frozen=True, slots=True)
class Calls:
    """Requests that a sandbox counted: all, those that may write, those over its limit, the most in a second."""

    total: int
    writes: int
    too_many: int
    peak: int

    def since(self, before: Calls) -> Calls:
        return Calls(self.total - before.total, self.writes - before.writes, self.too_many - before.too_many, self.peak)


READS = (".list", ".get", ".search", ".show", ".read")


def calls(stats: Mapping[str, Any]) -> Calls:
    writes = sum(count for name, count in stats["calls"].items() if not name.endswith(READS))
    return Calls(stats["total"], writes, stats["too_many"], stats["most_arrived_in_a_second"])


def both(world: World) -> dict[str, Calls]:
    return {"CRM": calls(world.crm.stats()), "Assembly": calls(world.assembly.stats())}


def waiting(world: World) -> list[dict[str, Any]]:
    """Everything that waits: attention items, and changes that are parked or wait for their parent."""
    found = list(pages(world, "/admin/attention", state="parked"))
    found += [change for state in ("parked", "waiting") for change in pages(world, "/admin/changes", state=state)]
    return found


def pages(world: World, path: str, **query: Any) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        answer = world.get(path, limit=500, **query, **({} if cursor is None else {"cursor": cursor}))
        yield from answer["items"]
        cursor = answer["next"]
        if cursor is None:
            return


def check(world: World) -> list[str]:
    sides = Sides(
        {name: list(world.crm.dump(name)) for name in CRM}, {name: list(world.assembly.dump(name)) for name in ASSEMBLY}
    )
    return disagreements(sides, {(item["stream"], item["side"], item["record_id"]) for item in waiting(world)})


RESULTS = (
    ("created", "created"),
    ("bound", "found there"),
    ("updated", "updated"),
    ("unchanged", "unchanged"),
    ("voided", "live change came first"),
)
"""A run's results and what they are called in the table."""


def final(world: World, results: Mapping[str, Mapping[str, int]], spent: Mapping[str, Calls]) -> RenderableType:
    """``results``: stream to what its records' backfill came to, by result."""
    reasons = _reasons(world)
    shown = [(name, words) for name, words in RESULTS if name != "voided" or any(c.get(name) for c in results.values())]
    rows = (
        (
            stream,
            *(counts.get(name, 0) for name, _ in shown),
            sum(len(each) for each in reasons.get(stream, {}).values()),
        )
        for stream, counts in results.items()
    )
    streams = table("", ("stream", *(words for _, words in shown), "waiting for a person"), rows)
    why = [
        Text(f"  {len(details)} {stream}: {details[0]} ({cause})")
        for stream, causes in reasons.items()
        for cause, details in sorted(causes.items(), key=lambda pair: -len(pair[1]))
    ]
    costs = table(
        "",
        ("system", "API calls", "of them writes", "429s", "most in a second"),
        ((name, each.total, each.writes, each.too_many, each.peak) for name, each in spent.items()),
    )
    return Group(streams, *why, Text(), costs)


def _reasons(world: World) -> dict[str, dict[str, list[str]]]:
    """Stream, cause, and for each record that waits under it the words, without ids. A record counts once, its attention
    item before its change."""
    seen: set[tuple[str, str, str]] = set()
    found: dict[str, dict[str, list[str]]] = {}
    for item in waiting(world):
        key = (item["stream"], item["side"], item["record_id"])
        if key not in seen:
            seen.add(key)
            words = re.sub(r" (crm|assembly):[\w-]+", "", item["detail"] or item["cause"])
            found.setdefault(item["stream"], {}).setdefault(item["cause"], []).append(words)
    return found


def pairs(world: World) -> dict[str, int]:
    """Stream to how many records are on both sides under one join key."""
    found = {}
    for stream, crm, assembly in (
        ("companies", "companies", "accounts"),
        ("contacts", "contacts", "contacts"),
        ("deals", "leads", "deals"),
    ):
        keys = {key for row in world.assembly.dump(assembly) for key in row["source_specific_ids"]}
        found[stream] = sum(row["id"] in keys for row in world.crm.dump(crm))
    found["notes"] = len(world.assembly.dump("notes"))
    return found


def addresses(world: World) -> RenderableType:
    api = str(world.api.base_url).rstrip("/")
    return table(
        "",
        ("open", "where"),
        (
            ("API", f"{api}/docs"),
            ("attention", f"{api}/admin/attention"),
            ("admin token", f"Authorization: Bearer {world.token}"),
            ("CRM sandbox", f"{world.crm.origin}/api/crm"),
            ("Assembly sandbox", world.assembly.origin),
            ("logs", str(world.folder)),
        ),
    )


def differences(found: Sequence[str], most: int = 10) -> RenderableType:
    if not found:
        return Text("Both sides agree, record by record (compared from their own dumps).", "bold green")
    shown = [Text(f"  {line}") for line in found[:most]]
    more = [Text(f"  … and {len(found) - most} more")] if len(found) > most else []
    return Group(Text(f"The sides differ in {len(found)} places:", "bold red"), *shown, *more)
