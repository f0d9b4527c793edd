"""Take a create back: the record that was made for another one goes again, if nobody has touched it since."""

from __future__ import annotations

from datetime import timedelta

from bridge.core.effects import Claim, Done, Entry, Finish, GetRecord, Notice, Park, Read, Undo
from bridge.core.mapping.model import Stream
from bridge.core.plan import as_remembered, shows_written
from bridge.core.records import ABSENT, Patch, Record, Ref
from bridge.sync.deletion import dead, failed, has_children
from bridge.sync.terms import Terms
from bridge.sync.writing import Flow, write

MARGIN = timedelta(seconds=1)
"""Times of remotes and their Date headers are whole seconds."""


def uncreate(claim: Claim, stream: Stream, terms: Terms, undo: Undo) -> Flow:
    """Delete the record on ``undo.created``, or archive it where the API has no delete. The link stays, dead, so that the record it
    was made for makes no new one."""
    link, side = claim.link, undo.created
    end = link.end(side) if link else None
    keep = frozenset(claim.open_fields)
    if link is None or end is None:
        return Finish(claim, Done("moved on"), keep_notices=keep)
    made: Record | None = yield Read(GetRecord(Ref(side, stream.object(side), end.record_id)), claim.change.lane)
    if made is None:
        # A person was faster.
        return dead(claim, stream, link, ())
    untouched = _untouched(terms, made, undo)
    if not (
        _as_written(stream, side, made, undo) and as_remembered(stream, side, made, end.shadow, untouched=untouched)
    ):
        return Finish(claim, Done("moved on"), keep_notices=keep)
    if (yield from has_children(claim, stream, terms, made)):
        detail = f"the {side} record was made by the run, but has children by now that would be orphaned"
        notice = Notice("has live children", detail, ways=("retry", "dismiss"))
        return Finish(claim, Park("has live children", detail), notices=(notice,))
    verb, patch = removal(stream, terms, side, end.record_id)
    written = yield from write(claim, [(side, step) for step in terms.steps(side, verb, patch)], {"delete": 1})
    if isinstance(written, Finish):
        return written
    if written.problem is not None:
        return failed(claim, terms, written)
    lines = (Entry(side, "", ABSENT, ABSENT, "undone", ""),)
    finish = dead(claim, stream, link, lines)
    return Finish(claim, Done("undone", side), finish.link, lines, written.intents)


def removal(stream: Stream, terms: Terms, side: str, record_id: str) -> tuple[str, Patch]:
    """Verb and patch that make a record go; the patch is empty where neither the API nor the mapping knows how."""
    if terms.traits(side, stream.object(side)).deletable:
        return "delete", Patch(stream.object(side), record_id)
    return "update", Patch(stream.object(side), record_id, dict(stream.archive_patch(side) or {}))


def _untouched(terms: Terms, made: Record, undo: Undo) -> bool:
    """Whether the record's own time says that nobody changed it after our last write."""
    if made.updated_at is None or undo.written_at is None:
        return False
    return made.updated_at - terms.offsets().get(made.ref.system, timedelta()) <= undo.written_at + MARGIN


def _as_written(stream: Stream, side: str, made: Record, undo: Undo) -> bool:
    written = {revert.field: revert.new for revert in undo.reverts if revert.side == side}
    return all(
        shows_written(rule, side, written[rule.name], rule.observe(side, made.raw))
        for rule in stream.fields
        if rule.name in written and rule.has(side)
    )
