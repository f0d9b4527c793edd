"""Which of the users' writes of one field may win.

For each field of each linked pair the users' writes are put into the order that everybody could know (*before*): two writes on
one side by time; a write on the other side comes after one whose image had landed there and been remembered first. The writes that
no other follows are the ones that may win.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.simulation.journal import Event
from tests.simulation.oracle_case import Case
from tests.simulation.oracle_mapping import RELOADED, same_throughout
from tests.simulation.oracle_newest import newest
from tests.simulation.oracle_terms import Pair, Write
from tests.simulation.rules import SIDES, FieldSpec, alike, common, other


def may_win(case: Case, pair: Pair, spec: FieldSpec, writes: Sequence[Write]) -> list[Write]:
    """The writes that no known write follows; those made blind may have been overwritten."""
    answers = [write for write in writes if write.answer]
    if answers:
        return _answered(case, pair, spec, writes, max(answers, key=lambda write: write.at))
    certain = [write for write in writes if not (write.blind or came_back(case, pair, spec, write))]
    winners = maximal(case, pair, spec, writes)
    if len(certain) < len(writes) and certain:
        winners += maximal(case, pair, spec, certain)
    return by_rule(case, pair, spec, winners)


def _answered(case: Case, pair: Pair, spec: FieldSpec, writes: Sequence[Write], last: Write) -> list[Write]:
    """After a person's answer: their word, unless somebody edits the field before it is carried out."""
    later = [write for write in writes if write.at >= last.at and write is not last]
    if not later and case.saw_the_truth(pair, spec, last):
        return [last]
    unasked = [write for write in writes if not write.answer]
    return maximal(case, pair, spec, writes) + (may_win(case, pair, spec, unasked) if unasked else [])


def came_back(case: Case, pair: Pair, spec: FieldSpec, write: Write) -> bool:
    """It set again what was remembered last: who compares with that sees no edit."""
    path = spec.path(write.side)
    known = [at for at in pair.remembered if at < write.at]
    before = [
        event
        for event in pair.events
        if event.side == write.side and path in event.values and known and event.at <= known[-1]
    ]
    if not before:
        # Nobody ever wrote it there: it was remembered as empty.
        return bool(known) and write.value is None
    return bool(common(spec, write.side, before[-1].values[path], case.world) == write.value)


def maximal(case: Case, pair: Pair, spec: FieldSpec, writes: Sequence[Write]) -> list[Write]:
    return [w for w in writes if not any(before(case, pair, spec, w, later) for later in writes if later is not w)]


def before(case: Case, pair: Pair, spec: FieldSpec, first: Write, second: Write) -> bool:
    """Whether the second write was made by someone who could see the first."""
    if first.at > second.at:
        return False
    if first.side == second.side or second.answer:
        return first.at < second.at
    shown = [at for at in landed(case, pair, spec, second.side, first) if at < second.at]
    return any(landed < known < second.at for landed in shown for known in pair.remembered)


def by_rule(case: Case, pair: Pair, spec: FieldSpec, winners: list[Write]) -> list[Write]:
    """Where both sides were written without knowing of each other, the field's rule picks the side."""
    sides = {write.side for write in winners}
    if len(sides) < 2 or any(write.blind or came_back(case, pair, spec, write) for write in winners):
        return winners
    first = min(write.at for write in winners)
    if any(event.kind in ("landing", "remembered") and event.at >= first for event in before_all(case, pair, winners)):
        return winners
    if not same_throughout(case.mapping, [write.at for write in winners]):
        return winners
    common_past = ever_landed(case, pair, spec, winners) or adopted(case, pair, spec)
    without_base = case.both_by_users(pair) and not common_past
    rule = case.rules.on_bind if without_base else case.rules.conflict
    if agreed_once(case, pair, spec, winners):
        return winners
    if rule == "newest" and not _agree(case, spec, winners):
        proven = newest(case, pair, spec, winners, own_counts=without_base)
        if without_base and any(write.value is None for write in winners):
            return winners
        return [write for write in winners if write.side in proven]
    if rule not in SIDES:
        return winners
    if without_base and any(write.value is None for write in winners):
        return [write for write in winners if write.value is not None] or winners
    return [write for write in winners if write.side == rule]


def _agree(case: Case, spec: FieldSpec, winners: Sequence[Write]) -> bool:
    return any(
        means(case, spec, one.side, one.value, two) for one in winners for two in winners if one.side != two.side
    )


