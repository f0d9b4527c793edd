"""Judges a finished world from its journal and its final state. Imports nothing from the bridge.

The rules are stated in terms of what users did. For each field of each linked pair the users' writes are put into the
order that everybody could know (*before*): two writes on one side by time; a write on the other side comes after one
whose image had landed there and been remembered first. The writes that no other follows are the ones that may win.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.journal import Event, Journal
from tests.simulation.remote import Row, pick
from tests.simulation.rules import OBJECTS, SIDES, STREAM_OF, FieldSpec, Rules, World, alike, common, other


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link as its owner tells it, in neutral words."""

    stream: str
    state: str
    ends: Mapping[str, str]
    pinned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shown:
    """Something shown to a person: an attention item or a parked change. ``field`` is empty for the whole record."""

    stream: str
    side: str
    id: str
    field: str
    cause: str


@dataclass(frozen=True, slots=True)
class Final:
    """The end of a world."""

    rows: Mapping[str, Mapping[tuple[str, str], Row]]
    """Side → (object, id) → row."""
    links: Sequence[LinkView]
    shown: Sequence[Shown]
    names: Mapping[tuple[str, str], Mapping[str, Sequence[str]]]
    """(side, kind) → id → every name it ever had: a rename moves no record."""
    cut: int | None = None
    hidden: frozenset[tuple[str, str]] = frozenset()
    """(side, path) of values that a side never shows: they flow only towards it."""


@dataclass(frozen=True, slots=True)
class Violation:
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"


@dataclass(frozen=True, slots=True)
class Write:
    """A user's write of one field: what it meant, where and when."""

    at: float
    side: str
    value: Any
    blind: bool = False
    """It fell between the bridge's last look and its write: the documented residual."""


@dataclass(slots=True)
class Pair:
    """One link with everything that happened to its two records."""

    link: LinkView
    events: list[Event] = field(default_factory=list)
    bound: float | None = None
    """When both ends were first remembered together."""

    @property
    def remembered(self) -> list[float]:
        return [event.at for event in self.events if event.kind == "remembered" and event.note != "open"]


