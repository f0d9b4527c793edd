"""Creates whose answer was lost: what was made, and what to compare it with."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Literal

from bridge.core.effects import Claim, Commit, Effect, Extend, Extended, FindByValue, ListChildren, Read
from bridge.core.errors import Undecodable
from bridge.core.identity import Identity, Nobody, One, Several
from bridge.core.mapping.model import Field, Stream
from bridge.core.mapping.paths import get_path
from bridge.core.merge import UNFINISHED
from bridge.core.records import ABSENT, End, Intent, Link, Lookups, Record, Ref, Reference, Shadow, Value
from bridge.core.spelling import resembles
from bridge.sync.raw import by_key
from bridge.sync.terms import Terms


def open_creates(intents: Sequence[Intent], side: str) -> tuple[Intent, ...]:
    """The creates on ``side`` among these that were never answered."""
    return tuple(
        intent for intent in intents if intent.state == "open" and intent.side == side and intent.step.verb == "create"
    )


def concluded(intents: Sequence[Intent], *, found: bool = False) -> dict[int, str]:
    """What to note of unanswered creates, and of what was to be sent after them, once what they made was found, or found not to
    be there."""
    state = "answered" if found else "lapsed"
    return {intent.id: state for intent in intents if intent.state == "open" and _of_create(intent)}


def landed(claim: Claim, terms: Terms) -> tuple[Intent, ...]:
    """The claim's intents without the upserts that a stopped worker may still send: landing late they put old values on the record
    that a repeated one has made, and that is no edit."""
    return tuple(
        intent
        for intent in claim.intents
        if intent.step.payload.get("upsert") is not True
        or (claim.now - intent.created_at).total_seconds() > terms.timings.window
    )


def _of_create(intent: Intent) -> bool:
    return intent.step.record_id is None and intent.step.verb != "label"


def is_made_from(stream: Stream, record: Record, intent: Intent) -> bool:
    """Whether a record shows all that a create was about to send (in the remote's own spelling)."""
    if intent.step.verb != "create" or intent.step.object != record.ref.object:
        return False
    side = record.ref.system
    shown = 0
    for rule in stream.fields:
        if not rule.has(side):
            continue
        sent = by_key(stream, side, intent.step.values).get(rule.key(side), ABSENT)
        now = rule.observe(side, record.raw)
        if sent in (ABSENT, None, []) or now is ABSENT:
            continue
        if now != sent and not rule.is_echo(side, sent, now):
            return False
        shown += 1
    return shown > 0


def shares(stream: Stream, record: Record, intent: Intent, *, besides: frozenset[str] = frozenset()) -> bool:
    """Whether a record shows any telling value (a name, an address) that a create was about to send, in another field than these."""
    if intent.step.verb != "create" or intent.step.object != record.ref.object:
        return False
    side = record.ref.system
    sent = by_key(stream, side, intent.step.values)
    return any(
        isinstance(value, str) and value and resembles(value, rule.observe(side, record.raw))
        for rule in stream.fields
        if rule.has(side) and rule.name not in besides and not rule.references(side, value := sent.get(rule.key(side)))
    )


def maybe_ours(stream: Stream, record: Record, lost: Sequence[Intent]) -> Intent | None:
    """The create of ours, never answered, that may have made this record; of one that was given up all has to fit where match
    rules tell records apart, for people share names."""
    for intent in lost:
        # One that belongs to a link waits for nothing but its own late landing.
        loosely = (intent.state == "open" and intent.link_id is None) or not stream.match
        if shares(stream, record, intent) and (loosely or is_made_from(stream, record, intent)):
            return intent
    return None


def find_created(claim: Claim, stream: Stream, terms: Terms, record: Record) -> Generator[Effect, Any, Identity]:
    """Look for what an unanswered create may have made: among the parent's children that were not there before, or, without a
    parent, among records that carry the value it sent in its first field."""
    other = stream.other(record.ref.system)
    for intent in open_creates(claim.intents, other):
        values = by_key(stream, other, intent.step.values)
        parent = parent_of(stream, terms, other, values)
        alike: list[Record] = []
        if parent is not None:
            children = yield Read(ListChildren(other, stream.object(other), parent), claim.change.lane)
            alike = [one for one in children if one.ref.id not in intent.snapshot and shares(stream, one, intent)]
        if not alike:
            # Without a parent, or when a person has moved it to another one since.
            for path, value in _searches(intent):
                found = yield Read(FindByValue(other, stream.object(other), path, value), claim.change.lane)
                # Searches find parts of names, and what else a company shares (its industry) it shares with many.
                alike += [
                    one
                    for one in found
                    if one.ref.id not in intent.snapshot and resembles(value, get_path(one.raw, path))
                ]
        free = yield from _unlinked(claim, stream, list({one.ref.id: one for one in alike}.values()))
        made = [one for one in free if is_made_from(stream, one, intent)]
        if len(made) == 1:
            return One(made[0], keyed=False)
        if free:
            # A person may have edited what we made before it was looked for; to make it again would be a twin.
            return Several(tuple(made or free), "values")
    return Nobody()


_NAMES = ("name", "title", "email", "domain", "website")
"""What people call a record by, the best known first."""


def _searches(intent: Intent) -> tuple[tuple[str, str], ...]:
    """Paths and values to search by: the name, which every system can search, and one more text, in case a person renamed it."""
    texts = {path: value for path, value in intent.step.values.items() if isinstance(value, str) and value}
    named = sorted(texts, key=lambda path: _NAMES.index(path) if path in _NAMES else len(_NAMES))
    return tuple((path, texts[path]) for path in named[:2])


def _unlinked(claim: Claim, stream: Stream, records: list[Record]) -> Generator[Effect, Any, list[Record]]:
    if not records:
        return []
    ends = frozenset(Reference(stream.name, record.ref.system, record.ref.id) for record in records)
    extended = yield Commit(Extend(claim, frozenset(), ends))
    links = extended.links if isinstance(extended, Extended) else ()
    held = {end.record_id for link in links for end in link.ends.values()}
    return [record for record in records if record.ref.id not in held]


def parent_of(stream: Stream, terms: Terms, side: str, values: Mapping[str, Value]) -> Ref | None:
    """The record that a create on ``side`` hangs on, by the values (per shadow key) it sends."""
    for rule in stream.fields:
        if not rule.has(side) or rule.key(side) not in values:
            continue
        for reference in rule.references(side, values[rule.key(side)]):
            parent = terms.mappings[reference.stream]
            return Ref(side, parent.object(side), reference.record_id)
    return None


def made_here(
    stream: Stream, terms: Terms, intents: Sequence[Intent], record: Record, found: Record, lookups: Lookups
) -> Link | Literal["perhaps"] | None:
    """Whether an unanswered create of ours made one of two records. If so, a link to merge against: what was sent stands for both
    sides' last word, so that an edit made since on either side is an edit and not a difference."""
    doubt: Literal["perhaps"] | None = None
    for made, source in ((found, record), (record, found)):
        lost = open_creates(intents, made.ref.system)
        ours = [intent for intent in lost if _carries_key(stream, terms, made, source) or _tells(stream, made, intent)]
        if ours:
            return _memory(stream, intents, _agreed(stream, made, ours), made, source, lookups)
        if lost and not _keys(stream, terms, made):
            doubt = "perhaps"
    return doubt


def _agreed(stream: Stream, made: Record, ours: Sequence[Intent]) -> Intent:
    """Of several creates without an answer the one whose values the record shows, else what all of them say."""
    shown = [intent for intent in ours if is_made_from(stream, made, intent)]
    if len(shown) == 1:
        return shown[0]
    first, *others = ours
    values = {
        path: value
        for path, value in first.step.values.items()
        if all(path in other.step.values and other.step.values[path] == value for other in others)
    }
    return dataclasses.replace(first, step=dataclasses.replace(first.step, values=values))


def _keys(stream: Stream, terms: Terms, made: Record) -> bool:
    """Whether creates on this side leave a join key, which tells them from anybody else's."""
    side = made.ref.system
    return side == stream.sides[1] and terms.traits(side, made.ref.object).join_keys


def _carries_key(stream: Stream, terms: Terms, made: Record, source: Record) -> bool:
    return _keys(stream, terms, made) and stream.join_key(source.ref.id) in terms.keys(made)


def _tells(stream: Stream, made: Record, intent: Intent) -> bool:
    """Whether a value that did not lead to the record says so, too: a stranger may have the same address, or the name."""
    return shares(stream, made, intent, besides=frozenset(rule.field for rule in stream.match))


def _memory(
    stream: Stream, intents: Sequence[Intent], intent: Intent, made: Record, source: Record, lookups: Lookups
) -> Link:
    target, origin = made.ref.system, source.ref.system
    sent = by_key(stream, target, intent.step.values)
    unsent: dict[str, Value] = {}
    for later in intents:
        if later.state == "open" and later.change_id == intent.change_id and later.side == target and _of_create(later):
            unsent |= by_key(stream, target, later.step.values)
    known: dict[str, Value] = {}
    shown = dict(sent)
    pinned = {}
    for rule in stream.fields:
        if not (rule.has(origin) and rule.has(target)):
            continue
        if rule.key(target) in unsent and rule.key(target) not in sent:
            pinned[rule.name] = UNFINISHED + origin
        if rule.key(target) not in sent:
            continue
        value, now = sent[rule.key(target)], rule.observe(origin, source.raw)
        try:
            known[rule.key(origin)] = rule.encode(origin, rule.decode(target, value, lookups), now, lookups)
        except Undecodable:
            # What was meant cannot be told any more (its stage is gone): without a base a difference is asked about.
            shown.pop(rule.key(target))
            if rule.observe(target, made.raw) is ABSENT and not _sends(rule, target, origin, source, value, lookups):
                # Nobody will see the difference (a contact's company was merged into another one): it is told again.
                pinned[rule.name] = UNFINISHED + origin
            continue
        spelled = rule.observe(target, made.raw)
        if spelled is not ABSENT and resembles(value, spelled):
            # Trimmed or cut by the remote, and nobody read it back in time.
            shown[rule.key(target)] = spelled
    ends = {
        origin: End(origin, source.ref.id, Shadow(known, version=stream.version)),
        target: End(target, made.ref.id, Shadow(shown, frozenset(shown), version=stream.version)),
    }
    return Link(0, stream.name, "half", ends, pinned=pinned)


def _sends(rule: Field, target: str, origin: str, source: Record, sent: Value, lookups: Lookups) -> bool:
    """Whether the source's value of today would be sent as what was sent."""
    try:
        common = rule.decode(origin, rule.observe(origin, source.raw), lookups)
        return not (common is ABSENT or rule.encode(target, common, ABSENT, lookups) != sent)
    except Undecodable:
        return False
