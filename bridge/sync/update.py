"""Bring two bound records in step: read the other side, merge, write what differs, remember."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bridge.core.effects import (
    Again,
    Claim,
    Declared,
    Effect,
    EndDraft,
    Finish,
    GetRecord,
    Held,
    LinkDraft,
    Outcome,
    Park,
    Read,
)
from bridge.core.mapping.model import Stream
from bridge.core.plan import (
    Plan,
    Situation,
    brake_detail,
    classes,
    entries,
    pins,
    plan_create,
    plan_update,
    settle,
    settled_fields,
    without,
)
from bridge.core.records import ABSENT, YOUNG, Intent, Link, LinkState, Lookups, Patch, Record, Ref, Step, Value
from bridge.sync.deletion import gone, left_scope
from bridge.sync.outcomes import outcome_of
from bridge.sync.raw import by_key
from bridge.sync.readback import read_back
from bridge.sync.terms import Terms, Timings
from bridge.sync.writing import Flow, Written, declare, look_up, make_labels, send


def bring_in_step(claim: Claim, stream: Stream, terms: Terms, record: Record) -> Flow:
    """Merge a linked record. The link is live, half-bound or suspended and back in scope."""
    link = claim.link
    if link is None:
        raise LookupError("only a linked record can be brought in step")
    side, other = claim.change.side, stream.other(claim.change.side)
    records: dict[str, Record | None] = {side: record, other: None}
    end = link.end(other)
    if end is None:
        # A saga stopped before the other end was known; recovery looks for it.
        return Finish(claim, Again(terms.timings.lag, "half-bound"), keep_notices=frozenset(claim.open_fields))
    if terms.traits(other, stream.object(other)).readable:
        found = yield Read(GetRecord(Ref(other, stream.object(other), end.record_id)), claim.change.lane)
        if found is None:
            return (yield from gone(claim, stream, terms, other))
        if not stream.in_scope(other, found.raw):
            return (yield from left_scope(claim, stream, terms, found))
        records[other] = found
    if suspicious(claim, stream, terms, records):
        return Finish(claim, Again(terms.timings.lag, "stale read"), keep_notices=frozenset(claim.open_fields))
    ids = {name: held.record_id for name, held in link.ends.items()}
    plan, lookups = yield from planned(claim, stream, terms, records, link, "known")
    # Half-bound, or suspended before its saga ended: only a live link has had its key written.
    bind = missing_key(stream, terms, records) if link.state != "live" else None
    result = "" if claim.undo is None else "undone" if _takes_back(plan) else "moved on"
    return (yield from apply(claim, stream, terms, plan, link, records, ids, lookups, bind=bind, result=result))


def _takes_back(plan: Plan) -> bool:
    return any(item.verdict.cause == "undone" for item in plan.fields)


def planned(
    claim: Claim, stream: Stream, terms: Terms, records: Mapping[str, Record | None], link: Link | None, mode: Any
) -> Generator[Effect, Any, tuple[Plan, Lookups]]:
    """Plan with everything looked up; labels that may be created are created, then planned again."""
    lookups = yield from look_up(claim, stream, list(records.values()))
    situation = Situation(
        link,
        records,
        mode,
        ours(claim, stream),
        claim.decisions,
        terms.offsets(),
        timedelta(seconds=terms.timings.margin),
        claim.recent,
        terms.most_flips,
        claim.undo.reverts if claim.undo else (),
        _last_sent(claim, stream),
        last_written(claim.intents, claim.now, stream, terms.timings),
        frozenset(name for name, cause in claim.open_fields.items() if cause == "clear not taken"),
    )
    plan = plan_update(stream, situation, lookups)
    if plan.labels:
        yield from make_labels(claim, plan.labels)
        lookups = yield from look_up(claim, stream, list(records.values()), fresh=True)
        plan = plan_update(stream, situation, lookups)
    return plan, lookups


def apply(
    claim: Claim,
    stream: Stream,
    terms: Terms,
    plan: Plan,
    link: Link | None,
    records: Mapping[str, Record | None],
    ids: Mapping[str, str],
    lookups: Lookups,
    *,
    bind: str | None = None,
    result: str = "",
) -> Flow:
    """Write a plan's patches, read clears back, and finish with what was answered."""
    held: Park | None = None
    written = Written()
    while (steps := _steps(stream, terms, plan, records, ids, lookups, bind))[0]:
        declared: Declared | Held = yield from declare(claim, *steps)
        if isinstance(declared, Declared):
            written = yield from send(claim, declared, steps[0])
            break
        # Only what the brake holds stays behind, with its base, so that a release finds the same edits again.
        held = held or Park(f"brake:{min(declared.classes)}", brake_detail(declared.classes, declared.hold_id))
        plan = without(stream, plan, declared.classes, declared.hold_id, records)
    seen = yield from read_back(claim, stream, terms, plan, written, ids)
    plan, answered = seen.held(plan), written.paths()
    draft = seen.seen(settle(stream, plan, link, records, ids, answered))
    lines = entries(plan, answered)
    final: Outcome
    final, more = outcome_of(claim, terms, written, result or ("updated" if lines else "unchanged"))
    if held is not None and written.problem is None:
        final = held
    state: LinkState = link.state if link is not None else "half"
    if bind is None or written.problem is None:
        state = "live"
    new: LinkDraft | None = _draft(stream, link, state, draft, pins(plan, link, answered))
    if link is not None and new is not None and _same_link(link, new):
        new = None
    # What was settled in this look is asked no more, even if another field's write failed.
    keep = frozenset(claim.open_fields) - settled_fields(plan, answered) if written.problem is not None else frozenset()
    return Finish(claim, final, new, lines, written.intents, (*plan.notices, *seen.notices(), *more), keep)