class Oracle:
    def __init__(self, journal: Journal, final: Final, rules: Rules) -> None:
        self.journal = journal
        self.final = final
        self.rules = rules
        self.world = World(final.names, self._pair_tokens())
        self.shown = {(shown.stream, shown.side, shown.id, shown.field) for shown in final.shown}
        self.pairs = [self._pair(link) for link in final.links]

    def judge(self) -> list[Violation]:
        found: list[Violation] = []
        for check in (
            self.links_one_to_one,
            self.keys_one_to_one,
            self.no_twin,
            self.everything_linked,
            self.converged,
            self.no_lost_edit,
            self.no_resurrection,
            self.few_writes,
        ):
            found.extend(check())
        return found

    # --- identity ---

    def links_one_to_one(self) -> Iterator[Violation]:
        seen: dict[tuple[str, str, str], LinkView] = {}
        for link in self.final.links:
            for side, id in link.ends.items():
                key = (link.stream, side, id)
                if key in seen:
                    yield Violation("links one to one", f"{key} is in {seen[key].ends} and in {link.ends}")
                seen[key] = link

    def keys_one_to_one(self) -> Iterator[Violation]:
        """A CRM id stands in at most one Assembly record, and that is the one it is linked to."""
        linked = {(link.stream, link.ends["crm"]): link for link in self.final.links if "crm" in link.ends}
        for stream in self.rules.streams:
            holders: dict[str, list[str]] = defaultdict(list)
            for row in self._live("assembly", stream):
                for key in (row.raw or {}).get("source_specific_ids", ()):
                    holders[key].append(row.id)
            for key, ids in holders.items():
                if len(ids) > 1:
                    yield Violation("join key", f"{stream} key {key} stands in {ids}")
                link = linked.get((stream, key))
                if link is not None and link.state == "live" and link.ends.get("assembly") not in ids:
                    yield Violation("join key", f"{stream} {link.ends} but the key stands in {ids}")
            for link in linked.values():
                if link.stream != stream or link.state != "live" or "assembly" not in link.ends:
                    continue
                if link.ends["crm"] not in holders and self._raw(link, "assembly") is not None:
                    yield Violation("join key", f"{stream} {link.ends} has no key in Assembly")

    def no_twin(self) -> Iterator[Violation]:
        """Whatever the bridge made is one end of a link, and it stands for something that a user made."""
        linked = {(link.stream, side, id) for link in self.final.links for side, id in link.ends.items()}
        for side in SIDES:
            for row in self.final.rows[side].values():
                stream = STREAM_OF[side, row.object]
                if row.made_by != "bridge" or row.raw is None or stream not in self.rules.streams:
                    continue
                if (stream, side, row.id) not in linked and not self._is_shown(stream, side, row.id):
                    yield Violation(
                        "twin", f"{side} {row.object} {row.id} was made by the bridge and is linked to nothing"
                    )
        for link in self.final.links:
            rows = [self.final.rows[side].get((OBJECTS[link.stream][side], id)) for side, id in link.ends.items()]
            if len(rows) == 2 and all(row is not None and row.made_by == "bridge" for row in rows):
                yield Violation("twin", f"{link.stream} {dict(link.ends)}: both ends were made by the bridge")

    def everything_linked(self) -> Iterator[Violation]:
        """A record that may be made on the other side is there, or a person is told why not."""
        linked = {(link.stream, side, id) for link in self.final.links for side, id in link.ends.items()}
        for stream, target in self.rules.creates:
            side = other(target)
            for row in self._live(side, stream):
                if (stream, side, row.id) in linked or self._is_shown(stream, side, row.id):
                    continue
                if self._out_of_scope(stream, side, row.raw or {}):
                    continue
                yield Violation(
                    "not carried", f"{side} {row.object} {row.id} has nothing on the other side, and nobody is told"
                )

    # --- values ---

    def converged(self) -> Iterator[Violation]:
        for pair in self.pairs:
            raws = {side: self._raw(pair.link, side) for side in SIDES}
            if pair.link.state != "live" or None in raws.values():
                continue
            for spec in self.rules.fields(pair.link.stream):
                if self._excused(pair.link, spec):
                    continue
                values = self._values(spec, raws)
                if not alike(spec, values["crm"], values["assembly"], cut=self.final.cut):
                    yield Violation(
                        "not converged", f"{pair.link.stream}.{spec.name} of {dict(pair.link.ends)}: {values}"
                    )

    def no_lost_edit(self) -> Iterator[Violation]:
        """The final value was written by a user, and no later known write was passed over."""
        for pair in self.pairs:
            raws = {side: self._raw(pair.link, side) for side in SIDES}
            if pair.link.state != "live" or None in raws.values():
                continue
            for spec in self.rules.fields(pair.link.stream):
                if self._excused(pair.link, spec):
                    continue
                yield from self._judge_field(pair, spec, self._values(spec, raws))

    def _judge_field(self, pair: Pair, spec: FieldSpec, values: Mapping[str, Any]) -> Iterator[Violation]:
        source = other(spec.to) if spec.to else None
        writes = [write for write in self._writes(pair, spec) if source in (None, write.side)]
        value = values[source or "crm"]
        label = f"{pair.link.stream}.{spec.name} of {dict(pair.link.ends)}"
        if self._from_a_lost_twin(pair, spec, source or "crm", value):
            return
        if not writes:
            if value is not None and spec.kind != "stage":
                yield Violation("made up", f"{label} is {value!r}, which no user wrote")
            return
        allowed = self._winners(pair, spec, writes)
        side = source or "crm"
        if not any(self._is(spec, side, value, write) for write in allowed):
            told = ", ".join(f"{write.value!r} ({write.side} at {write.at:.1f})" for write in allowed)
            rule = "superseded" if any(self._is(spec, side, value, write) for write in writes) else "made up"
            yield Violation(rule, f"{label} is {value!r}; it should be {told}")

    def _from_a_lost_twin(self, pair: Pair, spec: FieldSpec, side: str, value: Any) -> bool:
        """While the pair was not bound yet the record was being bound to another one, which a user deleted meanwhile."""
        gone = {(event.side, event.id) for event in self.journal.of("delete")}
        written = [
            common(spec, event.side, event.values[spec.path(event.side)], self.world)
            for event in self.journal.of("create", "edit")
            if (event.side, event.id) in gone
            and STREAM_OF[event.side, event.object] == pair.link.stream
            and spec.path(event.side) in event.values
        ]
        landed = [event for event in pair.events if event.kind == "landing" and event.side == side]
        before = [event for event in landed if pair.bound is None or event.at < pair.bound]
        return value in written and any(spec.path(side) in event.values for event in before)

    def _is(self, spec: FieldSpec, side: str, value: Any, write: Write) -> bool:
        """Whether a value on ``side`` is what was written: exactly on the same side, in the remote's spelling on the other."""
        if write.side == side:
            return bool(value == write.value)
        crm, assembly = (value, write.value) if side == "crm" else (write.value, value)
        return alike(spec, crm, assembly, cut=self.final.cut)

    def _winners(self, pair: Pair, spec: FieldSpec, writes: Sequence[Write]) -> list[Write]:
        """The writes that no known write follows; those made blind may have been overwritten."""
        certain = [write for write in writes if not (write.blind or self._came_back(pair, spec, write))]
        winners = self._maximal(pair, spec, writes)
        if len(certain) < len(writes) and certain:
            winners += self._maximal(pair, spec, certain)
        return self._by_rule(pair, spec, winners)

    def _came_back(self, pair: Pair, spec: FieldSpec, write: Write) -> bool:
        """It set again what was remembered last: who compares with that sees no edit."""
        path = spec.path(write.side)
        known = [at for at in pair.remembered if at < write.at]
        before = [
            event
            for event in pair.events
            if event.side == write.side and path in event.values and known and event.at <= known[-1]
        ]
        return bool(before) and common(spec, write.side, before[-1].values[path], self.world) == write.value

    def _maximal(self, pair: Pair, spec: FieldSpec, writes: Sequence[Write]) -> list[Write]:
        return [w for w in writes if not any(self._before(pair, spec, w, later) for later in writes if later is not w)]

    def _before(self, pair: Pair, spec: FieldSpec, first: Write, second: Write) -> bool:
        """Whether the second write was made by someone who could see the first."""
        if first.at > second.at:
            return False
        if first.side == second.side:
            return first.at < second.at
        shown = [at for at in self._landed(pair, spec, second.side, first) if at < second.at]
        return any(landed < known < second.at for landed in shown for known in pair.remembered)

    def _by_rule(self, pair: Pair, spec: FieldSpec, winners: list[Write]) -> list[Write]:
        """Where both sides were written without knowing of each other, the field's rule picks the side."""
        sides = {write.side for write in winners}
        if len(sides) < 2 or any(write.blind or self._came_back(pair, spec, write) for write in winners):
            return winners
        first = min(write.at for write in winners)
        if any(
            event.kind in ("landing", "remembered") and event.at >= first for event in self._before_all(pair, winners)
        ):
            return winners
        common_past = self._ever_landed(pair, spec, winners) or self._adopted(pair, spec)
        without_base = self._both_by_users(pair) and not common_past
        rule = self.rules.on_bind if without_base else self.rules.conflict
        if rule not in SIDES or (without_base and self._agreed_once(pair, spec, winners)):
            return winners
        if without_base and any(write.value is None for write in winners):
            return [write for write in winners if write.value is not None] or winners
        return [write for write in winners if write.side == rule]

    def _ever_landed(self, pair: Pair, spec: FieldSpec, winners: Sequence[Write]) -> bool:
        """Whether the bridge wrote the field before these writes: until then two bound records have no common past."""
        return any(
            event.kind == "landing" and spec.path(event.side) in event.values
            for event in self._before_all(pair, winners)
        )

    def _adopted(self, pair: Pair, spec: FieldSpec) -> bool:
        """Whether both sides said the same when the pair was first remembered."""
        if pair.bound is None:
            return False
        last: dict[str, Write] = {write.side: write for write in self._writes(pair, spec) if write.at <= pair.bound}
        return len(last) == 2 and self._is(spec, "crm", last["crm"].value, last["assembly"])

    def _agreed_once(self, pair: Pair, spec: FieldSpec, winners: Sequence[Write]) -> bool:
        """Before they were bound both sides said the same for a while; an edit after that is no difference on bind."""
        writes = self._writes(pair, spec)
        return any(
            self._is(spec, winner.side, winner.value, write)
            for winner in winners
            for write in writes
            if write.side != winner.side
        )

    def _before_all(self, pair: Pair, winners: Sequence[Write]) -> Iterator[Event]:
        last = max(write.at for write in winners)
        return (event for event in pair.events if event.at <= last)

    def _landed(self, pair: Pair, spec: FieldSpec, side: str, write: Write) -> Iterator[float]:
        """When the value of a write took effect on a side by the bridge's hand."""
        for event in pair.events:
            if event.kind == "landing" and event.side == side and spec.path(side) in event.values:
                value = common(spec, side, event.values[spec.path(side)], self.world)
                if event.at > write.at and self._is(spec, side, value, write):
                    yield event.at

    def _writes(self, pair: Pair, spec: FieldSpec) -> list[Write]:
        """All users' writes of a field on either end. A record made without the field says nothing of it."""
        found = []
        for event in pair.events:
            if event.kind in ("create", "edit") and spec.path(event.side) in event.values:
                value = common(spec, event.side, event.values[spec.path(event.side)], self.world)
                if event.kind == "edit" or value is not None:
                    found.append(Write(event.at, event.side, value, self._blind(pair, spec, event)))
        return found

    def _blind(self, pair: Pair, spec: FieldSpec, edit: Event) -> bool:
        path = spec.path(edit.side)
        return any(
            event.kind == "landing"
            and event.side == edit.side
            and path in event.values
            and event.seen is not None
            and event.seen <= edit.at <= event.at
            for event in pair.events
        )

    # --- deletion, cost ---

    def no_resurrection(self) -> Iterator[Violation]:
        """Once a user deleted one end, nothing is made for the other end again."""
        for pair in self.pairs:
            deleted = {event.side: event.at for event in pair.events if event.kind in ("delete", "merge")}
            for side, at in deleted.items():
                for event in self.journal.of("landing"):
                    if (
                        event.note != "create"
                        or event.side != side
                        or event.at <= at
                        or event.object != OBJECTS[pair.link.stream][side]
                    ):
                        continue
                    link = next((other for other in self.final.links if other.ends.get(side) == event.id), None)
                    if link is not None and link.ends.get(other(side)) == pair.link.ends.get(other(side)):
                        yield Violation(
                            "resurrected",
                            f"{side} {event.object} {event.id} was made after {dict(pair.link.ends)} died",
                        )
                if pair.link.state == "live" and self._raw(pair.link, side) is None and not self._told(pair.link):
                    yield Violation(
                        "deletion missed",
                        f"{pair.link.stream} {dict(pair.link.ends)} is still live; {side} was deleted at {at:.1f}",
                    )

    def few_writes(self) -> Iterator[Violation]:
        """The writes of the bridge are bounded by what users did."""
        acts = self.journal.count("create", "edit", "delete", "merge", "mapping", "resolved") + self.journal.count(
            "fault", "kill"
        )
        landings = self.journal.count("landing", "removal")
        if landings > 12 + 6 * acts:
            yield Violation("too many writes", f"{landings} writes for {acts} acts")

    # --- helpers ---

    def _pair_tokens(self) -> dict[tuple[str, str], str]:
        """Company ids of both sides to one token; Assembly's deals name companies by their source ids."""
        tokens = {}
        for link in self.final.links:
            if link.stream == "companies" and len(link.ends) == 2:
                for side, id in link.ends.items():
                    tokens[side, id] = f"pair {link.ends['crm']}"
                tokens["assembly", link.ends["crm"]] = f"pair {link.ends['crm']}"
        return tokens

    def _pair(self, link: LinkView) -> Pair:
        pair = Pair(link)
        for event in self.journal.events:
            if event.kind == "remembered":
                if event.object == link.stream and event.values == dict(link.ends):
                    pair.events.append(event)
                    if pair.bound is None and len(link.ends) == 2:
                        pair.bound = event.at
            elif (
                event.side in link.ends
                and STREAM_OF.get((event.side, event.object)) == link.stream
                and event.id == link.ends[event.side]
            ):
                pair.events.append(event)
        return pair

    def _values(self, spec: FieldSpec, raws: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
        return {side: common(spec, side, pick(raw or {}, spec.path(side)), self.world) for side, raw in raws.items()}

    def _both_by_users(self, pair: Pair) -> bool:
        rows = [self.final.rows[side].get((OBJECTS[pair.link.stream][side], id)) for side, id in pair.link.ends.items()]
        return len(rows) == 2 and all(row is not None and row.made_by == "user" for row in rows)

    def _made_by_user(self, link: LinkView, side: str) -> bool:
        row = self.final.rows[side].get((OBJECTS[link.stream][side], link.ends.get(side, "")))
        return row is not None and row.made_by == "user"

    def _raw(self, link: LinkView, side: str) -> Mapping[str, Any] | None:
        row = self.final.rows[side].get((OBJECTS[link.stream][side], link.ends.get(side, "")))
        return row.raw if row else None

    def _live(self, side: str, stream: str) -> Iterator[Row]:
        for row in self.final.rows[side].values():
            if row.object == OBJECTS[stream][side] and row.raw is not None:
                yield row

    def _is_shown(self, stream: str, side: str, id: str, names: Iterable[str] = ("",)) -> bool:
        return any(shown.stream == stream and shown.side == side and shown.id == id for shown in self.final.shown)

    def _told(self, link: LinkView) -> bool:
        return any(self._is_shown(link.stream, side, id) for side, id in link.ends.items())

    def _excused(self, link: LinkView, spec: FieldSpec) -> bool:
        """A person has been asked about this field or this record, or it is pinned."""
        if spec.name in link.pinned:
            return True
        for side in SIDES:
            if (side, spec.path(side)) in self.final.hidden and self._made_by_user(link, side):
                # What a user put where nobody can look is unknown to all.
                return True
        return any(
            (link.stream, side, id, name) in self.shown for side, id in link.ends.items() for name in ("", spec.name)
        )

    def _out_of_scope(self, stream: str, side: str, raw: Mapping[str, Any]) -> bool:
        return stream == "companies" and side == "crm" and raw.get("status") == "inactive"
