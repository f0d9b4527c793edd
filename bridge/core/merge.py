"""Three-way merge of one record's fields (pure).

Each side's value is compared with its own shadow. A side has *moved* when a person (or an automation there) changed it
since; our own writes coming back have not moved it, by construction: after a write the shadow holds what was sent.

Moving is judged on raw values first, so that a renamed label, stage or owner moves no record, and on common values second,
so that another spelling of the same value does not either.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from bridge.core.effects import Decision
from bridge.core.errors import ParentNotLinked, Undecodable
from bridge.core.mapping.model import Field
from bridge.core.records import ABSENT, Json, Lookups, Shadow, Value
from bridge.core.spelling import resembles


class _NoBase:
    """The shadow never held this field: there is nothing to compare with."""

    def __repr__(self) -> str:
        return "NO_BASE"


NO_BASE = _NoBase()

Mode: TypeAlias = Literal["known", "bind", "doubt", "rebuild"]
"""``known``: the link is remembered. ``bind``: first bind through a match rule. ``doubt``: the same, but a create of ours whose answer
was lost may have made one of the two. ``rebuild``: the join key said so, we had no memory."""

UNFINISHED = "from:"
"""Starts the pin of a field whose first write, decided at the bind or the create, has no answer yet; the side it comes from follows."""


@dataclass(frozen=True, slots=True)
class SideView:
    """What one side says now, what it said last time, and what we may have said to it ourselves.

    ``ours`` are raw values of this field in young intents: seeing one of them is our write, however late it landed.
    ``base`` is the raw base or ``NO_BASE``; ``sent`` that the base is our own write, not seen come back yet; ``unread`` that it
    could not be read back when it was written. ``last`` is what we sent last, if nobody answered it.
    """

    side: str
    now: Value
    base: Value | _NoBase
    sent: bool = False
    ours: tuple[Value, ...] = ()
    unread: bool = False
    last: Value = ABSENT


@dataclass(frozen=True, slots=True)
class Times:
    """When each side's record was last changed, on one clock; ``None`` where that proves nothing."""

    at: Mapping[str, datetime | None] = dataclasses.field(default_factory=dict)
    margin: timedelta = timedelta(seconds=2)

    def newest(self) -> str | None:
        """The side with the newer stamp, if both have one and they differ by more than the margin."""
        stamps = {side: at for side, at in self.at.items() if at is not None}
        if len(stamps) < 2:
            return None
        (older, first), (newer, second) = sorted(stamps.items(), key=lambda pair: pair[1])
        del older
        return newer if second - first > self.margin else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided for one field.

    ``writes`` maps a side to the common value it shall get; ``settled`` maps a side to the raw value its shadow shall hold when
    nothing is written there. With ``hold`` the shadows keep their base (or have none), so that the question stays open.
    ``cause`` names the rule that decided and goes into history and notices.
    """

    field: str
    cause: str
    writes: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    settled: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    hold: bool = False
    detail: str = ""
    ways: tuple[str, ...] = ()
    moved: frozenset[str] = frozenset()
    used: Decision | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """One side, judged: did it move, and what does it say in common values."""

    view: SideView
    common: Value
    base_common: Value | _NoBase
    moved: bool
    astray: bool = False
    """It shows an older write of ours that landed late: to be repaired, never carried back."""

    @property
    def silent(self) -> bool:
        return self.view.now is ABSENT

    @property
    def baseless(self) -> bool:
        return isinstance(self.view.base, _NoBase) or self.view.base is ABSENT


def same(rule: Field, a: Value, b: Value) -> bool:
    """Equality of common values; lists of a set-valued field ignore order. ``True`` is not ``1`` here."""
    if rule.unordered and isinstance(a, list) and isinstance(b, list):
        return _elements(a) == _elements(b)
    return strictly_equal(a, b)


def strictly_equal(a: Value, b: Value) -> bool:
    """JSON equality: Python's ``1 == True`` must not hide an edit from a number to a flag."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(strictly_equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(strictly_equal(value, b[key]) for key, value in a.items())
    return bool(a == b)


