"""Creates whose answer was lost: what was made, and what to compare it with."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from bridge.core.effects import Claim, Commit, Effect, Extend, Extended, FindByValue, ListChildren, Read
from bridge.core.errors import Undecodable
from bridge.core.identity import Identity, Nobody, One, Several
from bridge.core.mapping.model import Stream
from bridge.core.records import ABSENT, End, Intent, Link, Lookups, Record, Ref, Reference, Shadow, Value
from bridge.sync.raw import by_key
from bridge.sync.terms import Terms


def open_creates(claim: Claim, side: str) -> tuple[Intent, ...]:
    """Creates on ``side`` that were declared for this change and never answered."""
    return tuple(
        intent
        for intent in claim.intents
        if intent.state == "open" and intent.side == side and intent.step.verb == "create"
    )


def concluded(claim: Claim, side: str) -> dict[int, str]:
    """What to note of this change's unanswered creates once what they made was found, or found not to be there."""
    return {intent.id: "lapsed" for intent in open_creates(claim, side)}


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


def find_created(claim: Claim, stream: Stream, terms: Terms, record: Record) -> Generator[Effect, Any, Identity]:
    """Look for what an unanswered create may have made: among the parent's children that were not there before, or, without a
    parent, among records that carry the value it sent in its first field."""
    other = stream.other(record.ref.system)
    for intent in open_creates(claim, other):
        values = by_key(stream, other, intent.step.values)
        parent = parent_of(stream, terms, other, values)
        if parent is not None:
            found: tuple[Record, ...] = yield Read(ListChildren(other, stream.object(other), parent), claim.change.lane)
        else:
            path, value = _search(intent)
            found = (
                (yield Read(FindByValue(other, stream.object(other), path, value), claim.change.lane)) if path else ()
            )
        fresh = [one for one in found if one.ref.id not in intent.snapshot and is_made_from(stream, one, intent)]
        free = yield from _unlinked(claim, stream, fresh)
        if len(free) == 1:
            return One(free[0], keyed=False)
        if len(free) > 1:
            return Several(tuple(free), "values")
    return Nobody()


def _search(intent: Intent) -> tuple[str, str]:
    """The path and value to search by: a name finds the record in every system that has a search at all."""
    texts = {path: value for path, value in intent.step.values.items() if isinstance(value, str) and value}
    for path in ("name", "title", "email"):
        if path in texts:
            return path, texts[path]
    return next(iter(texts.items()), ("", ""))


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


def remembered_create(claim: Claim, stream: Stream, record: Record, found: Record, lookups: Lookups) -> Link | None:
    """A link to merge against when our own unanswered create made ``found``: what was sent stands for both sides' last word, so
    that an edit made since on either side is an edit and not a difference."""
    source, target = record.ref.system, found.ref.system
    for intent in open_creates(claim, target):
        sent = by_key(stream, target, intent.step.values)
        known: dict[str, Value] = {}
        for rule in stream.fields:
            if not (rule.has(source) and rule.has(target)) or rule.key(target) not in sent:
                continue
            now = rule.observe(source, record.raw)
            try:
                common = rule.decode(target, sent[rule.key(target)], lookups)
                known[rule.key(source)] = rule.encode(source, common, now, lookups)
            except Undecodable:
                known[rule.key(source)] = now
        ends = {
            source: End(source, record.ref.id, Shadow(known, version=stream.version)),
            target: End(target, found.ref.id, Shadow(sent, frozenset(sent), version=stream.version)),
        }
        return Link(0, stream.name, "half", ends)
    return None
