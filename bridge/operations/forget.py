"""Forgetting a person: every value of theirs leaves the bridge's database, and neither a replay nor a backfill brings one back.

The person's records in the CRM and in Assembly are not touched: deleting them there is the systems' own business. Here their links stay
as dead ids, so that late hints are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.core.errors import Undecodable, UsageError
from bridge.core.mapping.model import MatchRule, Stream
from bridge.core.records import Link, Lookups, Reference, Value
from bridge.store import Store, mentioned
from bridge.sync.terms import Terms

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """``records`` are the records that were the person's; ``erased`` counts rows by table."""

    records: tuple[Reference, ...]
    erased: dict[str, int]


def forget(store: Store, connection: str, terms: Terms, email: str) -> Forgotten:
    """Erase a person by their e-mail address.

    Theirs are the records that match by that address, as remembered here or as the systems say now, and records that only mention it
    and can never be written again (notes). Other records that mention it lose just the values that do. Raises ``UsageError``
    (422) for what is no address, and ``RemoteError``: a system that cannot be asked may know records that nobody has linked.
    """
    address = email.strip().lower()
    if not _ADDRESS.fullmatch(address):
        raise UsageError("name the person by an e-mail address", status=422)
    theirs = set(_in_systems(terms, address))
    for link in store.people.mentioning(connection, address):
        if link.stream not in terms.mappings:
            continue
        stream = terms.mappings[link.stream]
        if _is_person(stream, link, address) or _is_final(stream, terms):
            theirs |= {Reference(link.stream, end.side, end.record_id) for end in link.ends.values()}
    erased = store.people.forget(connection, theirs, address)
    return Forgotten(tuple(sorted(theirs)), erased)


def _in_systems(terms: Terms, address: str) -> Iterator[Reference]:
    for stream in terms.mappings.streams:
        for side in stream.sides:
            if not terms.traits(side, stream.object(side)).readable:
                continue
            for rule in _personal(stream):
                for record in terms.connectors[side].find(stream.object(side), rule.path(side), address):
                    field = next(each for each in stream.fields if each.name == rule.field)
                    if _names(stream, rule, side, field.observe(side, record.raw), address):
                        yield Reference(stream.name, side, record.ref.id)


def _personal(stream: Stream) -> tuple[MatchRule, ...]:
    """Match rules under which an address stays an address: a company's domain is nobody's."""
    return tuple(rule for rule in stream.match if "@" in (rule.normalise("a@b.example") or ""))


def _names(stream: Stream, rule: MatchRule, side: str, observed: Value, address: str) -> bool:
    field = next(each for each in stream.fields if each.name == rule.field)
    try:
        common = field.decode(side, observed, Lookups())
    except Undecodable:
        return False
    return rule.normalise(common) == rule.normalise(address) and mentioned(observed, address)


def _is_person(stream: Stream, link: Link, address: str) -> bool:
    fields = {field.name: field for field in stream.fields}
    return any(
        _names(stream, rule, end.side, end.shadow.values.get(fields[rule.field].key(end.side)), address)
        for rule in _personal(stream)
        for end in link.ends.values()
        if fields[rule.field].has(end.side)
    )


def _is_final(stream: Stream, terms: Terms) -> bool:
    """Whether a record never changes after it was made: nothing is lost when its link dies."""
    left = stream.sides[0]
    return not terms.traits(left, stream.object(left)).updatable
