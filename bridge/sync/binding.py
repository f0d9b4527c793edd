"""An unlinked record: find the same thing on the other side, bind it, or create it."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import Any

from bridge.core.effects import (
    Advance,
    Again,
    Busy,
    Claim,
    Commit,
    Done,
    Effect,
    Extend,
    Extended,
    Fenced,
    FindByKey,
    FindByValue,
    Finish,
    GetRecord,
    LinkDraft,
    ListChildren,
    Notice,
    OpenCreates,
    Park,
    Read,
    lease_key,
)
from bridge.core.errors import AlreadyThere, LeaseLost
from bridge.core.identity import (
    Dangling,
    Identity,
    MatchValue,
    Nobody,
    One,
    Several,
    Taken,
    choose,
    join_lease,
    match_key,
    match_values,
)
from bridge.core.mapping.model import Stream
from bridge.core.merge import Mode
from bridge.core.plan import Plan, blockers, entries, pins, plan_create, settle
from bridge.core.records import Intent, Link, Lookups, Patch, Record, Ref, Reference, Step
from bridge.sync.outcomes import outcome_of
from bridge.sync.readback import read_back
from bridge.sync.recovery import concluded, find_created, landed, made_here, maybe_ours, open_creates, parent_of
from bridge.sync.terms import PATIENCE, Terms
from bridge.sync.update import apply, missing_key, planned
from bridge.sync.writing import Flow, Written, look_up, make_labels, write

SHOWN = 5
"""Candidates that a question names."""


def create_or_bind(claim: Claim, stream: Stream, terms: Terms, record: Record) -> Flow:
    """Bind to the one record that is the same thing, ask when several could be, create when there is none."""
    side, other = record.ref.system, stream.other(record.ref.system)
    lookups = yield from look_up(claim, stream, [record])
    matches = match_values(stream, side, record.raw, lookups)
    keys = {match_key(stream, match) for match in matches}
    if side == stream.sides[0]:
        keys.add(join_lease(stream, record.ref.id))
    if (yield from extend(claim, frozenset(keys))) is None:
        return Finish(claim, Again(terms.busy(claim.change), "busy"))
    if (early := _too_early(claim, terms, other)) is not None:
        return early
    twin: Identity = Nobody()
    if not _listed(claim, side):
        twin = yield from find_twin(claim, stream, terms, record, matches, lookups)
    if isinstance(twin, Nobody) and open_creates(claim.intents, other):
        twin = yield from find_created(claim, stream, terms, record)
    match twin:
        case One(found, keyed):
            return (yield from bind(claim, stream, terms, record, found, keyed=keyed))
        case Several() | Taken():
            return _unclear(claim, side, twin)
        case Dangling():
            return _ask(
                claim,
                "dangling key",
                f"its source_specific_ids name no {other} record; creating it could bring back a deleted one",
                "",
            )
        case Nobody():
            return (yield from create(claim, stream, terms, record, matches))


def _too_early(claim: Claim, terms: Terms, other: str) -> Finish | None:
    """A create whose answer was lost may still land: nothing is looked up, let alone repeated, before that is over."""
    for intent in open_creates(claim.intents, other):
        left = terms.timings.window - (claim.now - intent.created_at).total_seconds()
        if left > 0 and intent.step.payload.get("upsert") is not True:
            return Finish(claim, Again(left, "outcome unknown"))
    return None


def _listed(claim: Claim, side: str) -> bool:
    """A backfill that listed both sides found no twin; the upsert under the join key and the remote's refusal of a duplicate
    domain guard what has happened since."""
    return side in claim.seed and not any(intent.state == "open" for intent in claim.intents)


def extend(
    claim: Claim, keys: frozenset[str], ends: frozenset[Reference] = frozenset()
) -> Generator[Effect, Any, Extended | None]:
    """More leases; ``None`` if somebody else holds one."""
    answer = yield Commit(Extend(claim, keys, ends))
    if isinstance(answer, Fenced):
        raise LeaseLost
    return None if isinstance(answer, Busy) else answer


def find_twin(
    claim: Claim,
    stream: Stream,
    terms: Terms,
    record: Record,
    matches: tuple[MatchValue, ...],
    lookups: Lookups,
) -> Generator[Effect, Any, Identity]:
    """Join key first, then the match rules in order."""
    keyed = yield from _by_key(claim, stream, terms, record)
    if not isinstance(keyed, Nobody | Dangling):
        return keyed
    other = stream.other(record.ref.system)
    if not terms.traits(other, stream.object(other)).readable:
        return keyed
    for match in matches:
        ask = FindByValue(other, stream.object(other), match.rule.path(other), match.search)
        candidates: tuple[Record, ...] = yield Read(ask, claim.change.lane)
        taken = yield from _taken(claim, stream, terms, record, candidates)
        chosen = choose(stream, match, other, candidates, taken, lookups)
        if not isinstance(chosen, Nobody):
            return chosen
    return keyed


def _by_key(claim: Claim, stream: Stream, terms: Terms, record: Record) -> Generator[Effect, Any, Identity]:
    left, right = stream.sides
    traits = terms.traits(right, stream.object(right))
    if not traits.join_keys:
        return Nobody()
    if record.ref.system == left:
        if not traits.readable:
            return Nobody()
        found = yield Read(FindByKey(right, stream.object(right), stream.join_key(record.ref.id)), claim.change.lane)
        if found is None:
            return Nobody()
        taken = yield from _linked(claim, stream, [found])
        if taken or (yield from _owned_twice(claim, stream, terms, record, found)):
            return Taken(found, "join key")
        return One(found, keyed=True)
    owners = []
    ids = {left_id for key in terms.keys(record) if (left_id := stream.left_id(key)) is not None}
    for left_id in sorted(ids):
        owner = yield Read(GetRecord(Ref(left, stream.object(left), left_id)), claim.change.lane)
        if owner is not None:
            owners.append(owner)
    if len(owners) > 1:
        return Several(tuple(owners), "join key")
    if not owners:
        return Dangling(record) if ids else Nobody()
    taken = yield from _linked(claim, stream, owners)
    return Taken(owners[0], "join key") if taken else One(owners[0], keyed=True)


def _owned_twice(
    claim: Claim, stream: Stream, terms: Terms, record: Record, found: Record
) -> Generator[Effect, Any, bool]:
    """Whether the carrier of the join key carries that of another record too, which exists: nobody can tell whose it is."""
    left = stream.sides[0]
    others = {stream.left_id(key) for key in terms.keys(found)} - {None, record.ref.id}
    for other in sorted(filter(None, others)):
        if (yield Read(GetRecord(Ref(left, stream.object(left), other)), claim.change.lane)) is not None:
            return True
    return False


def _linked(claim: Claim, stream: Stream, records: list[Record]) -> Generator[Effect, Any, frozenset[str]]:
    """Ids among these that a link of the stream holds already (a dead one too: it never binds again)."""
    ends = frozenset(Reference(stream.name, record.ref.system, record.ref.id) for record in records)
    extended = yield from extend(claim, frozenset(), ends)
    links = extended.links if extended else ()
    own = (claim.change.side, claim.change.record_id)
    if any((end.side, end.record_id) == own for link in links for end in link.ends.values()):
        # Bound to this very record meanwhile: the next look finds the link.
        raise LeaseLost
    return frozenset(
        end.record_id for link in links for end in link.ends.values() if any(end.record_id == r.record_id for r in ends)
    )


def _taken(
    claim: Claim, stream: Stream, terms: Terms, record: Record, candidates: tuple[Record, ...]
) -> Generator[Effect, Any, frozenset[str]]:
    """Ids that belong to something else: by a link, or by a join key that names another record that exists."""
    if not candidates:
        return frozenset()
    left, right = stream.sides
    taken = set((yield from _linked(claim, stream, list(candidates))))
    for candidate in candidates:
        if candidate.ref.id in taken or not terms.traits(right, stream.object(right)).join_keys:
            continue
        if candidate.ref.system == right:
            owners = {stream.left_id(key) for key in terms.keys(candidate)} - {None, record.ref.id}
            for owner in sorted(filter(None, owners)):
                if (yield Read(GetRecord(Ref(left, stream.object(left), owner)), claim.change.lane)) is not None:
                    taken.add(candidate.ref.id)
        else:
            key = stream.join_key(candidate.ref.id)
            carrier = yield Read(FindByKey(right, stream.object(right), key), claim.change.lane)
            if carrier is not None and carrier.ref.id != record.ref.id:
                taken.add(candidate.ref.id)
    return frozenset(taken)


def bind(claim: Claim, stream: Stream, terms: Terms, record: Record, found: Record, *, keyed: bool) -> Flow:
    """Make the link. With a join key and no memory nothing is overwritten: differences are shown."""
    ends = frozenset({Reference(stream.name, found.ref.system, found.ref.id)})
    extended = yield from extend(claim, frozenset({lease_key(found.ref)}), ends)
    if extended is None:
        return Finish(claim, Again(terms.busy(claim.change), "busy"))
    if extended.links:
        return Finish(claim, Again(terms.timings.busy, "bound meanwhile"))
    records: dict[str, Record | None] = {record.ref.system: record, found.ref.system: found}
    ids = {record.ref.system: record.ref.id, found.ref.system: found.ref.id}
    mode: Mode = "rebuild" if keyed else "bind"
    base: Link | None = None
    lookups = yield from look_up(claim, stream, [record, found])
    creates = (*claim.intents, *extended.intents)
    match made_here(stream, terms, creates, record, found, lookups):
        case Link() as memory:
            base, mode = memory, "known"
        case "perhaps" if not keyed:
            mode = "doubt"
    plan, lookups = yield from planned(claim, stream, terms, records, base, mode)
    key = missing_key(stream, terms, records)
    if base is None and not keyed and (plan.writes or key is not None):
        # The choice is remembered before anything is written on its strength: interrupted, the next look goes on with this
        # partner, whatever the value that matched has become meanwhile.
        ends_now = settle(stream, plan, None, records, ids, {})
        draft = LinkDraft(None, stream.name, "half", ends_now, pinned=pins(plan, None, {}))
        answer = yield Commit(Advance(claim, draft, concluded(creates)))
        if not isinstance(answer, Link):
            raise LeaseLost
        return (yield from apply(claim, stream, terms, plan, answer, records, ids, lookups, bind=key, result="bound"))
    finish = yield from apply(claim, stream, terms, plan, base, records, ids, lookups, bind=key, result="bound")
    if finish.link is not None:
        # The memory that stood in for a base is no link of the store's yet.
        link = dataclasses.replace(finish.link, id=None, version=0)
        intents = {**concluded(creates, found=base is not None), **finish.intents}
        finish = dataclasses.replace(finish, link=link, intents=intents)
    return finish


def create(
    claim: Claim,
    stream: Stream,
    terms: Terms,
    record: Record,
    matches: tuple[MatchValue, ...],
) -> Flow:
    """Make the record on the other side, if the stream may."""
    side, other = record.ref.system, stream.other(record.ref.system)
    if not stream.creates(other):
        return Finish(claim, Done("not created", side))
    lost: tuple[Intent, ...] = yield Commit(OpenCreates(claim.change.connection, stream.name, side))
    if (mine := maybe_ours(stream, record, lost)) is not None:
        # Its webhook outran the answer to our own create: the saga that made it will bind it, or ask a person. One that was
        # given up may have been sent late, by a worker that had been stopped.
        if mine.state != "open" or claim.change.attempts >= PATIENCE:
            return _ask(claim, "ambiguous", "it may be what a create of ours made whose answer was lost", "")
        pause = max(terms.timings.lag, terms.backoff(claim.change.attempts))
        return Finish(claim, Again(pause, "may be our own create", counts=True))
    lookups = yield from look_up(claim, stream, [record])
    plan = plan_create(stream, record, lookups, identity=record.ref.id)
    if plan.labels:
        yield from make_labels(claim, plan.labels)
        lookups = yield from look_up(claim, stream, [record], fresh=True)
        plan = plan_create(stream, record, lookups, identity=record.ref.id)
    if stopping := blockers(plan):
        return Finish(claim, Park(stopping[0].cause, stopping[0].detail), notices=plan.notices)
    steps = [(other, step) for step in terms.steps(other, "create", plan.patches[other])]
    if other == stream.sides[0]:
        return (yield from _create_left(claim, stream, terms, record, plan, steps))
    written = yield from write(claim, steps, {"create": 1})
    if isinstance(written, Finish):
        return written
    written.intents.update(concluded(landed(claim, terms)))
    if isinstance(written.problem, AlreadyThere) and not written.created:
        return (yield from _adopt(claim, stream, terms, record, matches, written))
    return (yield from _created(claim, stream, terms, record, plan, written))


def _created(claim: Claim, stream: Stream, terms: Terms, record: Record, plan: Plan, written: Written) -> Flow:
    side, other = record.ref.system, stream.other(record.ref.system)
    outcome, notices = outcome_of(claim, terms, written, "created")
    new = written.created.get(other)
    if new is None:
        return Finish(claim, outcome, intents=written.intents, notices=notices)
    answered, ids = written.paths(), {side: record.ref.id, other: new}
    seen = yield from read_back(claim, stream, terms, plan, written, ids)
    ends = seen.seen(settle(stream, plan, None, {side: record, other: None}, ids, answered))
    draft = LinkDraft(None, stream.name, "live", ends, pinned=pins(plan, None, answered))
    return Finish(claim, outcome, draft, entries(plan, answered), written.intents, (*plan.notices, *notices))


def _adopt(
    claim: Claim, stream: Stream, terms: Terms, record: Record, matches: tuple[MatchValue, ...], written: Written
) -> Flow:
    """The remote has something under this domain, email or key already: find it, and bind it if it is free."""
    lookups = yield from look_up(claim, stream, [record])
    twin = yield from find_twin(claim, stream, terms, record, matches, lookups)
    side = record.ref.system
    if isinstance(twin, One):
        finish = yield from bind(claim, stream, terms, record, twin.record, keyed=twin.keyed)
    elif isinstance(twin, Nobody | Dangling):
        finish = _ask(claim, "rejected", str(written.problem), "")
    else:
        finish = _unclear(claim, side, twin)
    return dataclasses.replace(finish, intents={**written.intents, **finish.intents})


def _create_left(
    claim: Claim, stream: Stream, terms: Terms, record: Record, plan: Plan, steps: list[tuple[str, Step]]
) -> Flow:
    """A create without a join key is a saga: intent → create → half-bound link → join key into the right side → bound."""
    left, right = stream.sides
    known: dict[str, Link] = {}

    def remember(side: str, written: Written) -> Generator[Effect, Any, None]:
        if known or side != left or left not in written.created:
            return
        ids = {right: record.ref.id, left: written.created[left]}
        ends = settle(stream, plan, None, {right: record, left: None}, ids, written.paths())
        draft = LinkDraft(None, stream.name, "half", ends, pinned=pins(plan, None, written.paths()))
        answer = yield Commit(Advance(claim, draft, dict(written.intents), entries(plan, written.paths())))
        if isinstance(answer, Fenced | Busy):
            raise LeaseLost
        known["link"] = answer

    snapshot = yield from _snapshot(claim, stream, terms, plan)
    written = yield from write(claim, steps, {"create": 1}, snapshot=snapshot, after=remember)
    if isinstance(written, Finish):
        return written
    written.intents.update(concluded(claim.intents))
    if "link" not in known:
        outcome, notices = outcome_of(claim, terms, written, "created")
        return Finish(claim, outcome, intents=written.intents, notices=notices)
    link = known["link"]
    if written.problem is not None:
        outcome, notices = outcome_of(claim, terms, written, "created")
        return Finish(claim, outcome, intents=written.intents, notices=notices)
    key = stream.join_key(written.created[left])
    patch = Patch(stream.object(right), record.ref.id, bind=key)
    keying = yield from write(claim, [(right, step) for step in terms.steps(right, "update", patch)], {})
    if isinstance(keying, Finish):
        return keying
    outcome, notices = outcome_of(claim, terms, keying, "created")
    ids = {right: record.ref.id, left: written.created[left]}
    seen = yield from read_back(claim, stream, terms, plan, written, ids)
    ends = seen.seen(settle(stream, plan, link, {right: record, left: None}, ids, written.paths()))
    state = "live" if keying.problem is None else "half"
    draft = LinkDraft(link.id, stream.name, "live" if state == "live" else "half", ends, link.version)
    return Finish(claim, outcome, draft, (), {**written.intents, **keying.intents}, (*plan.notices, *notices))


def _snapshot(claim: Claim, stream: Stream, terms: Terms, plan: Plan) -> Generator[Effect, Any, tuple[str, ...]]:
    """Ids of the parent's children before a create that cannot be found by a match rule (a lead, an activity)."""
    left = stream.sides[0]
    if stream.match:
        return ()
    parent = parent_of(
        stream, terms, left, {item.rule.key(left): item.raw[left] for item in plan.fields if left in item.raw}
    )
    if parent is None:
        return ()
    children: tuple[Record, ...] = yield Read(ListChildren(left, stream.object(left), parent), claim.change.lane)
    return tuple(child.ref.id for child in children)


def _unclear(claim: Claim, side: str, twin: Several | Taken) -> Finish:
    """A person is told which records they are: without the ids nobody could mend anything."""
    if isinstance(twin, Taken):
        detail = f"{_named(twin.record)} has this {twin.field} and belongs, or belonged, to another {side} record"
        return _ask(claim, "taken", detail, twin.field)
    names = ", ".join(map(_named, twin.records[:SHOWN])) + (" …" if len(twin.records) > SHOWN else "")
    if twin.field == "join key":
        detail = f"its source_specific_ids name {len(twin.records)} records that exist: {names}"
    else:
        detail = f"{len(twin.records)} records have the same {twin.field}: {names}"
    return _ask(claim, "ambiguous", detail, twin.field)


def _named(record: Record) -> str:
    return f"{record.ref.system}:{record.ref.id}"


def _ask(claim: Claim, cause: str, detail: str, field: str) -> Finish:
    ways: tuple[str, ...] = ("retry", "dismiss")
    notice = Notice(cause, detail, group=f"{cause}/{field}" if field else cause, ways=ways)
    return Finish(claim, Park(cause, detail), notices=(notice,))