def merge(
    rule: Field,
    views: Sequence[SideView],
    lookups: Lookups,
    *,
    mode: Mode = "known",
    times: Times | None = None,
    decision: Decision | None = None,
    pinned: str | None = None,
) -> Verdict:
    """Decide one field from what both sides said last time and say now.

    A value that cannot be decoded is a question to a person, never a guess. ``ParentNotLinked`` passes through: the caller
    brings the parent first.
    """
    # "references compare by remote id": raw equality comes before any decoding, so a deleted label that nobody
    # touched on this record raises no question.
    origin = unfinished_from(pinned)
    if decision is None and pinned != "frozen" and origin is None and all(_raw_unmoved(view) for view in views):
        return Verdict(
            rule.name, "unchanged", settled={view.side: view.now for view in views if view.now is not ABSENT}
        )
    try:
        left, right = (_read(rule, view, lookups) for view in views)
        decided = None if decision is None else _decided(rule, left, right, decision, lookups)
    except ParentNotLinked:
        raise
    except Undecodable as problem:
        return Verdict(rule.name, problem.cause, hold=True, detail=str(problem), ways=("retry", "dismiss"))
    moved = frozenset(read.view.side for read in (left, right) if read.moved)
    if decided is not None:
        return decided
    if pinned == "frozen" and not (left.silent or right.silent or same(rule, left.common, right.common)):
        return frozen(rule, [left.view.side, right.view.side], moved)
    if pinned == "undone" and not moved:
        return _settle(rule, left, right, "pinned")
    if origin is not None:
        source, target = (left, right) if origin == left.view.side else (right, left)
        if (verdict := _unfinished(rule, source, target)) is not None:
            return verdict
    if mode == "known":
        mode = _REMEMBERED.get(pinned or "", mode)
    if left.silent or right.silent:
        return _one_sided(rule, left, right, mode)
    if left.baseless or right.baseless:
        return _without_base(rule, left, right, lookups, mode, times)
    return _with_base(rule, left, right, times)


def unfinished_from(pinned: str | None) -> str | None:
    """The side that a pinned field's unanswered first write comes from, if it is pinned for one."""
    return pinned.removeprefix(UNFINISHED) if pinned is not None and pinned.startswith(UNFINISHED) else None


_REMEMBERED: Mapping[str, Mode] = {"rebuilt": "rebuild", "doubted": "doubt"}
"""Pins of fields that were asked about at the bind, to how they are looked at until they are settled."""


def _unfinished(rule: Field, source: _Read, target: _Read) -> Verdict | None:
    """What was decided at the bind or the create stands, unless somebody has edited the target since: the target's value is the
    remote's default, or what the decision was about to replace."""
    if source.silent or (target.moved and not target.astray):
        return None
    if target.baseless and source.common in (None, []):
        return None
    return _carry(rule, source, target, "carried")


def frozen(rule: Field, sides: Sequence[str], moved: frozenset[str]) -> Verdict:
    """Two writers keep undoing each other: neither gets its way until a person says who is right."""
    if rule.to is None:
        detail = f"{sides[0]} and {sides[1]} keep overwriting each other's value; pick one, or stop one of the writers"
    else:
        detail = (
            f"something in {rule.to} keeps changing it and {rule.place} reverts it; pick one, or stop one of the two"
        )
    return Verdict(rule.name, "frozen", hold=True, detail=detail, ways=(*sides, "value"), moved=moved)


def _raw_unmoved(view: SideView) -> bool:
    if view.now is ABSENT:
        return not isinstance(view.base, _NoBase)
    return not isinstance(view.base, _NoBase) and view.base is not ABSENT and strictly_equal(view.now, view.base)


