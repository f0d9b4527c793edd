"""The final values: the sides agree, and what they show is what a user wrote and no later known write passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.simulation.oracle_case import Case
from tests.simulation.oracle_edits import may_win, means, users_writes
from tests.simulation.oracle_terms import Pair, Violation
from tests.simulation.rules import SIDES, STREAM_OF, FieldSpec, alike, common, other


def converged(case: Case) -> Iterator[Violation]:
    for pair in case.pairs:
        raws = {side: case.raw(pair.link, side) for side in SIDES}
        if pair.link.state != "live" or None in raws.values():
            continue
        for spec in case.rules.fields(pair.link.stream):
            if case.excused(pair.link, spec):
                continue
            values = case.values(spec, raws)
            if not alike(spec, values["crm"], values["assembly"], cut=case.final.cut):
                yield Violation("not converged", f"{pair.link.stream}.{spec.name} of {dict(pair.link.ends)}: {values}")


def no_lost_edit(case: Case) -> Iterator[Violation]:
    """The final value was written by a user, and no later known write was passed over."""
    for pair in case.pairs:
        raws = {side: case.raw(pair.link, side) for side in SIDES}
        if pair.link.state != "live" or None in raws.values():
            continue
        for spec in case.rules.fields(pair.link.stream):
            if case.excused(pair.link, spec):
                continue
            yield from judge_field(case, pair, spec, case.values(spec, raws))


def judge_field(case: Case, pair: Pair, spec: FieldSpec, values: Mapping[str, Any]) -> Iterator[Violation]:
    source = other(spec.to) if spec.to else None
    writes = [write for write in users_writes(case, pair, spec) if source in (None, write.side)]
    value = values[source or "crm"]
    label = f"{pair.link.stream}.{spec.name} of {dict(pair.link.ends)}"
    if from_a_lost_twin(case, pair, spec, source or "crm", value):
        return
    if not writes:
        if value is not None and spec.kind != "stage":
            yield Violation("made up", f"{label} is {value!r}, which no user wrote")
        return
    allowed = may_win(case, pair, spec, writes)
    side = source or "crm"
    if not any(means(case, spec, side, value, write) for write in allowed):
        told = ", ".join(f"{write.value!r} ({write.side} at {write.at:.1f})" for write in allowed)
        rule = "superseded" if any(means(case, spec, side, value, write) for write in writes) else "made up"
        yield Violation(rule, f"{label} is {value!r}; it should be {told}")


def from_a_lost_twin(case: Case, pair: Pair, spec: FieldSpec, side: str, value: Any) -> bool:
    """While the pair was not bound yet the record was being bound to another one, which a user deleted meanwhile."""
    gone = {(event.side, event.id) for event in case.journal.of("delete")}
    written = [
        common(spec, event.side, event.values[spec.path(event.side)], case.world)
        for event in case.journal.of("create", "edit")
        if (event.side, event.id) in gone
        and STREAM_OF[event.side, event.object] == pair.link.stream
        and spec.path(event.side) in event.values
    ]
    landed = [event for event in pair.events if event.kind == "landing" and event.side == side]
    before = [event for event in landed if pair.bound is None or event.at < pair.bound]
    return value in written and any(spec.path(side) in event.values for event in before)
