"""Which records are the same thing: links, join keys, twins, what died stays dead, and how much may be written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.simulation.oracle_case import Case
from tests.simulation.oracle_terms import LinkView, Violation
from tests.simulation.rules import OBJECTS, SIDES, STREAM_OF, other


def links_one_to_one(case: Case) -> Iterator[Violation]:
    seen: dict[tuple[str, str, str], LinkView] = {}
    for link in case.final.links:
        for side, id in link.ends.items():
            key = (link.stream, side, id)
            if key in seen:
                yield Violation("links one to one", f"{key} is in {seen[key].ends} and in {link.ends}")
            seen[key] = link


def keys_one_to_one(case: Case) -> Iterator[Violation]:
    """A CRM id stands in at most one Assembly record, and that is the one it is linked to."""
    linked = {(link.stream, link.ends["crm"]): link for link in case.final.links if "crm" in link.ends}
    for stream in case.rules.streams:
        holders: dict[str, list[str]] = defaultdict(list)
        for row in case.live("assembly", stream):
            for key in (row.raw or {}).get("source_specific_ids", ()):
                holders[key].append(row.id)
        for key, ids in holders.items():
            if len(ids) > 1:
                yield Violation("join key", f"{stream} key {key} stands in {ids}")
            link = linked.get((stream, key))
            if link is not None and link.state == "live" and link.ends.get("assembly") not in ids:
                yield Violation("join key", f"{stream} {link.ends} but the key stands in {ids}")
        for link in linked.values():
            if link.stream != stream or link.state != "live" or "assembly" not in link.ends:
                continue
            if link.ends["crm"] not in holders and case.raw(link, "assembly") is not None:
                yield Violation("join key", f"{stream} {link.ends} has no key in Assembly")


def no_twin(case: Case) -> Iterator[Violation]:
    """Whatever the bridge made is one end of a link, and it stands for something that a user made."""
    linked = {(link.stream, side, id) for link in case.final.links for side, id in link.ends.items()}
    for side in SIDES:
        for row in case.final.rows[side].values():
            stream = STREAM_OF[side, row.object]
            if row.made_by != "bridge" or row.raw is None or stream not in case.rules.streams:
                continue
            if (stream, side, row.id) not in linked and not case.is_shown(stream, side, row.id):
                yield Violation("twin", f"{side} {row.object} {row.id} was made by the bridge and is linked to nothing")
    for link in case.final.links:
        rows = [case.final.rows[side].get((OBJECTS[link.stream][side], id)) for side, id in link.ends.items()]
        if len(rows) == 2 and all(row is not None and row.made_by == "bridge" for row in rows):
            yield Violation("twin", f"{link.stream} {dict(link.ends)}: both ends were made by the bridge")


def everything_linked(case: Case) -> Iterator[Violation]:
    """A record that may be made on the other side is there, or a person is told why not."""
    linked = {(link.stream, side, id) for link in case.final.links for side, id in link.ends.items()}
    for stream, target in case.rules.creates:
        side = other(target)
        for row in case.live(side, stream):
            if (stream, side, row.id) in linked or case.is_shown(stream, side, row.id):
                continue
            if case.dropped(stream, side, row.id):
                continue
            if case.out_of_scope(stream, side, row.raw or {}):
                continue
            yield Violation(
                "not carried", f"{side} {row.object} {row.id} has nothing on the other side, and nobody is told"
            )


def no_resurrection(case: Case) -> Iterator[Violation]:
    """Once a user deleted one end, nothing is made for the other end again."""
    for pair in case.pairs:
        deleted = {event.side: event.at for event in pair.events if event.kind in ("delete", "merge")}
        for side, at in deleted.items():
            for event in case.journal.of("landing"):
                if (
                    event.note != "create"
                    or event.side != side
                    or event.at <= at
                    or event.object != OBJECTS[pair.link.stream][side]
                ):
                    continue
                link = next((other for other in case.final.links if other.ends.get(side) == event.id), None)
                if link is not None and link.ends.get(other(side)) == pair.link.ends.get(other(side)):
                    yield Violation(
                        "resurrected",
                        f"{side} {event.object} {event.id} was made after {dict(pair.link.ends)} died",
                    )
            if pair.link.state == "live" and case.raw(pair.link, side) is None and not case.told(pair.link):
                yield Violation(
                    "deletion missed",
                    f"{pair.link.stream} {dict(pair.link.ends)} is still live; {side} was deleted at {at:.1f}",
                )


def few_writes(case: Case) -> Iterator[Violation]:
    """The writes of the bridge are bounded by what users did."""
    acts = case.journal.count("create", "edit", "delete", "merge", "mapping", "resolved") + case.journal.count(
        "fault", "kill"
    )
    landings = case.journal.count("landing", "removal")
    if landings > 12 + 6 * acts:
        yield Violation("too many writes", f"{landings} writes for {acts} acts")