def _read(rule: Field, view: SideView, lookups: Lookups) -> _Read:
    side, now, base = view.side, view.now, view.base
    common = rule.decode(side, now, lookups)
    if isinstance(base, _NoBase) or base is ABSENT or now is ABSENT:
        return _Read(view, common, NO_BASE, moved=False)
    if strictly_equal(now, base):
        return _Read(view, common, common, moved=False)
    if (view.sent and rule.is_echo(side, base, now)) or (view.unread and resembles(base, now)):
        # The remote trimmed, cut or rounded what we sent. The value we meant stays the base, so that a name cut at
        # 100 characters never shortens the other side's.
        return _Read(view, common, common, moved=False)
    merged = rule.unordered and strictly_equal(now, view.last)
    # A set that we merged for both sides holds what people added to either: its elements are no stranger's, and none of ours.
    if not merged and any(strictly_equal(now, value) or resembles(value, now) for value in view.ours):
        # What we sent, or the remote's spelling of it: its answer was lost before it could be read back.
        return _Read(view, common, common, moved=False, astray=True)
    try:
        base_common: Value | _NoBase = rule.decode(side, base, lookups)
    except Undecodable:
        # Yesterday's value means nothing under today's mapping; today's does. That is a move.
        return _Read(view, common, NO_BASE, moved=True)
    return _Read(view, common, base_common, moved=not same(rule, common, base_common))


def _settle(rule: Field, left: _Read, right: _Read, cause: str) -> Verdict:
    settled = {read.view.side: read.view.now for read in (left, right) if not read.silent}
    moved = frozenset(read.view.side for read in (left, right) if read.moved)
    return Verdict(rule.name, cause, settled=settled, moved=moved)


def _carry(rule: Field, source: _Read, target: _Read, cause: str) -> Verdict:
    """Write the source's value to the target, as far as the field's rules let it."""
    value, side = source.common, target.view.side
    if not target.silent and same(rule, value, target.common):
        return _settle(rule, source, target, cause)
    if value is None or value == []:
        if rule.clears == "ignore":
            return _settle(rule, source, target, "clear ignored")
        if rule.requires(side):
            return _ask(
                rule, source, target, f"required:{rule.name}", f"{rule.name} was cleared, but {side} requires it"
            )
    if rule.fill and not target.silent and target.common not in (None, []):
        return _settle(rule, source, target, "not empty")
    if rule.create_only:
        return _settle(rule, source, target, "only on create")
    moved = frozenset(read.view.side for read in (source, target) if read.moved)
    settled = {} if source.silent else {source.view.side: source.view.now}
    return Verdict(rule.name, cause, writes={side: value}, settled=settled, moved=moved)


def _ask(rule: Field, left: _Read, right: _Read, cause: str, detail: str) -> Verdict:
    moved = frozenset(read.view.side for read in (left, right) if read.moved)
    ways = (left.view.side, right.view.side, "value")
    return Verdict(rule.name, cause, hold=True, detail=detail, ways=ways, moved=moved)


def _typed(rule: Field, left: str, value: Json, lookups: Lookups) -> Json:
    """A value of one's own is typed as the left side shows it. Raises ``Undecodable``."""
    common = rule.decode(left, value, lookups) if rule.has(left) else value
    return None if common is ABSENT else common


