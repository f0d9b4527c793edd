"""The case that the oracle judges: the journal and the end of a world, with the questions that every rule asks of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.simulation.journal import Event, Journal
from tests.simulation.oracle_mapping import MappingStory
from tests.simulation.oracle_terms import Final, LinkView, Pair, Write
from tests.simulation.remote import Row, pick
from tests.simulation.rules import OBJECTS, SIDES, STREAM_OF, FieldSpec, Rules, World, common


class Case:
    def __init__(self, journal: Journal, final: Final, rules: Rules) -> None:
        self.journal = journal
        self.final = final
        self.rules = rules
        self.world = World(final.names, self._pair_tokens())
        self.shown = {(shown.stream, shown.side, shown.id, shown.field) for shown in final.shown}
        self.mapping = MappingStory(journal)
        self.pairs = [self._pair(link) for link in final.links]

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

    def values(self, spec: FieldSpec, raws: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
        return {side: common(spec, side, pick(raw or {}, spec.path(side)), self.world) for side, raw in raws.items()}

    def value_at(self, link: LinkView, side: str, spec: FieldSpec, when: float) -> Any:
        """What a side showed then, in common words."""
        row = self.final.rows[side].get((OBJECTS[link.stream][side], link.ends.get(side, "")))
        return common(spec, side, pick((row.at(when) if row else None) or {}, spec.path(side)), self.world)

    def answers(self, pair: Pair, spec: FieldSpec) -> list[Write]:
        """What persons said of a field when they were asked."""
        found = []
        for event in self._words(pair, spec.name):
            way = event.values["way"]
            if way in SIDES:
                found.append(Write(event.at, way, self._said(spec, way, event.values.get(f"seen {way}")), answer=True))
            elif way == "value":
                found.append(Write(event.at, "crm", self._said(spec, "crm", event.values["value"]), answer=True))
        return found

    def _said(self, spec: FieldSpec, side: str, raw: Any) -> Any:
        return common(spec, side, raw, self.world)

    def _words(self, pair: Pair, *fields: str) -> list[Event]:
        """Every answer about these fields of a pair; the field is empty for the whole record."""
        return [
            event
            for event in self.journal.of("resolved")
            if event.object == pair.link.stream
            and pair.link.ends.get(event.side) == event.id
            and event.values.get("field") in fields
        ]

    def saw_the_truth(self, pair: Pair, spec: FieldSpec, answer: Write) -> bool:
        """Whether a person's answer was for the values that the two sides had just then."""
        words = [event for event in self._words(pair, spec.name) if event.at == answer.at]
        return bool(words) and all(
            self._said(spec, side, words[-1].values.get(f"seen {side}"))
            == self.value_at(pair.link, side, spec, answer.at)
            for side in SIDES
        )

    def waved_aside(self, pair: Pair, spec: FieldSpec) -> bool:
        """A person said "never mind" about it, and nobody wrote it since."""
        # A field that flows to one side only, answered with that side: it is left as it is.
        aside = {"dismiss", "discard", spec.to}
        said = [event for event in self._words(pair, spec.name, "") if event.values["way"] in aside]
        return bool(said) and not any(
            event.kind in ("create", "edit") and event.at > said[-1].at and spec.path(event.side) in event.values
            for event in pair.events
        )

    def undone(self, pair: Pair) -> bool:
        """Whether a person took back writes, which may have been to this pair."""
        return any(event.values.get("way") == "undo" for event in self.journal.of("resolved"))

    def dropped(self, stream: str, side: str, id: str) -> bool:
        """A person said "never mind" about a record that is linked to nothing, and nobody wrote it since."""
        said = [
            event
            for event in self.journal.of("resolved")
            if (event.object, event.side, event.id) == (stream, side, id)
            and event.values["way"] in ("dismiss", "discard")
        ]
        return bool(said) and not any(
            event.at > said[-1].at and (event.side, event.object, event.id) == (side, OBJECTS[stream][side], id)
            for event in self.journal.of("edit")
        )

    def both_by_users(self, pair: Pair) -> bool:
        rows = [self.final.rows[side].get((OBJECTS[pair.link.stream][side], id)) for side, id in pair.link.ends.items()]
        return len(rows) == 2 and all(row is not None and row.made_by == "user" for row in rows)

    def made_by_user(self, link: LinkView, side: str) -> bool:
        row = self.final.rows[side].get((OBJECTS[link.stream][side], link.ends.get(side, "")))
        return row is not None and row.made_by == "user"

    def row(self, side: str, stream: str, id: str) -> Row | None:
        """The record, if it is there."""
        row = self.final.rows[side].get((OBJECTS[stream][side], id))
        return row if row is not None and row.raw is not None else None

    def raw(self, link: LinkView, side: str) -> Mapping[str, Any] | None:
        row = self.final.rows[side].get((OBJECTS[link.stream][side], link.ends.get(side, "")))
        return row.raw if row else None

    def live(self, side: str, stream: str) -> Iterator[Row]:
        for row in self.final.rows[side].values():
            if row.object == OBJECTS[stream][side] and row.raw is not None:
                yield row

    def is_shown(self, stream: str, side: str, id: str, names: Iterable[str] = ("",)) -> bool:
        return any(shown.stream == stream and shown.side == side and shown.id == id for shown in self.final.shown)

    def told(self, link: LinkView) -> bool:
        return any(self.is_shown(link.stream, side, id) for side, id in link.ends.items())

    def excused(self, pair: Pair, spec: FieldSpec) -> bool:
        """A person has been asked about this field or this record, or it is pinned."""
        link = pair.link
        if spec.name in link.pinned or self.waved_aside(pair, spec):
            return True
        turned = self.mapping.turned(link.stream, spec.name)
        if turned is not None and "keep" in self.wrong_sides():
            # Edits on the side that it flowed to were left alone; so they stay when it flows both ways again.
            return True
        if turned is not None and pair.bound is not None and pair.bound > turned:
            # What a user gave a new record on the side that it flows to stays there: it has no business elsewhere.
            return any(self.made_by_user(link, side) for side in SIDES)
        for side in SIDES:
            if (side, spec.path(side)) in self.final.hidden and self.made_by_user(link, side):
                # What a user put where nobody can look is unknown to all.
                return True
        return any(
            (link.stream, side, id, name) in self.shown for side, id in link.ends.items() for name in ("", spec.name)
        )

    def wrong_sides(self) -> set[str]:
        """Every rule for edits on the wrong side that was in force at some time."""
        return {self.rules.wrong_side} | {
            rule for rule in ("revert", "keep", "report") if self.mapping.ever("wrong_side", rule)
        }

    def out_of_scope(self, stream: str, side: str, raw: Mapping[str, Any]) -> bool:
        return stream == "companies" and side == "crm" and raw.get("status") == "inactive"
