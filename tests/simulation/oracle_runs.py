"""What a person starts does what it said: plan = apply, and links rebuilt from the join keys are the links there were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from tests.simulation.oracle_case import Case
from tests.simulation.oracle_terms import LinkView, PlanView, Violation
from tests.simulation.rules import SIDES, STREAM_OF, STREAMS, common

Thing: TypeAlias = tuple[str, str]
"""Stream, and the two ids of a linked pair or the one of a record."""
Writes: TypeAlias = dict[tuple[str, str], Any]


def plan_is_apply(case: Case) -> Iterator[Violation]:
    """What was written while a plan was carried out is what the plan said, where it said it."""
    for plan in case.final.plans:
        planned, open_things = _planned(plan)
        written = _written(case, plan)
        for thing in sorted(planned.keys() | written.keys()):
            if thing in open_things:
                continue
            yield from _compare(case, plan, thing, planned.get(thing, {}), written.get(thing, {}))
        if plan.drifted:
            yield Violation(
                "plan", f"{plan.drifted} items drifted though nobody edited anything since {plan.since:.0f}"
            )


def _compare(
    case: Case,
    plan: PlanView,
    thing: Thing,
    planned: Mapping[tuple[str, str], Any],
    written: Mapping[tuple[str, str], Any],
) -> Iterator[Violation]:
    told = f"{thing} read at {plan.since:.0f}"
    for key in sorted(written.keys() - planned.keys()):
        if _by_default(case, plan, thing, key):
            continue
        yield Violation("plan", f"{told}: {key} = {written[key]!r} was written and not planned")
    if not (_asked(plan, thing) or _overtaken(plan, thing)):
        for key in sorted(planned.keys() - written.keys()):
            yield Violation("plan", f"{told}: {key} = {planned[key]!r} was planned and not written")
    for key in sorted(planned.keys() & written.keys()):
        spec = next(spec for spec in STREAMS[thing[0]] if spec.path(key[0]) == key[1])
        if common(spec, key[0], planned[key], case.world) != common(spec, key[0], written[key], case.world):
            yield Violation("plan", f"{told}: {key} was planned as {planned[key]!r} and written as {written[key]!r}")


def _planned(plan: PlanView) -> tuple[dict[Thing, Writes], set[Thing]]:
    """The plan's writes by thing, and the things that it left open."""
    names = _names(plan.links)
    planned: dict[Thing, Writes] = defaultdict(dict)
    left_open = {names.get(record, (record[0], record[2])) for record in plan.unanswered}
    for item in plan.items:
        found = [names.get((item.stream, side, id), (item.stream, id)) for side, id in item.ends.items()]
        if item.writes is None:
            left_open.update(found)
        else:
            planned[found[0]].update(item.writes)
    return planned, left_open


def _written(case: Case, plan: PlanView) -> dict[Thing, Writes]:
    names = _names(plan.links)
    written: dict[Thing, Writes] = defaultdict(dict)
    for event in case.journal.of("landing"):
        stream = STREAM_OF.get((event.side, event.object))
        if stream is None or not plan.since <= event.at <= plan.until:
            continue
        paths = {spec.path(event.side) for spec in STREAMS.get(stream, ())}
        thing = names.get((stream, event.side, event.id), (stream, event.id))
        written[thing].update({(event.side, path): value for path, value in event.values.items() if path in paths})
    return written


def _names(links: Mapping[Any, Any] | Any) -> dict[tuple[str, str, str], Thing]:
    """(stream, side, id) → the pair it belongs to."""
    return {
        (link.stream, side, id): (link.stream, "+".join(link.ends[end] for end in SIDES if end in link.ends))
        for link in links
        for side, id in link.ends.items()
    }


def _overtaken(plan: PlanView, thing: Thing) -> bool:
    """Whether a live change to it waited already: that one was looked at instead, and its other side will tell by itself (seed 490)."""
    return any(stream == thing[0] and id in thing[1].split("+") for stream, _side, id in plan.overtaken)


def _by_default(case: Case, plan: PlanView, thing: Thing, key: tuple[str, str]) -> bool:
    """Whether it is the stage that the CRM gave a lead made meanwhile without one (seed 1129): no plan can know that."""
    spec = next(spec for spec in STREAMS[thing[0]] if spec.path(key[0]) == key[1])
    return spec.kind == "stage" and any(
        event.id in thing[1].split("+")
        and event.side == "crm"
        and event.note.endswith("create")
        and plan.since <= event.at <= plan.until
        and spec.crm not in event.values
        for event in case.journal.of("landing")
    )


def _asked(plan: PlanView, thing: Thing) -> bool:
    """Whether a person was asked about it instead, or is asked about the parent it waits for."""
    return any(shown.stream == thing[0] and shown.id in thing[1].split("+") for shown in plan.shown)


def rebuild_is_the_same(case: Case) -> Iterator[Violation]:
    """Every live pair is found again by its key, none is made up, and nothing is written."""
    rebuilt = case.final.rebuilt
    if rebuilt is None:
        return
    if rebuilt.writes:
        yield Violation("rebuild", f"{rebuilt.writes} writes")
    before = {pair for link in case.final.links if (pair := _pair(link))}
    live = {
        pair for link in case.final.links if link.state == "live" and link.stream in STREAMS and (pair := _pair(link))
    }
    dead = {(link.stream, id) for link in case.final.links if link.state == "dead" for id in link.ends.values()}
    after = {pair for link in rebuilt.links if (pair := _pair(link))}
    asked = {(shown.stream, shown.id) for shown in rebuilt.shown}
    for stream, crm, assembly in sorted(after - before):
        if dead & {(stream, crm), (stream, assembly)}:
            # Who was forgotten is known by id alone: nobody knows any more that the two were one.
            continue
        yield Violation("rebuild", f"{stream} {crm} and {assembly} were never linked")
    for stream, crm, assembly in sorted(live - after):
        gone = any(case.row(side, stream, id) is None for side, id in (("crm", crm), ("assembly", assembly)))
        if not gone and not asked & {(stream, crm), (stream, assembly)}:
            yield Violation("rebuild", f"{stream} {crm} and {assembly} were not found again")


def _pair(link: LinkView) -> tuple[str, str, str] | None:
    return (link.stream, link.ends["crm"], link.ends["assembly"]) if len(link.ends) == len(SIDES) else None
