"""A record that is not there any more, or left the stream's scope."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from bridge.core.effects import (
    Again,
    Claim,
    Commit,
    Done,
    Effect,
    EndDraft,
    Entry,
    Finish,
    GetRecord,
    LinkDraft,
    ListChildren,
    Notice,
    Park,
    Read,
    Siblings,
)
from bridge.core.mapping.model import Stream
from bridge.core.plan import as_remembered
from bridge.core.records import ABSENT, Link, LinkState, Patch, Record, Ref
from bridge.sync.compare import SEEMED_GONE
from bridge.sync.outcomes import outcome_of
from bridge.sync.terms import PATIENCE, Terms
from bridge.sync.writing import Flow, Written, write

SUSPECTED = "gone?"
DOUBTED = frozenset({SUSPECTED, *SEEMED_GONE})
"""Where somebody deletes the hundred newest records, none of them can vouch for another."""


def gone(claim: Claim, stream: Stream, terms: Terms, side: str) -> Flow:
    """``side`` answered 404. Absence is a suspicion until it was confirmed after the lag, while records that ought to be there
    still answer: a wrong key and a wrong entity say 404 too."""
    link, keep = claim.link, frozenset(claim.open_fields)
    if link is None:
        if not claim.change.looked_again:
            # The webhook of a new record may have outrun the replica we read.
            pause = max(terms.timings.settle, terms.timings.lag)
            return Finish(claim, Again(pause, "settle", settle=True), keep_notices=keep)
        others = yield from _others_answer(claim, stream, side, claim.change.record_id)
        if others is None:
            others = yield from _others_answer(claim, stream, side, claim.change.record_id, doubted=frozenset())
        if others is False:
            # Records that are linked answer 404, too: the key or the entity is wrong, and says nothing about this one.
            if claim.change.attempts >= PATIENCE:
                return _looks_empty(claim, side)
            pause = terms.backoff(claim.change.attempts) + terms.timings.lag
            return Finish(claim, Again(pause, "side looks empty", counts=True), keep_notices=keep)
        return Finish(claim, Done("gone", side), keep_notices=keep)
    if claim.change.cause != SUSPECTED:
        return Finish(claim, Again(terms.timings.lag, SUSPECTED), keep_notices=keep)
    confirmed = yield from _others_answer(claim, stream, side, link.ends[side].record_id)
    if confirmed is None:
        detail = f"the {side} record answers 404, and no other record of the stream could be asked whether the key still works"
        return Finish(
            claim,
            Park("deletion unconfirmed", detail),
            notices=(Notice("deletion unconfirmed", detail, ways=("retry", "dismiss")),),
        )
    if not confirmed:
        if claim.change.attempts < PATIENCE:
            # Others may have been deleted just now, too, and not be looked at yet.
            pause = terms.backoff(claim.change.attempts) + terms.timings.lag
            return Finish(claim, Again(pause, SUSPECTED, counts=True), keep_notices=keep)
        return _looks_empty(claim, side)
    return (yield from _apply_deletion(claim, stream, terms, side, link))


def _looks_empty(claim: Claim, side: str) -> Finish:
    detail = f"{side} answers 404 to records that were there: wrong key, wrong entity, or an emptied system"
    notice = Notice("side looks empty", detail, group="side looks empty", ways=("retry",))
    return Finish(claim, Park("side looks empty", detail), notices=(notice,))


def _others_answer(
    claim: Claim, stream: Stream, side: str, besides: str, doubted: frozenset[str] = DOUBTED
) -> Generator[Effect, Any, bool | None]:
    """Whether any record that ought to be there answers; ``None`` if there is none to ask."""
    ask = Siblings(claim.change.connection, stream.name, side, besides, doubted=doubted)
    ids: tuple[str, ...] = yield Commit(ask)
    for record_id in ids:
        if (yield Read(GetRecord(Ref(side, stream.object(side), record_id)), claim.change.lane)) is not None:
            return True
    return False if ids else None


def _apply_deletion(claim: Claim, stream: Stream, terms: Terms, side: str, link: Link) -> Flow:
    other = stream.other(side)
    end = link.end(other)
    policy = stream.on_delete(other)
    lines: tuple[Entry, ...] = (Entry(side, "", ABSENT, ABSENT, "deleted", ""),)
    if end is None or policy == "ignore" or not terms.traits(other, stream.object(other)).readable:
        return dead(claim, stream, link, lines)
    survivor = yield Read(GetRecord(Ref(other, stream.object(other), end.record_id)), claim.change.lane)
    if survivor is None:
        return dead(claim, stream, link, lines)
    if not as_remembered(stream, other, survivor, end.shadow, untouched=False):
        detail = f"deleted in {side}, but edited in {other} since: the {other} record is kept"
        finish = dead(claim, stream, link, lines)
        return Finish(
            claim, finish.outcome, finish.link, lines, notices=(Notice("edited since", detail, ways=("dismiss",)),)
        )
    if (yield from has_children(claim, stream, terms, survivor)):
        detail = f"deleted in {side}, but the {other} record has children that would be orphaned"
        notice = Notice("has live children", detail, ways=("retry", "dismiss"))
        return Finish(claim, Park("has live children", detail), notices=(notice,))
    patch = Patch(stream.object(other), end.record_id, dict(stream.archive_patch(other) or {}))
    if policy == "archive" and not patch.set:
        return dead(claim, stream, link, lines)
    verb = "delete" if policy == "delete" else "update"
    steps = [(other, step) for step in terms.steps(other, verb, patch)]
    written = yield from write(claim, steps, {"delete": 1})
    if isinstance(written, Finish):
        return written
    if written.problem is not None:
        return failed(claim, terms, written)
    lines += (Entry(other, "", ABSENT, ABSENT, "archived" if policy == "archive" else "deleted", ""),)
    finish = dead(claim, stream, link, lines)
    return Finish(claim, Done("deleted", side), finish.link, lines, written.intents)


def has_children(claim: Claim, stream: Stream, terms: Terms, record: Record) -> Generator[Effect, Any, bool]:
    """Whether any record of a stream below this one still hangs on it."""
    side = record.ref.system
    for child in terms.mappings.streams:
        if stream.name not in child.parents or side not in child.sides:
            continue
        if not terms.traits(side, child.object(side)).readable:
            continue
        found: tuple[Record, ...] = yield Read(ListChildren(side, child.object(side), record.ref), claim.change.lane)
        if any(child.in_scope(side, one.raw) for one in found):
            return True
    return False


def failed(claim: Claim, terms: Terms, written: Written) -> Finish:
    outcome, notices = outcome_of(claim, terms, written, "deleted")
    return Finish(claim, outcome, intents=written.intents, notices=notices, keep_notices=frozenset(claim.open_fields))


def dead(claim: Claim, stream: Stream, link: Link, lines: tuple[Entry, ...]) -> Finish:
    """Kept, so that nothing recreates what somebody deleted."""
    return Finish(claim, Done("deleted", claim.change.side), _as(link, stream, "dead"), lines)


def left_scope(claim: Claim, stream: Stream, terms: Terms, record: Record) -> Flow:
    """The record does not meet the stream's ``where``: its link is suspended and nothing is written, its shadows stay frozen."""
    side, link = record.ref.system, claim.link
    if link is None:
        raise LookupError("only a linked record can leave the scope")
    if link.state == "suspended":
        return Finish(claim, Done("unchanged", side))
    other = stream.other(side)
    patch = stream.archive_patch(other)
    intents: dict[int, str] = {}
    if stream.on_leave(other) == "archive" and patch and (end := link.end(other)) is not None:
        steps = [
            (other, step)
            for step in terms.steps(other, "update", Patch(stream.object(other), end.record_id, dict(patch)))
        ]
        written = yield from write(claim, steps, {"delete": 1})
        if isinstance(written, Finish):
            return written
        if written.problem is not None:
            return failed(claim, terms, written)
        intents = written.intents
    lines = (Entry(side, "", ABSENT, ABSENT, "left scope", ""),)
    return Finish(claim, Done("suspended", side), _as(link, stream, "suspended"), lines, intents)


def _as(link: Link, stream: Stream, state: LinkState) -> LinkDraft:
    ends = {side: EndDraft(end.record_id, end.shadow) for side, end in link.ends.items()}
    return LinkDraft(link.id, stream.name, state, ends, link.version, dict(link.pinned))