def ever_landed(case: Case, pair: Pair, spec: FieldSpec, winners: Sequence[Write]) -> bool:
    """Whether the bridge wrote the field before these writes: until then two bound records have no common past."""
    return any(
        event.kind == "landing" and spec.path(event.side) in event.values for event in before_all(case, pair, winners)
    )


def adopted(case: Case, pair: Pair, spec: FieldSpec) -> bool:
    """Whether both sides said the same when the pair was first remembered."""
    if pair.bound is None:
        return False
    # Nobody wrote it: it was empty there.
    last = {side: Write(0.0, side, None) for side in SIDES}
    last |= {write.side: write for write in users_writes(case, pair, spec) if write.at <= pair.bound}
    return means(case, spec, "crm", last["crm"].value, last["assembly"])


def agreed_once(case: Case, pair: Pair, spec: FieldSpec, winners: Sequence[Write]) -> bool:
    """Both sides said the same for a while; an edit after that is no conflict, and no difference on bind."""
    writes = users_writes(case, pair, spec)
    return any(
        means(case, spec, winner.side, winner.value, write)
        for winner in winners
        for write in writes
        if write.side != winner.side
    )


def before_all(case: Case, pair: Pair, winners: Sequence[Write]) -> Iterator[Event]:
    last = max(write.at for write in winners)
    return (event for event in pair.events if event.at <= last)


def landed(case: Case, pair: Pair, spec: FieldSpec, side: str, write: Write) -> Iterator[float]:
    """When the value of a write took effect on a side by the bridge's hand."""
    for event in pair.events:
        if event.kind == "landing" and event.side == side and spec.path(side) in event.values:
            value = common(spec, side, event.values[spec.path(side)], case.world)
            if event.at > write.at and means(case, spec, side, value, write):
                yield event.at


def users_writes(case: Case, pair: Pair, spec: FieldSpec) -> list[Write]:
    """All users' writes of a field on either end. A record made without the field says nothing of it."""
    found = []
    for event in pair.events:
        if event.kind in ("create", "edit") and spec.path(event.side) in event.values:
            value = common(spec, event.side, event.values[spec.path(event.side)], case.world)
            if event.kind == "edit" or value is not None:
                found.append(Write(event.at, event.side, value, blind(case, pair, spec, event)))
    return found + case.answers(pair, spec)


def blind(case: Case, pair: Pair, spec: FieldSpec, edit: Event) -> bool:
    path = spec.path(edit.side)
    return any(
        event.kind == "landing"
        and event.side == edit.side
        and path in event.values
        and event.seen is not None
        and event.seen <= edit.at <= event.at
        for event in pair.events
    )


def means(case: Case, spec: FieldSpec, side: str, value: Any, write: Write) -> bool:
    """Whether a value on ``side`` is what was written: exactly on the same side, in the remote's spelling on the other."""
    if write.answer and side == "crm":
        # What a person typed into the bridge is spelled by the CRM as by Assembly.
        return alike(spec, write.value, value, cut=case.final.cut)
    if write.side == side:
        return bool(value == write.value)
    crm, assembly = (value, write.value) if side == "crm" else (write.value, value)
    return alike(spec, crm, assembly, cut=case.final.cut)


def after_turning(case: Case, pair: Pair, spec: FieldSpec, writes: Sequence[Write], turned: float) -> list[Write]:
    """The writes that may win once a field's direction was changed: what reached the source before, or came there since."""
    if spec.to is None:
        return list(writes)
    source = other(spec.to)
    since = [write for write in writes if write.side == source and write.at > turned + RELOADED]
    if since:
        return [max(since, key=lambda write: write.at)]
    before = [write for write in writes if write.side == source or write.at < turned + RELOADED]
    return [*before, Write(turned, source, case.value_at(pair.link, source, spec, turned))]


def after_mapping(case: Case, pair: Pair, spec: FieldSpec, writes: Sequence[Write], added: float) -> list[Write]:
    """The writes that may win of a field that is mapped since ``added``: until then nobody compared the two sides."""
    stood = [Write(added, side, case.value_at(pair.link, side, spec, added)) for side in SIDES]
    since = [write for write in writes if write.at > added]
    if since:
        return [*stood, *(write for write in since if not any(_follows(write, later) for later in since))]
    full = [write for write in stood if write.value is not None]
    if len(full) < len(SIDES):
        return full or stood
    if case.rules.on_bind not in SIDES or not same_throughout(case.mapping, [added]):
        return stood
    return [write for write in stood if write.side == case.rules.on_bind]


def _follows(first: Write, second: Write) -> bool:
    return first.side == second.side and first.at < second.at