def _steps(
    stream: Stream,
    terms: Terms,
    plan: Plan,
    records: Mapping[str, Record | None],
    ids: Mapping[str, str],
    lookups: Lookups,
    bind: str | None,
) -> tuple[list[tuple[str, Step]], dict[str, int]]:
    left, right = stream.sides
    steps: list[tuple[str, Step]] = []
    for side in stream.sides:
        patch = plan.patches.get(side)
        if side == right and bind is not None:
            patch = dataclasses.replace(patch or Patch(stream.object(right), ids[right]), bind=bind)
        if patch is None:
            continue
        source = records.get(stream.other(side))
        if not terms.traits(side, stream.object(side)).readable and source is not None:
            # What cannot be read cannot be updated in part: the whole is sent again under its idempotent key.
            whole = plan_create(stream, source, lookups, identity=ids[left]).patches[side]
            steps += [(side, step) for step in terms.steps(side, "create", whole)]
        else:
            steps += [
                (side, step) for step in terms.steps(side, "update", dataclasses.replace(patch, record_id=ids[side]))
            ]
    return steps, classes(plan)


def last_written(intents: Iterable[Intent], now: datetime, stream: Stream, timings: Timings) -> dict[str, datetime]:
    """The last moment at which a write of ours can have reached each side: a claim shows all writes of the last two minutes."""
    last = dict.fromkeys(stream.sides, now - YOUNG)
    for intent in intents:
        landed = intent.answered_at or intent.created_at + timedelta(seconds=timings.window)
        last[intent.side] = max(last.get(intent.side, landed), landed)
    return last


def missing_key(stream: Stream, terms: Terms, records: Mapping[str, Record | None]) -> str | None:
    """The join key, if the right record does not carry it yet."""
    left, right = stream.sides
    owner, carrier = records.get(left), records.get(right)
    if owner is None or carrier is None or not terms.traits(right, stream.object(right)).join_keys:
        return None
    key = stream.join_key(owner.ref.id)
    return None if key in terms.keys(carrier) else key


def ours(claim: Claim, stream: Stream) -> dict[str, dict[str, list[Value]]]:
    """Raw values, by side and shadow key, of writes that were never answered: they may have landed, or may still land."""
    found: dict[str, dict[str, list[Value]]] = {}
    for intent in claim.intents:
        # However old: one whose worker died may have landed at once and been looked at only now. This look concludes it.
        if intent.state != "open":
            continue
        for key, value in by_key(stream, intent.side, intent.step.values).items():
            found.setdefault(intent.side, {}).setdefault(key, []).append(value)
    return found


def _last_sent(claim: Claim, stream: Stream) -> dict[str, dict[str, Value]]:
    last: dict[str, dict[str, Value]] = {}
    for intent in sorted(claim.intents, key=lambda one: one.id):
        for key, value in by_key(stream, intent.side, intent.step.values).items():
            last.setdefault(intent.side, {})[key] = value if intent.state == "open" else ABSENT
    return last


def suspicious(claim: Claim, stream: Stream, terms: Terms, records: Mapping[str, Record | None]) -> bool:
    """Whether a reading is older than what is remembered, or differs soon after our own write without proof of being newer: a
    lagging replica shows the value from before, and taking that for an edit would carry it back."""
    for side, record in records.items():
        end = claim.link.end(side) if claim.link else None
        if record is None or end is None:
            continue
        known = end.shadow.updated_at
        if record.updated_at is not None and known is not None and record.updated_at != known:
            if record.updated_at < known:
                return True
            continue
        written = _lately_written(claim, stream, terms, side)
        for rule in stream.fields:
            if not rule.has(side) or rule.key(side) not in written or rule.key(side) not in end.shadow.values:
                continue
            now, base = rule.observe(side, record.raw), end.shadow.values[rule.key(side)]
            if now is not ABSENT and now != base and not rule.is_echo(side, base, now):
                return True
    return False


def _lately_written(claim: Claim, stream: Stream, terms: Terms, side: str) -> set[str]:
    """Shadow keys of what was written so lately that a replica may not show it yet."""
    lag = timedelta(seconds=terms.timings.lag + terms.timings.http_timeout)
    return {
        key
        for intent in claim.intents
        if intent.side == side and intent.state == "answered" and claim.now - intent.created_at < lag
        for key in by_key(stream, side, intent.step.values)
    }


def _draft(
    stream: Stream, link: Link | None, state: LinkState, ends: dict[str, EndDraft], pinned: Mapping[str, str]
) -> LinkDraft:
    return LinkDraft(link.id if link else None, stream.name, state, ends, link.version if link else 0, pinned)


def _same_link(link: Link, draft: LinkDraft) -> bool:
    if link.state != draft.state or dict(link.pinned) != dict(draft.pinned):
        return False
    return all(link.ends[side].shadow == end.shadow for side, end in draft.ends.items())
