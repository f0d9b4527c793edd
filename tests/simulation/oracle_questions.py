"""No needless question: whatever is shown to a person has a reason in what users did and the remotes answered.

One predicate a cause. A cause that nobody here can name a reason for is told as well: each new one is to be argued for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulation.journal import Event
from tests.simulation.oracle_case import Case
from tests.simulation.oracle_edits import users_writes
from tests.simulation.oracle_terms import Pair, Shown, Violation
from tests.simulation.remote import Row, pick
from tests.simulation.rules import OBJECTS, SIDES, STREAMS, FieldSpec, alike, common

PARKED = "parked: "
FLIPS = 4
NOTES_PARENT = FieldSpec("company", "companyId", "companyId", "parent")
MATCHED = {"companies": "domain", "contacts": "email"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with all that it is about."""

    case: Case
    shown: Shown
    cause: str
    pair: Pair | None

    @property
    def spec(self) -> FieldSpec | None:
        return next((spec for spec in STREAMS.get(self.shown.stream, ()) if spec.name == self.shown.field), None)

    @property
    def ids(self) -> Mapping[str, str]:
        return self.pair.link.ends if self.pair else {self.shown.side: self.shown.id}

    def rows(self) -> Iterator[tuple[str, Row]]:
        for side, id in self.ids.items():
            row = self.case.final.rows[side].get((OBJECTS[self.shown.stream][side], id))
            if row is not None:
                yield side, row

    def events(self, *kinds: str) -> list[Event]:
        objects = {(side, OBJECTS[self.shown.stream][side]): id for side, id in self.ids.items()}
        return [
            event
            for event in self.case.journal.events
            if event.kind in kinds and objects.get((event.side, event.object)) == event.id
        ]

    def creates(self, kind: str) -> list[Event]:
        """Creates of the stream on either side that came to this end."""
        wanted = {(side, OBJECTS[self.shown.stream][side]) for side in SIDES}
        return [e for e in self.case.journal.events if e.kind == kind and not e.id and (e.side, e.object) in wanted]


def no_needless_question(case: Case) -> Iterator[Violation]:
    for shown in case.final.shown:
        cause = shown.cause.removeprefix(PARKED)
        pair = next(
            (p for p in case.pairs if p.link.stream == shown.stream and p.link.ends.get(shown.side) == shown.id), None
        )
        asked = Asked(case, shown, cause, pair)
        reason = REASONS.get(cause.split(":")[0])
        if reason is None:
            yield Violation("needless question", f"nobody knows why {shown} is asked")
        elif not reason(asked) and not (shown.cause.startswith(PARKED) and _parent_waits(asked)):
            yield Violation("needless question", f"{shown}: nothing happened that calls for it")


def _conflict(asked: Asked) -> bool:
    """Both sides were written, the rule may ask, and they still differ."""
    return _differ(asked) and _written_on(asked) == set(SIDES) and _may_ask(asked, "conflict")


def _on_bind(asked: Asked) -> bool:
    return _differ(asked) and _may_ask(asked, "on_bind")


def _origin(asked: Asked) -> bool:
    """One of the two may be what a create made that nobody answered."""
    return _differ(asked) and bool(asked.creates("unanswered") or asked.case.journal.count("kill"))


def _rebuilt(asked: Asked) -> bool:
    """Its memory was lost with the answer to a create, or its key stood there before anybody linked it."""
    return _differ(asked)


def _differ(asked: Asked) -> bool:
    """Whether the two sides differ now; a question about what has come to agree is over."""
    spec, pair = asked.spec, asked.pair
    if spec is None or pair is None:
        return False
    raws = {side: asked.case.raw(pair.link, side) for side in SIDES}
    if None in raws.values():
        return True
    values = asked.case.values(spec, raws)
    return not (alike(spec, values["crm"], values["assembly"], cut=None) and values["crm"] == values["assembly"])


def _written_on(asked: Asked) -> set[str]:
    if asked.spec is None or asked.pair is None:
        return set()
    return {write.side for write in users_writes(asked.case, asked.pair, asked.spec)}


