"""From two records and their link to the writes that bring them in step (pure).

A plan can be printed, priced, refused, applied and undone. It never depends on when or by whom it is carried out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.core.effects import Decision, EndDraft, Entry, Notice, Past, Revert
from bridge.core.errors import LabelMissing, ParentNotLinked, Undecodable
from bridge.core.guards import Turn, swings
from bridge.core.mapping.model import Field, Stream
from bridge.core.merge import (
    UNFINISHED,
    Mode,
    SideView,
    Times,
    Verdict,
    frozen,
    merge,
    same,
    strictly_equal,
    unfinished_from,
    view_of,
)
from bridge.core.records import ABSENT, Json, Link, Lookups, Patch, Record, Reference, Shadow, Value
from bridge.core.spelling import resembles


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field's verdict with the raw values to write, per side, as path to value."""

    rule: Field
    verdict: Verdict
    raw: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    """Side to raw value in the shape ``Field.observe`` gives, for the shadow."""
    writes: Mapping[str, Mapping[str, Json]] = dataclasses.field(default_factory=dict)
    """Side to path to raw value, for the patch."""
    was: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    """Side to the raw value before."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided about one record.

    ``patches`` holds one patch a side that changes; ``labels`` are labels to create before encoding can succeed (then plan again).
    """

    stream: str
    fields: tuple[FieldPlan, ...]
    patches: Mapping[str, Patch] = dataclasses.field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    labels: tuple[LabelMissing, ...] = ()
    blocking: frozenset[str] = frozenset()
    """Fields without which a create cannot be made."""

    @property
    def writes(self) -> bool:
        return bool(self.patches)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a plan is made from. ``ours`` maps side to shadow key to raw values of young open intents."""

    link: Link | None
    records: Mapping[str, Record | None]
    mode: Mode = "known"
    ours: Mapping[str, Mapping[str, Sequence[Value]]] = dataclasses.field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    offsets: Mapping[str, timedelta] = dataclasses.field(default_factory=dict)
    margin: timedelta = timedelta(seconds=2)
    recent: tuple[Past, ...] = ()
    most_flips: int | None = None
    """How often a field may be written back and forth before it is frozen; ``None``: for ever."""
    reverts: tuple[Revert, ...] = ()
    last: Mapping[str, Mapping[str, Value]] = dataclasses.field(default_factory=dict)
    """Side to shadow key to what was sent last, where nobody answered it."""
    written: Mapping[str, datetime] = dataclasses.field(default_factory=dict)
    """Side to the last moment (our clock) at which a write of ours can have moved its stamp."""
    untaken: frozenset[str] = frozenset()
    """Fields that a remote did not clear when it was told to: not told again before something changes or a person says so."""


def plan_update(stream: Stream, situation: Situation, lookups: Lookups) -> Plan:
    """Decide every field of a record that exists on both sides. Raises ``ParentNotLinked``."""
    times = _times(stream, situation)
    decisions = {decision.field: decision for decision in situation.decisions}
    plans, notices, labels = [], [], []
    for rule in stream.fields:
        views = [_view(rule, side, situation) for side in stream.sides]
        if (undone := _undone(rule, views, situation.reverts)) is not None:
            plans.append(undone)
            continue
        pinned = situation.link.pinned.get(rule.name) if situation.link else None
        verdict = merge(
            rule, views, lookups, mode=situation.mode, times=times, decision=decisions.get(rule.name), pinned=pinned
        )
        if situation.recent and verdict.used is None and _swings(rule, verdict, situation, lookups):
            verdict = frozen(rule, stream.sides, verdict.moved)
        planned, label = _encode(stream, rule, verdict, situation, lookups)
        if rule.name in situation.untaken and any(is_empty(value) for value in planned.raw.values()):
            planned = _not_again(planned)
        plans.append(planned)
        if label is not None:
            labels.append(label)
        if planned.verdict.hold:
            notices.append(_notice(planned, views))
    fields = tuple(plans)
    patches = _patches(stream, fields, {side: _record_id(situation, side) for side in stream.sides})
    return Plan(stream.name, fields, patches, tuple(notices), tuple(labels))


def _not_again(planned: FieldPlan) -> FieldPlan:
    side = next(side for side, value in planned.raw.items() if is_empty(value))
    return FieldPlan(planned.rule, clear_not_taken(planned.rule, side, planned.verdict.moved))


def clear_not_taken(rule: Field, side: str, moved: frozenset[str] = frozenset()) -> Verdict:
    """The question that a clear leaves which a remote accepted and did not carry out."""
    detail = f"{side} still shows a value for {rule.name} after it was cleared there"
    return Verdict(rule.name, "clear not taken", hold=True, detail=detail, ways=("retry", "dismiss"), moved=moved)


def _undone(rule: Field, views: Sequence[SideView], reverts: Sequence[Revert]) -> FieldPlan | None:
    """The field with a write of ours taken back; nothing if either side has moved on since."""
    wanted = {revert.side: revert for revert in reverts if revert.field == rule.name}
    if not wanted:
        return None
    raw: dict[str, Json] = {}
    for view in views:
        unmoved = view.now is ABSENT or strictly_equal(view.now, view.base)
        if not unmoved and not (view.sent and rule.is_echo(view.side, view.base, view.now)):
            return None
        revert = wanted.get(view.side)
        if revert is None or strictly_equal(view.now, revert.old):
            continue
        if not shows_written(rule, view.side, revert.new, view.now):
            return None
        raw[view.side] = revert.old
    if not raw:
        return None
    settled = {view.side: view.now for view in views if view.side not in raw and view.now is not ABSENT}
    writes = {side: rule.writes(side, value) for side, value in raw.items()}
    was = {view.side: view.now for view in views if view.side in raw}
    return FieldPlan(rule, Verdict(rule.name, "undone", settled=settled), raw, writes, was)


def shows_written(rule: Field, side: str, written: Value, now: Value) -> bool:
    """Whether a value is what we wrote, if need be in the remote's own spelling."""
    return strictly_equal(now, written) or rule.is_echo(side, written, now) or resembles(written, now)