def _decided(rule: Field, left: _Read, right: _Read, decision: Decision, lookups: Lookups) -> Verdict | None:
    """Carry what a person chose; nothing if a side has moved on since they looked."""
    value = _typed(rule, left.view.side, decision.value, lookups)
    for read in (left, right):
        seen = decision.seen.get(read.view.side, ABSENT)
        if read.silent or seen is ABSENT or strictly_equal(seen, read.view.now):
            continue
        # One side has the answer already, the other did not take it yet.
        if not decision.discard and decision.side is None and same(rule, value, read.common):
            continue
        # A write of the answer itself, whose own answer was lost, is no step of theirs.
        if not any(strictly_equal(value, read.view.now) or resembles(value, read.view.now) for value in read.view.ours):
            return None
    if decision.discard:
        return replace(_settle(rule, left, right, "discarded"), used=decision)
    if decision.side is None:
        writes = {
            read.view.side: value
            for read in (left, right)
            if rule.to in (None, read.view.side) and not (not read.silent and same(rule, value, read.common))
        }
        demanding = [side for side in writes if value in (None, "", []) and rule.requires(side)]
        if demanding:
            return _ask(rule, left, right, f"required:{rule.name}", f"{rule.name} cannot be empty in {demanding[0]}")
        settled = {
            read.view.side: read.view.now for read in (left, right) if read.view.side not in writes and not read.silent
        }
        return Verdict(rule.name, "decided", writes=writes, settled=settled, used=decision)
    source, target = (left, right) if decision.side == left.view.side else (right, left)
    if rule.to not in (None, target.view.side):
        return _settle(rule, left, right, "decided")
    return replace(_carry(rule, source, target, "decided"), used=decision)


def _one_sided(rule: Field, left: _Read, right: _Read, mode: Mode) -> Verdict:
    """One side does not show the field: it flows only towards that side."""
    if left.silent and right.silent:
        return Verdict(rule.name, "silent")
    silent, shown = (left, right) if left.silent else (right, left)
    if rule.to == shown.view.side:
        return _settle(rule, left, right, "silent")
    if shown.baseless or (silent.baseless and not shown.moved):
        # Nothing is known of the silent side: after a lost database it was told already, so a rebuild writes nothing.
        if mode == "rebuild" or shown.common is None or rule.on_bind != shown.view.side:
            return _settle(rule, left, right, "silent")
        return _carry(rule, shown, silent, "filled")
    return _carry(rule, shown, silent, "carried") if shown.moved else _settle(rule, left, right, "unchanged")


def _without_base(rule: Field, left: _Read, right: _Read, lookups: Lookups, mode: Mode, times: Times | None) -> Verdict:
    """First bind, rebuild, or a field that was mapped only now."""
    if (
        same(rule, left.common, right.common)
        or _spelled(rule, left, right, lookups)
        or _spelled(rule, right, left, lookups)
    ):
        return _settle(rule, left, right, "adopted")
    if mode == "rebuild":
        return _ask(rule, left, right, "differs after rebuild", "the sides differ and no memory says which is right")
    if mode == "doubt":
        detail = "the bridge may have made one of the two records, its answer was lost: which value came later cannot be told"
        return _ask(rule, left, right, "origin unknown", detail)
    for empty, full in ((left, right), (right, left)):
        if empty.common in (None, []):
            if rule.to not in (None, empty.view.side):
                return _settle(rule, left, right, "not its direction")
            return _carry(rule, full, empty, "filled")
    choice = rule.on_bind
    if choice == "newest":
        choice = (times.newest() if times else None) or "ask"
    if choice == "ask":
        return _ask(rule, left, right, "differs on bind", "the sides differed when they were bound")
    source, target = (left, right) if choice == left.view.side else (right, left)
    if rule.to not in (None, target.view.side):
        return _settle(rule, left, right, "not its direction")
    return _carry(rule, source, target, f"on_bind:{choice}")


def _spelled(rule: Field, source: _Read, target: _Read, lookups: Lookups) -> bool:
    """Whether the target shows the remote's declared spelling (cut, trimmed) of the source's value."""
    if rule.to not in (None, target.view.side):
        return False
    try:
        written = rule.encode(target.view.side, source.common, target.view.now, lookups)
    except Undecodable:
        return False
    return rule.is_echo(target.view.side, written, target.view.now)


