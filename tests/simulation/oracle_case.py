"""The case that the oracle judges: the journal and the end of a world, with the questions that every rule asks of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.simulation.journal import Journal
from tests.simulation.oracle_mapping import MappingStory
from tests.simulation.oracle_terms import Final, LinkView, Pair
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
        if spec.name in link.pinned:
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
