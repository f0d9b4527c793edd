"""The final values: the sides agree, and what they show is what a user wrote and no later known write passed over."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tests.simulation.oracle_case import Case
from tests.simulation.oracle_edits import after_mapping, after_turning, may_win, means, users_writes
from tests.simulation.oracle_mapping import RELOADED
from tests.simulation.oracle_terms import Pair, Violation, Write
from tests.simulation.rules import SIDES, STREAM_OF, FieldSpec, alike, common, other

MOMENT = 1e-9
"""Seconds: just before."""


def fields_to_judge(case: Case) -> Iterator[tuple[Pair, FieldSpec, Mapping[str, Any]]]:
    """Each field of each live pair that no person is asked about, with both sides' values."""
    for pair in case.pairs:
        raws = {side: case.raw(pair.link, side) for side in SIDES}
        if pair.link.state != "live" or None in raws.values():
            continue
        for spec in case.rules.fields(pair.link.stream):
            if not case.excused(pair, spec):
                yield pair, spec, case.values(spec, raws)


def converged(case: Case) -> Iterator[Violation]:
    for pair, spec, values in fields_to_judge(case):
        if not alike(spec, values["crm"], values["assembly"], cut=case.final.cut):
            yield Violation("not converged", f"{pair.link.stream}.{spec.name} of {dict(pair.link.ends)}: {values}")


def no_lost_edit(case: Case) -> Iterator[Violation]:
    """The final value was written by a user, and no later known write was passed over."""
    for pair, spec, values in fields_to_judge(case):
        yield from judge_field(case, pair, spec, values)


def judge_field(case: Case, pair: Pair, spec: FieldSpec, values: Mapping[str, Any]) -> Iterator[Violation]:
    stream = pair.link.stream
    side = other(spec.to) if spec.to else "crm"
    writes, value = users_writes(case, pair, spec), values[side]
    label = f"{stream}.{spec.name} of {dict(pair.link.ends)}"
    if spec.kind == "tags":
        yield from judge_tags(case, pair, spec, label, value or ())
        return
    if from_a_lost_twin(case, pair, spec, side, value):
        return
    added, turned = case.mapping.added(stream, spec.name), case.mapping.turned(stream, spec.name)
    if turned is None and spec.to:
        writes = [write for write in writes if write.side == side]
    if not writes:
        if value is not None and spec.kind != "stage":
            yield Violation("made up", f"{label} is {value!r}, which no user wrote")
        return
    if added is not None and pair.bound is not None and pair.bound < added + RELOADED:
        allowed = after_mapping(case, pair, spec, writes, added)
    elif turned is not None:
        allowed = after_turning(case, pair, spec, writes, turned)
    else:
        allowed = may_win(case, pair, spec, writes)
    if not any(means(case, spec, side, value, write) for write in allowed):
        told = (
            "asked about"
            if not allowed
            else ", ".join(f"{write.value!r} ({write.side} at {write.at:.1f})" for write in allowed)
        )
        rule = "superseded" if any(means(case, spec, side, value, write) for write in writes) else "made up"
        yield Violation(rule, f"{label} is {value!r}; it should be {told}")


def judge_tags(case: Case, pair: Pair, spec: FieldSpec, label: str, shown: Collection[str]) -> Iterator[Violation]:
    """A set is merged by its elements: what anybody added is there, what anybody took away is gone. Each was added once only."""
    writes = users_writes(case, pair, spec)
    if any(write.blind or write.answer for write in writes) or case.undone(pair):
        return
    added, removed, surely = set[str](), set[str](), set[str]()
    for number, write in enumerate(writes):
        before = _stood(case, pair, spec, write, writes[:number])
        since = not case.both_by_users(pair) or (pair.bound is not None and write.at > pair.bound)
        added |= set(write.value or ()) - before if since else set()
        removed |= before - set(write.value or ())
        surely |= before - set(write.value or ()) - unheard(case, pair, spec, write)
    if lost := added - removed - set(shown):
        yield Violation(
            "lost element", f"{label} is {sorted(shown)}; {sorted(lost)} were added and nobody took them away"
        )
    if back := surely & set(shown):
        yield Violation("element back", f"{label} is {sorted(shown)}; somebody took {sorted(back)} away")


def _stood(case: Case, pair: Pair, spec: FieldSpec, write: Write, earlier: Sequence[Write]) -> set[str]:
    """The elements that the writer found. Of two writes in one instant the journal says which came first."""
    together = [one for one in earlier if (one.side, one.at) == (write.side, write.at)]
    if together:
        return set(together[-1].value or ())
    return set(case.value_at(pair.link, write.side, spec, write.at - MOMENT) or ())


def unheard(case: Case, pair: Pair, spec: FieldSpec, write: Write) -> set[str]:
    """Elements that the bridge put there by a write whose answer it had not heard, nor seen come back, when this user wrote.

    Who finds such an element missing cannot tell whether somebody took it away or the write never landed.
    """
    known = [event for event in pair.events if event.kind == "remembered" and event.note != "open"]
    path, found = spec.path(write.side), set[str]()
    for event in pair.events:
        if event.kind != "landing" or event.side != write.side or path not in event.values or event.at > write.at:
            continue
        # A write that its own job remembers was answered, even if the user was faster than the commit.
        if not any(event.at <= one.at and (one.at <= write.at or one.by == event.by) for one in known):
            found |= set(common(spec, event.side, event.values[path], case.world) or ())
    return found


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