def _with_base(rule: Field, left: _Read, right: _Read, times: Times | None) -> Verdict:
    if same(rule, left.common, right.common):
        # Nobody moved, or both people typed the same correction: agreement, not a conflict.
        return _settle(rule, left, right, "agreed" if left.moved or right.moved else "unchanged")
    if left.astray or right.astray:
        return _repair(rule, left, right)
    if not (left.moved or right.moved):
        return _settle(rule, left, right, "unchanged")
    if rule.to is not None:
        source, target = (left, right) if rule.to == right.view.side else (right, left)
        return _one_way(rule, source, target)
    if rule.unordered and all(isinstance(_set(base), list) for base in (left.base_common, right.base_common)):
        return _by_element(rule, left, right)
    if left.moved and right.moved:
        return _conflict(rule, left, right, times)
    source, target = (left, right) if left.moved else (right, left)
    return _carry(rule, source, target, "carried")


def _repair(rule: Field, left: _Read, right: _Read) -> Verdict:
    """A stopped worker's write landed late: put back what the other side says."""
    source, target = (right, left) if left.astray else (left, right)
    if rule.to not in (None, target.view.side):
        # The field was turned round since: what landed there last is what flows from there now.
        return _one_way(rule, target, source) if source.moved else _carry(rule, target, source, "carried")
    return _carry(rule, source, target, "repaired")


def _one_way(rule: Field, source: _Read, target: _Read) -> Verdict:
    if source.moved:
        return _carry(rule, source, target, "carried")
    match rule.wrong_side:
        case "revert":
            return _carry(rule, source, target, "reverted")
        case "keep":
            return _settle(rule, source, target, "kept")
        case "report":
            return _ask(
                rule,
                source,
                target,
                "wrong side",
                f"{rule.name} was edited in {target.view.side}, but flows only to it",
            )


def _conflict(rule: Field, left: _Read, right: _Read, times: Times | None) -> Verdict:
    choice = rule.conflict
    if choice == "newest":
        newest = times.newest() if times else None
        if newest is None:
            return _ask(
                rule, left, right, "conflict", "both sides changed it, and their times do not prove which came last"
            )
        source, target = (left, right) if newest == left.view.side else (right, left)
        return _carry(rule, source, target, "conflict:newest")
    if choice == "ask":
        return _ask(rule, left, right, "conflict", "both sides changed it")
    source, target = (left, right) if choice == left.view.side else (right, left)
    return _carry(rule, source, target, f"conflict:{choice}")


def _set(value: Value | _NoBase) -> Value | _NoBase:
    """Some systems say ``null`` for a set without elements."""
    return [] if value is None else value


def _elements(values: Sequence[Json]) -> list[str]:
    return sorted({repr(value) for value in values})


def _by_element(rule: Field, left: _Read, right: _Read) -> Verdict:
    """Tags added here and removed there are both meant."""

    def items(value: Value | _NoBase) -> dict[str, Json]:
        return {repr(item): item for item in value} if isinstance(value, list) else {}

    sides = [(items(read.base_common), items(read.common)) for read in (left, right)]
    removed = {key for base, now in sides for key in base if key not in now}
    merged: dict[str, Json] = {}
    for _base, now in sides:
        merged.update({key: value for key, value in now.items() if key not in removed})
    result = list(merged.values())
    writes = {read.view.side: result for read in (left, right) if not same(rule, result, _set(read.common))}
    settled = {read.view.side: read.view.now for read in (left, right) if read.view.side not in writes}
    moved = frozenset(read.view.side for read in (left, right) if read.moved)
    return Verdict(rule.name, "merged", writes=writes, settled=settled, moved=moved)


def view_of(
    rule: Field, side: str, raw: Mapping[str, Json] | None, shadow: Shadow | None, ours: Mapping[str, Sequence[Value]]
) -> SideView:
    """Build a side's view of one field from its record, its shadow and young intents (path to values)."""
    key = rule.key(side)
    now = ABSENT if raw is None or not rule.has(side) else rule.observe(side, raw)
    base: Value | _NoBase = NO_BASE
    if shadow is not None and key in shadow.values:
        base = shadow.values[key]
    return SideView(side, now, base, shadow is not None and key in shadow.sent, tuple(ours.get(key, ())))
