"""Observe both sides → merge with the shadows → plan → declare → write → remember, for one claimed change.

A generator of effects: it does nothing itself, so production and simulation run the very same code. Whatever happens, its
last effect is one ``Finish``; a kill before that leaves a lease that runs out and intents that say what may have been sent.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any, TypeAlias

from bridge.core.effects import (
    Again,
    AwaitParent,
    Busy,
    Claim,
    Commit,
    Done,
    Effect,
    EndDraft,
    Finish,
    GetRecord,
    LinkDraft,
    Notice,
    Outcome,
    Park,
    Read,
)
from bridge.core.errors import LeaseLost, ParentNotLinked, RemoteError, Undecodable
from bridge.core.mapping.model import Stream
from bridge.core.plan import own_stamp, unfinished, unmoved
from bridge.core.records import Link, Record, Ref
from bridge.sync.binding import create_or_bind
from bridge.sync.compare import fingerprint
from bridge.sync.deletion import gone, left_scope
from bridge.sync.outcomes import lapsed, refusal
from bridge.sync.terms import Terms
from bridge.sync.undoing import uncreate
from bridge.sync.update import bring_in_step

Flow: TypeAlias = Generator[Effect, Any, Finish]


def reconcile(claim: Claim, terms: Terms) -> Generator[Effect, Any, None]:
    """Bring one record in step. Raises nothing but bugs."""
    try:
        finish = yield from _reconcile(claim, terms)
    except STOPPING as problem:
        finish = _stopped(claim, terms, problem)
    # A look that concluded nothing may not have seen the side that an old write landed on.
    over = lapsed(finish, terms) if isinstance(finish.outcome, Done) else {}
    intents = {**over, **finish.intents}
    finish = replace(finish, intents=intents, outcome=_once_more(claim, terms, finish))
    answer = yield Commit(finish)
    if isinstance(answer, Busy):
        # Another link took one of the ends meanwhile: what was decided here is void, what was answered is not.
        keep = frozenset(claim.open_fields)
        yield Commit(Finish(claim, Again(terms.timings.busy, "bound meanwhile"), intents=intents, keep_notices=keep))


def _once_more(claim: Claim, terms: Terms, finish: Finish) -> Outcome:
    """A webhook may outrun the replica we read: what that showed can be new, and still not the newest. Where the listing is asked
    often (``updated_after``) it tells of the rest."""
    outcome, change = finish.outcome, claim.change
    if not isinstance(outcome, Done) or not terms.looks_again(change) or change.stream not in terms.mappings:
        return outcome
    stream = terms.mappings[change.stream]
    linked = finish.link is not None and finish.link.state == "live"
    if not linked or terms.traits(change.side, stream.object(change.side)).updated_after:
        return outcome
    return replace(outcome, settle=terms.timings.settle)


STOPPING = (LeaseLost, ParentNotLinked, Undecodable, RemoteError)


def _stopped(claim: Claim, terms: Terms, problem: Exception) -> Finish:
    keep = frozenset(claim.open_fields)
    match problem:
        case LeaseLost():
            # Somebody else has the record by now; what we decided is worth nothing.
            return Finish(claim, Again(terms.timings.busy, "lease"), keep_notices=keep)
        case ParentNotLinked():
            return Finish(claim, AwaitParent(problem.reference), keep_notices=keep)
        case Undecodable():
            # A ``where`` that fails on this record: in or out is not for us to guess.
            notice = Notice(problem.cause, str(problem), group=problem.cause, ways=("retry", "dismiss"))
            return Finish(claim, Park(problem.cause, str(problem)), notices=(notice,))
        case RemoteError():
            return refusal(claim, terms, problem)
        case _:
            raise problem


def _reconcile(claim: Claim, terms: Terms) -> Flow:
    change = claim.change
    if change.stream not in terms.mappings:
        return Finish(claim, Done("stream gone"), keep_notices=frozenset(claim.open_fields))
    stream = terms.mappings[change.stream]
    if claim.link is not None and claim.link.state == "dead":
        return Finish(claim, Done("dead"), keep_notices=frozenset(claim.open_fields))
    if claim.undo is not None and claim.link is None:
        return Finish(claim, Done("moved on"), keep_notices=frozenset(claim.open_fields))
    if claim.undo is not None and claim.undo.created:
        return (yield from uncreate(claim, stream, terms, claim.undo))
    record = yield from _hinted(claim, stream)
    if record is None:
        return (yield from gone(claim, stream, terms, change.side))
    link = claim.link
    if link is None:
        return (yield from _unlinked(claim, stream, terms, record))
    if not stream.in_scope(change.side, record.raw):
        return (yield from left_scope(claim, stream, terms, record))
    if (stale := _stale(claim, terms, record)) is not None:
        return stale
    end = link.end(change.side)
    # What a run planned is looked at on both sides: it may have been the other one that moved.
    asked = claim.decisions or claim.open_fields or claim.undo is not None or change.item is not None
    quiet = link.state == "live" and not asked and not _open(claim) and not unfinished(link)
    if quiet and end is not None and unmoved(stream, change.side, record, end.shadow):
        return _nothing(claim, terms, link, record)
    return (yield from bring_in_step(claim, stream, terms, record))


def _unlinked(claim: Claim, stream: Stream, terms: Terms, record: Record) -> Flow:
    """What was seen is noted, unless it became a link: a listing that shows something else hints again."""
    side = record.ref.system
    try:
        if stream.in_scope(side, record.raw):
            finish = yield from create_or_bind(claim, stream, terms, record)
        else:
            finish = Finish(claim, Done("out of scope", side))
    except STOPPING as problem:
        finish = _stopped(claim, terms, problem)
    if isinstance(finish.outcome, Done) and finish.link is None and terms.looks_again(claim.change):
        finish = replace(finish, outcome=Again(terms.timings.settle, "settle", settle=True))
    return finish if finish.link is not None else replace(finish, seen=fingerprint(stream, side, record))


def _hinted(claim: Claim, stream: Stream) -> Generator[Effect, Any, Record | None]:
    """The hinted record: as the listing that planned this item showed it, or read now."""
    side = claim.change.side
    ref = Ref(side, stream.object(side), claim.change.record_id)
    if claim.link is None and side in claim.seed and not _open(claim):
        return Record(ref, claim.seed[side])
    record: Record | None = yield Read(GetRecord(ref), claim.change.lane)
    return record


def _stale(claim: Claim, terms: Terms, record: Record) -> Finish | None:
    """A read older than what is remembered comes from a replica that lags: look again."""
    end = claim.link.end(claim.change.side) if claim.link else None
    if end is None or record.updated_at is None or end.shadow.updated_at is None:
        return None
    if record.updated_at >= end.shadow.updated_at:
        return None
    return Finish(claim, Again(terms.timings.lag, "stale read"), keep_notices=frozenset(claim.open_fields))


def _open(claim: Claim) -> bool:
    return any(intent.state == "open" for intent in claim.intents)


def _nothing(claim: Claim, terms: Terms, link: Link, record: Record) -> Finish:
    """Found nothing, or our own write coming back: remember that it did, and ask the other side nothing.

    A hint is looked at once more later: its webhook may have outrun the replica we read.
    """
    change, draft = claim.change, None
    end = link.ends[change.side]
    if end.shadow.sent or record.updated_at != end.shadow.updated_at:
        own_at = own_stamp(end.shadow, record.updated_at)
        seen = replace(end.shadow, sent=frozenset(), updated_at=record.updated_at, own_at=own_at)
        ends = {side: EndDraft(held.record_id, held.shadow) for side, held in link.ends.items()}
        ends[change.side] = EndDraft(end.record_id, seen)
        draft = LinkDraft(link.id, link.stream, link.state, ends, link.version, link.pinned)
    if terms.looks_again(change):
        return Finish(claim, Again(terms.timings.settle, "settle", settle=True), draft)
    return Finish(claim, Done("unchanged", change.side), draft)