def _may_ask(asked: Asked, rule: str) -> bool:
    """Whether the rule could leave it to a person, at any time."""
    values = ("ask", "newest")
    return getattr(asked.case.rules, rule) in values or any(asked.case.mapping.ever(rule, value) for value in values)


def _wrong_side(asked: Asked) -> bool:
    """Somebody wrote it on the side that it only flows to."""
    turned = asked.case.mapping.turned(asked.shown.stream, asked.shown.field) is not None
    return "report" in asked.case.wrong_sides() and (turned or bool(asked.spec and asked.spec.to in _written_on(asked)))


def _clear(asked: Asked) -> bool:
    path = {side: asked.spec.path(side) for side in SIDES} if asked.spec else {}
    return asked.case.final.clears_ignored and any(
        event.values.get(path.get(event.side, ""), "kept") in (None, "", []) for event in asked.events("landing")
    )


def _frozen(asked: Asked) -> bool:
    path = {side: asked.spec.path(side) for side in SIDES} if asked.spec else {}
    return sum(path.get(event.side) in event.values for event in asked.events("landing")) >= FLIPS


def _required(asked: Asked) -> bool:
    """It is empty or hidden on a side that it would have to come from."""
    name = asked.cause.partition(":")[2]
    spec = next((spec for spec in STREAMS.get(asked.shown.stream, ()) if spec.name == name), None)
    if spec is None:
        return False
    empty = any(_empty(asked.case, spec, side, row) for side, row in asked.rows())
    return empty or any((side, spec.path(side)) in asked.case.final.hidden for side in asked.ids)


def _empty(case: Case, spec: FieldSpec, side: str, row: Row) -> bool:
    return common(spec, side, pick(row.raw or {}, spec.path(side)), case.world) is None


def _unknown_value(asked: Asked) -> bool:
    """A label or a stage whose name the mapping or the other side does not know."""
    spec = asked.spec
    if spec is None:
        specs = [spec for spec in STREAMS.get(asked.shown.stream, ()) if spec.kind in ("label", "stage")]
        return bool(specs)
    return spec.kind in ("label", "stage") and any(
        event.kind == "note" and event.object in ("labels.Tier", "stages") and event.at > 0
        for event in asked.case.journal.events
    )


def _refused(asked: Asked) -> bool:
    return bool(asked.events("refused") or asked.creates("refused"))


def _several(asked: Asked) -> bool:
    """Somebody else has the same match value or the same key, or had, or a create is still unanswered, or came late."""
    if asked.creates("unanswered") or asked.case.journal.count("kill"):
        return True
    if asked.pair is None and any(row.made_by == "bridge" for _, row in asked.rows()):
        return True
    stream = asked.shown.stream
    mine = {value for side, row in asked.rows() for value in _matches(asked.case, stream, side, row)}
    held: dict[str, set[tuple[str, str]]] = {}
    for side in SIDES:
        for row in asked.case.final.rows[side].values():
            if row.object == OBJECTS[stream][side]:
                for value in _matches(asked.case, stream, side, row):
                    held.setdefault(value, set()).add((side, row.id))
    crowded = any(len(held[value]) > 2 or len({s for s, _ in held[value]}) < len(held[value]) for value in mine)
    return crowded or _spoken_for(asked, mine, held)


def _matches(case: Case, stream: str, side: str, row: Row) -> set[str]:
    """Every match value and key that a record ever had."""
    found: set[str] = set()
    specs = [spec for spec in STREAMS.get(stream, ()) if spec.name == MATCHED.get(stream)]
    for _, raw in row.versions:
        for spec in specs:
            value = common(spec, side, pick(raw or {}, spec.path(side)), case.world)
            found |= {f"match {value}"} if value is not None else set()
        found |= {f"key {key}" for key in (raw or {}).get("source_specific_ids", ())}
    if side == "crm":
        found.add(f"key {row.id}")
    return found