def _swings(rule: Field, verdict: Verdict, situation: Situation, lookups: Lookups) -> bool:
    if situation.most_flips is None or not verdict.writes:
        return False
    mine = [past for past in situation.recent if past.field == rule.name]
    # A person's word ends the quarrel: what came before it does not count against what comes after.
    since = max((number for number, past in enumerate(mine) if past.cause in _WORDS), default=0)
    turns = [
        Turn(
            past.side,
            _common(rule, past.side, past.old, lookups),
            _common(rule, past.side, past.new, lookups),
            past.cause,
        )
        for past in mine[since:]
        if rule.has(past.side)
    ]
    return any(
        swings(turns, Turn(side, ABSENT, value, verdict.cause), situation.most_flips, lambda a, b: same(rule, a, b))
        for side, value in verdict.writes.items()
    )


_WORDS = ("decided", "undone")


def _common(rule: Field, side: str, raw: Value, lookups: Lookups) -> Value:
    """``ABSENT`` for what today's mapping cannot read: it compares with nothing."""
    try:
        return rule.decode(side, raw, lookups)
    except Undecodable:
        return ABSENT


def pins(plan: Plan, link: Link | None, answered: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Which fields of the link are pinned from now on, and why.

    ``frozen``, ``rebuilt`` (its base was lost with the database) and ``doubted`` (we may have made one of the records) stay until
    the question is settled, ``undone`` until the field's next edit, ``from:SIDE`` until its first write is answered.
    """
    kept: dict[str, str] = {}
    for planned in plan.fields:
        name, verdict = planned.rule.name, planned.verdict
        old = link.pinned.get(name) if link else None
        if verdict.hold and verdict.cause in _PINS:
            kept[name] = _PINS[verdict.cause]
        elif verdict.cause == "undone" and planned.raw and _all_answered(planned, answered):
            kept[name] = "undone"
        elif not verdict.hold and not _all_answered(planned, answered):
            if (origin := _origin(planned, link)) is not None:
                kept[name] = UNFINISHED + origin
            elif old is not None and unfinished_from(old) is not None:
                kept[name] = old
        elif old is not None and (verdict.hold or (old == "undone" and not verdict.moved and verdict.used is None)):
            kept[name] = old
    return kept


_PINS = {"frozen": "frozen", "differs after rebuild": "rebuilt", "origin unknown": "doubted"}


def _origin(planned: FieldPlan, link: Link | None) -> str | None:
    """The side whose value a field's first write carries; nothing if both sides have a base already."""
    if len(planned.raw) != 1:
        return None
    (target,) = planned.raw
    ends = [link.end(side) for side in (target, *planned.verdict.settled)] if link else []
    if ends and all(
        end is not None
        and planned.rule.key(end.side) in end.shadow.values
        and end.shadow.values[planned.rule.key(end.side)] is not ABSENT
        for end in ends
    ):
        return None
    return next((side for side in planned.verdict.settled if side != target), None)


def unfinished(link: Link) -> bool:
    """Whether a first write of the link has no answer yet."""
    return any(unfinished_from(pin) is not None for pin in link.pinned.values())


def plan_create(stream: Stream, source: Record, lookups: Lookups, *, identity: str) -> Plan:
    """Everything a new record on the other side gets. Raises ``ParentNotLinked``.

    ``identity`` is the left id (or the right one, when the record is made on the left): what made-up values are derived from.
    A field that cannot be translated is left out and shown; a required one that is missing stops the create (see ``blockers``).
    """
    side, target = source.ref.system, stream.other(source.ref.system)
    made = [_made(rule, side, target, source, lookups, identity) for rule in stream.fields]
    fields = tuple(planned for planned, _stopper in made)
    notices = tuple(_create_notice(planned, side, source) for planned in fields if planned.verdict.hold)
    left, right = stream.sides
    patch = _patches(stream, fields, {target: None}).get(target, Patch(stream.object(target), None))
    if target == right and source.ref.system == left:
        patch = dataclasses.replace(patch, bind=stream.join_key(source.ref.id))
    labels = tuple(stopper for _planned, stopper in made if isinstance(stopper, LabelMissing))
    blocking = frozenset(planned.rule.name for planned, stopper in made if stopper is True)
    return Plan(stream.name, fields, {target: patch}, notices, labels, blocking)


def _made(
    rule: Field, side: str, target: str, source: Record, lookups: Lookups, identity: str
) -> tuple[FieldPlan, LabelMissing | bool]:
    """One field of a new record, and what stops the create, if this field does."""
    raw = rule.observe(side, source.raw) if rule.has(side) else ABSENT
    settled = {} if raw is ABSENT else {side: raw}
    if not rule.has(target) or rule.to == side:
        return FieldPlan(rule, Verdict(rule.name, "not its direction", settled=settled)), False
    try:
        common = rule.decode(side, raw, lookups)
        value = rule.encode(target, None if common is ABSENT else common, ABSENT, lookups, identity=identity)
    except ParentNotLinked:
        raise
    except LabelMissing as missing:
        return FieldPlan(rule, Verdict(rule.name, "label", settled=settled)), missing
    except Undecodable as problem:
        verdict = Verdict(rule.name, problem.cause, hold=True, detail=str(problem), ways=("retry", "dismiss"))
        return FieldPlan(rule, verdict), rule.requires(target) or _is_made_up(rule, target, lookups, identity)
    if is_empty(value) or value is ABSENT:
        hidden = raw is ABSENT and rule.has(side) and rule.requires(side)
        if rule.requires(target) or hidden:
            # A side that requires a value has one, even if it does not show it: to leave it out would be a guess.
            lacks = f"{side} does not show it" if hidden else f"{target} cannot have a record without it"
            detail = f"{rule.name} is empty, and {lacks}"
            verdict = Verdict(rule.name, f"required:{rule.name}", hold=True, detail=detail, ways=("retry", "dismiss"))
            return FieldPlan(rule, verdict), True
        return FieldPlan(rule, Verdict(rule.name, "empty", settled=settled | {target: None})), False
    verdict = Verdict(rule.name, "created", {target: common}, settled)
    return FieldPlan(rule, verdict, {target: value}, {target: rule.writes(target, value)}), False


def _is_made_up(rule: Field, target: str, lookups: Lookups, identity: str) -> bool:
    """Whether the field gets a value even from nothing (a ``.invalid`` domain): then the target cannot do without it."""
    try:
        return not is_empty(rule.encode(target, None, ABSENT, lookups, identity=identity))
    except Undecodable:
        return True


def _create_notice(planned: FieldPlan, side: str, source: Record) -> Notice:
    rule, verdict = planned.rule, planned.verdict
    values = {side: _shown(rule.observe(side, source.raw))} if rule.has(side) else {}
    return Notice(verdict.cause, verdict.detail, rule.name, values, _group(rule, verdict.cause), verdict.ways)


def blockers(plan: Plan) -> tuple[Notice, ...]:
    """Why a create cannot be made: required fields that are empty or cannot be translated."""
    return tuple(notice for notice in plan.notices if notice.field in plan.blocking)


def settle(
    stream: Stream,
    plan: Plan,
    link: Link | None,
    records: Mapping[str, Record | None],
    ids: Mapping[str, str],
    answered: Mapping[str, frozenset[str]],
) -> dict[str, EndDraft]:
    """The link's ends after the calls that were answered.

    ``answered`` maps a side to the paths whose write got a yes. A field whose write did not get one keeps its base on *both*
    sides, or the edit that caused it would be forgotten; if it has none yet, what was seen is its base, and ``pins`` says whose
    value is to be carried.
    """
    ends = {}
    for side in stream.sides:
        old = link.end(side) if link else None
        values = dict(old.shadow.values) if old else {}
        sent = set(old.shadow.sent) if old else set()
        for planned in plan.fields:
            if not planned.rule.has(side):
                continue
            key = planned.rule.key(side)
            if planned.verdict.hold:
                continue
            if not _all_answered(planned, answered):
                if len(planned.raw) == 1 and values.get(key, ABSENT) is ABSENT:
                    values.update(_seen(planned, side, key))
                continue
            if side in planned.raw:
                values[key] = planned.raw[side]
                sent.add(key)
            elif side in planned.verdict.settled:
                values[key] = planned.verdict.settled[side]
                sent.discard(key)
            elif key not in values:
                values[key] = ABSENT
        record = records.get(side)
        updated_at = record.updated_at if record is not None else (old.shadow.updated_at if old else None)
        known = {planned.rule.key(side) for planned in plan.fields if planned.rule.has(side)}
        kept = {key: value for key, value in values.items() if key in known}
        own_at = own_stamp(old.shadow, record.updated_at if record else None) if old else None
        shadow = Shadow(kept, frozenset(sent & known), updated_at, stream.version, own_at)
        ends[side] = EndDraft(ids[side], shadow)
    return ends


def _seen(planned: FieldPlan, side: str, key: str) -> dict[str, Value]:
    seen = planned.verdict.settled.get(side, planned.was.get(side, ABSENT))
    return {} if seen is ABSENT else {key: seen}


def own_stamp(shadow: Shadow, seen: datetime | None) -> datetime | None:
    """The stamp that is first seen after a write of ours may be the one that it made."""
    return seen if shadow.sent and seen is not None else shadow.own_at


def settled_fields(plan: Plan, answered: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Names of the fields that are decided, with every write of theirs answered."""
    return frozenset(
        planned.rule.name for planned in plan.fields if not planned.verdict.hold and _all_answered(planned, answered)
    )


def entries(plan: Plan, answered: Mapping[str, frozenset[str]]) -> tuple[Entry, ...]:
    """History lines of what was written."""
    return tuple(
        Entry(side, planned.rule.name, planned.was.get(side, ABSENT), value, planned.verdict.cause, planned.rule.place)
        for planned in plan.fields
        if _all_answered(planned, answered)
        for side, value in planned.raw.items()
    )


def unmoved(stream: Stream, side: str, record: Record, shadow: Shadow) -> bool:
    """Whether a record shows what its shadow holds, under today's mapping: nothing to do and nothing to ask.

    Other spellings of empty count as equal, and so does the remote's declared spelling of what we sent it last.
    """
    return shadow.version == stream.version and all(
        _shows(rule, side, record, shadow) for rule in stream.fields if rule.has(side)
    )


def as_remembered(stream: Stream, side: str, record: Record, shadow: Shadow, *, untouched: bool) -> bool:
    """Whether a record still shows all that its shadow holds, whatever mapping it was taken under.

    ``untouched``: by its time nobody has changed it since our write; then what we left empty was filled in by the remote.
    """
    return all(
        rule.key(side) not in shadow.values
        or _shows(rule, side, record, shadow)
        or (untouched and _left_empty(shadow.values[rule.key(side)]))
        for rule in stream.fields
        if rule.has(side)
    )


def _left_empty(base: Value) -> bool:
    return base is ABSENT or is_empty(base)


def _shows(rule: Field, side: str, record: Record, shadow: Shadow) -> bool:
    now, key = rule.observe(side, record.raw), rule.key(side)
    if key not in shadow.values:
        return False
    base = shadow.values[key]
    if now is ABSENT or strictly_equal(now, base) or (now in _EMPTY and base in _EMPTY):
        return True
    return key in shadow.sent and rule.is_echo(side, base, now)


def classes(plan: Plan) -> dict[str, int]:
    """What the brake counts: ``clear`` and ``reparent`` by field, everything else one ``update`` a side."""
    counted: dict[str, int] = {}
    for planned in plan.fields:
        for side in planned.raw:
            kind = _class_of(planned, side)
            counted[kind] = counted.get(kind, 0) + 1
    if "update" in counted:
        counted["update"] = len(plan.patches)
    return counted


def _class_of(planned: FieldPlan, side: str) -> str:
    raw = planned.raw[side]
    was = planned.was.get(side, ABSENT)
    if planned.rule.references(side, raw) or planned.rule.references(side, was):
        return "reparent"
    return "clear" if is_empty(raw) else "update"


def without(
    stream: Stream, plan: Plan, held: frozenset[str], hold_id: int, records: Mapping[str, Record | None]
) -> Plan:
    """The plan less the fields of these brake classes: they keep their base and are shown, the other fields go on."""
    fields, notices = [], list(plan.notices)
    for planned in plan.fields:
        mine = held & {_class_of(planned, side) for side in planned.raw}
        if not mine:
            fields.append(planned)
            continue
        cause = f"brake:{min(mine)}"
        detail = brake_detail(mine, hold_id)
        verdict = dataclasses.replace(
            planned.verdict, cause=cause, hold=True, detail=detail, ways=("release", "discard"), used=None
        )
        fields.append(FieldPlan(planned.rule, verdict))
        values = {
            side: _shown(planned.rule.observe(side, record.raw))
            for side, record in records.items()
            if record is not None and planned.rule.has(side)
        }
        notices.append(Notice(cause, detail, planned.rule.name, values, cause, verdict.ways))
    ids = {side: patch.record_id for side, patch in plan.patches.items()}
    patches = _patches(stream, fields, ids)
    return dataclasses.replace(plan, fields=tuple(fields), patches=patches, notices=tuple(notices))


def brake_detail(held: Iterable[str], hold_id: int) -> str:
    what = " and ".join(f"{klass}s" for klass in sorted(held))
    return f"more {what} in one hour than the brake lets pass; release or discard hold {hold_id}"


def references(stream: Stream, records: Iterable[Record | None]) -> frozenset[Reference]:
    """Every parent that decoding or encoding these records may need."""
    return frozenset(
        reference
        for record in records
        if record is not None
        for rule in stream.fields
        if rule.has(record.ref.system)
        for reference in rule.references(record.ref.system, rule.observe(record.ref.system, record.raw))
    )


def typed_references(stream: Stream, decisions: Iterable[Decision]) -> frozenset[Reference]:
    """Every parent that a person named in an answer, as the left side's id."""
    left = stream.sides[0]
    return frozenset(
        reference
        for decision in decisions
        for rule in stream.fields
        if rule.name == decision.field and rule.has(left)
        for reference in rule.references(left, decision.value)
    )


def _times(stream: Stream, situation: Situation) -> Times:
    at: dict[str, datetime | None] = {}
    for side in stream.sides:
        record = situation.records.get(side)
        end = situation.link.end(side) if situation.link else None
        stamp = record.updated_at if record else None
        offset = situation.offsets.get(side)
        corrected = None if stamp is None else stamp - (offset or timedelta())
        if end is not None and stamp is not None:
            first = end.shadow.sent and not _after_ours(corrected, offset, situation.written.get(side))
            if first or (end.shadow.own_at is not None and stamp <= end.shadow.own_at):
                # A stamp that our own write may have made proves nothing about a person.
                corrected = None
        at[side] = corrected
    return Times(at, situation.margin)


def _after_ours(stamp: datetime | None, offset: timedelta | None, written: datetime | None) -> bool:
    """Whether a stamp is later than our last write, as far as the remote's clock is known."""
    return stamp is not None and offset is not None and written is not None and stamp > written


def _view(rule: Field, side: str, situation: Situation) -> SideView:
    record = situation.records.get(side)
    end = situation.link.end(side) if situation.link else None
    view = view_of(
        rule, side, record.raw if record else None, end.shadow if end else None, situation.ours.get(side, {})
    )
    # A saga that was interrupted has not read back what it wrote.
    unread = situation.link is not None and situation.link.state == "half"
    last = situation.last.get(side, {}).get(rule.key(side), ABSENT) if rule.has(side) else ABSENT
    return dataclasses.replace(view, unread=view.sent and unread, last=last)


def _record_id(situation: Situation, side: str) -> str | None:
    record = situation.records.get(side)
    return record.ref.id if record else None


def _encode(
    stream: Stream, rule: Field, verdict: Verdict, situation: Situation, lookups: Lookups
) -> tuple[FieldPlan, LabelMissing | None]:
    """Turn the verdict's common values into raw ones; a value that cannot be written becomes a question."""
    raw: dict[str, Json] = {}
    writes: dict[str, Mapping[str, Json]] = {}
    was: dict[str, Value] = {}
    left = _record_id(situation, stream.sides[0]) or ""
    for side, value in verdict.writes.items():
        record = situation.records.get(side)
        observed = rule.observe(side, record.raw) if record is not None and rule.has(side) else ABSENT
        try:
            encoded = rule.encode(side, value, observed, lookups, identity=left)
        except ParentNotLinked:
            raise
        except LabelMissing as missing:
            return FieldPlan(rule, verdict), missing
        except Undecodable as problem:
            held = Verdict(
                rule.name, problem.cause, hold=True, detail=str(problem), ways=("retry", "dismiss"), moved=verdict.moved
            )
            return FieldPlan(rule, held), None
        if observed is not ABSENT and strictly_equal(encoded, observed):
            continue
        raw[side], was[side] = encoded, observed
        writes[side] = rule.writes(side, encoded)
    dropped = {side: _observed(rule, side, situation) for side in verdict.writes if side not in raw}
    if dropped:
        settled = {**verdict.settled, **{side: value for side, value in dropped.items() if value is not ABSENT}}
        verdict = dataclasses.replace(verdict, settled=settled)
    return FieldPlan(rule, verdict, raw, writes, was), None


def _observed(rule: Field, side: str, situation: Situation) -> Value:
    record = situation.records.get(side)
    return rule.observe(side, record.raw) if record is not None else ABSENT


def _patches(stream: Stream, fields: Sequence[FieldPlan], ids: Mapping[str, str | None]) -> dict[str, Patch]:
    patches = {}
    for side in stream.sides:
        values: dict[str, Json] = {}
        was: dict[str, Value] = {}
        for planned in fields:
            for path, value in planned.writes.get(side, {}).items():
                values[path] = value
                before = planned.was.get(side, ABSENT)
                if before is not ABSENT and len(planned.writes[side]) == 1:
                    was[path] = before
        if values:
            patches[side] = Patch(stream.object(side), ids.get(side), values, was)
    return patches


def _all_answered(planned: FieldPlan, answered: Mapping[str, frozenset[str]]) -> bool:
    return all(path in answered.get(side, frozenset()) for side, paths in planned.writes.items() for path in paths)


def _notice(planned: FieldPlan, views: Sequence[SideView]) -> Notice:
    verdict = planned.verdict
    values = {view.side: _shown(view.now) for view in views}
    return Notice(
        verdict.cause, verdict.detail, planned.rule.name, values, _group(planned.rule, verdict.cause), verdict.ways
    )


def _group(rule: Field, cause: str) -> str:
    return f"{cause}/{rule.name}"


def _shown(value: Value) -> Json:
    return None if value is ABSENT else value


_EMPTY: tuple[Value, ...] = (None, "", [])


def is_empty(value: Value) -> bool:
    """Whether a raw value says nothing, in any of the remotes' spellings of nothing."""
    return value in _EMPTY or (isinstance(value, list) and all(item in (None, "") for item in value))