def _spoken_for(asked: Asked, mine: set[str], held: Mapping[str, set[tuple[str, str]]]) -> bool:
    """What it could belong to is one end of another link, or of one that died or stands apart."""
    near = {record for value in mine for record in held[value]}
    return any(
        (link.state != "live" or dict(link.ends) != dict(asked.ids))
        and any(link.ends.get(side) == id for side, id in near)
        for link in asked.case.final.links
        if link.stream == asked.shown.stream
    )


def _dangling(asked: Asked) -> bool:
    keys = {
        key for _, row in asked.rows() for _, raw in row.versions for key in (raw or {}).get("source_specific_ids", ())
    }
    return any(event.id in keys for event in asked.case.journal.of("delete", "merge", "removal"))


def _one_end_gone(asked: Asked) -> bool:
    return bool(asked.events("delete", "merge"))


def _absent(asked: Asked) -> bool:
    """A record of the stream was removed, or a system answered as if it were."""
    objects = {OBJECTS[asked.shown.stream][side] for side in SIDES}
    return any(event.object in objects for event in asked.case.journal.of("delete", "merge", "removal")) or any(
        "wrong_key" in event.note or "empty_list" in event.note for event in asked.case.journal.of("fault")
    )


def _braked(asked: Asked) -> bool:
    """The hour brought as many tries to write to the stream as the class may have."""
    klass = asked.cause.partition(":")[2]
    objects = {OBJECTS[asked.shown.stream][side] for side in SIDES}
    tries = asked.case.journal.of("landing", "removal", "refused", "turned away", "unanswered")
    # A worker may have died, or stopped too long, between writing down what it would send and sending it.
    done = sum(event.object in objects for event in tries) + asked.case.journal.count("kill")
    # One look may want to write to both sides, and is stopped as a whole (seed 1992).
    done += klass == "update" and len(SIDES) - 1
    ceiling = asked.case.final.ceilings.get(klass)
    return ceiling is not None and done >= ceiling


def _parent_waits(asked: Asked) -> bool:
    """It waits for a company that a person is asked about, or that is not live."""
    if asked.shown.stream == "companies":
        return False
    spec = next((spec for spec in STREAMS.get(asked.shown.stream, ()) if spec.kind == "parent"), NOTES_PARENT)
    live = {
        id
        for link in asked.case.final.links
        if link.stream == "companies" and link.state == "live"
        for id in link.ends.values()
    }
    told = {shown.id for shown in asked.case.final.shown if shown.stream == "companies"}
    family = [*asked.rows(), *_twins(asked)]
    parents = {pick(row.raw or {}, spec.path(side)) for side, row in family} - {None}
    return not parents or any(parent not in live or parent in told for parent in parents)


def _twins(asked: Asked) -> Iterator[tuple[str, Row]]:
    """Records that it would be bound to: it waits for their parents, too."""
    stream = asked.shown.stream
    mine = {value for side, row in asked.rows() for value in _matches(asked.case, stream, side, row)}
    for side in SIDES:
        for row in asked.case.final.rows[side].values():
            if row.object == OBJECTS[stream][side] and mine & _matches(asked.case, stream, side, row):
                yield side, row


REASONS: Mapping[str, Callable[[Asked], Any]] = {
    "conflict": _conflict,
    "differs on bind": _on_bind,
    "differs after rebuild": _rebuilt,
    "origin unknown": _origin,
    "wrong side": _wrong_side,
    "clear not taken": _clear,
    "frozen": _frozen,
    "required": _required,
    "label": _unknown_value,
    "value": _unknown_value,
    "stage": _unknown_value,
    "unmapped": _unknown_value,
    "rejected": _refused,
    "ambiguous": _several,
    "taken": _several,
    "dangling key": _dangling,
    "edited since": _one_end_gone,
    "has live children": _one_end_gone,
    "deletion unconfirmed": _absent,
    "side looks empty": _absent,
    "parent": _parent_waits,
    "brake": _braked,
}
