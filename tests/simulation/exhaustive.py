"""Every story of one linked record, up to a number of edits: the real reconcile against two tiny remotes and a store in memory.

A state is what two fields show, what the bridge remembers of them and what it wrote down as being sent. From each state a person may
edit either field on either side to either other value (``None`` is a clear), and the bridge may look, hinted from either side, to its
end or killed before any of its effects. Equal states are visited once, and so are those that differ only in which field or which
text is which: the number of stories behind them is far larger than what is run.

The oracle below knows what the fields show, what they showed when they last agreed, and what the bridge said it would send. It
states the rules of the design again and shares no code with the merge.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from bridge.core.effects import (
    Claim,
    Commit,
    Declare,
    Declared,
    Effect,
    Finish,
    Finished,
    GetRecord,
    Read,
    ReadTables,
    Wait,
    Write,
)
from bridge.core.mapping import load
from bridge.core.ports import Traits
from bridge.core.records import Change, End, Intent, Link, Patch, Record, Ref, Sent, Shadow, Step
from bridge.sync.reconcile import reconcile
from bridge.sync.terms import Terms, Timings

Text: TypeAlias = str | None
VALUES: tuple[Text, ...] = ("a", "b", None)
SIDES = ("crm", "assembly")
IDS = {"crm": "c1", "assembly": "a1"}
OBJECTS = {"crm": "companies", "assembly": "accounts"}
PATHS = {"crm": ("name", "industry"), "assembly": ("name", "role")}
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AGO = NOON - timedelta(hours=1)
"""No write of an intent this old can land any more; before a look concludes it, it still tells whose a value is."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One field. Pairs are (crm, assembly). ``shadow``, ``sent``, ``intents`` and ``asked`` are the bridge's; ``base`` (what both sides
    last agreed on) and ``declared`` (what was about to be sent since the last look that came to its end) are the oracle's."""

    shown: tuple[Text, Text] = ("a", "a")
    shadow: tuple[Text, Text] = ("a", "a")
    sent: tuple[bool, bool] = (False, False)
    intents: tuple[frozenset[Text], frozenset[Text]] = (frozenset(), frozenset())
    asked: bool = False
    base: Text = "a"
    declared: tuple[frozenset[Text], frozenset[Text]] = (frozenset(), frozenset())


State: TypeAlias = tuple[Cell, Cell]
START: State = (Cell(), Cell())


def put(pair: tuple[Any, Any], at: int, value: Any) -> tuple[Any, Any]:
    return (value, pair[1]) if at == 0 else (pair[0], value)


def canonical(state: State) -> State:
    """One state for all that differ only in the names of the two texts, or in the order of the two fields."""
    one, two = (min(cell, _renamed(cell), key=repr_of) for cell in state)
    return (one, two) if repr_of(one) <= repr_of(two) else (two, one)


def repr_of(cell: Cell) -> str:
    sets = [sorted(map(str, values)) for values in (*cell.intents, *cell.declared)]
    return repr((cell.shown, cell.shadow, cell.sent, cell.asked, cell.base, sets))


_SWAP: Mapping[Text, Text] = {"a": "b", "b": "a", None: None}


def _renamed(cell: Cell) -> Cell:
    def pair(values: tuple[Text, Text]) -> tuple[Text, Text]:
        return _SWAP[values[0]], _SWAP[values[1]]

    def sets(values: tuple[frozenset[Text], frozenset[Text]]) -> tuple[frozenset[Text], frozenset[Text]]:
        return frozenset(_SWAP[value] for value in values[0]), frozenset(_SWAP[value] for value in values[1])

    return Cell(
        pair(cell.shown),
        pair(cell.shadow),
        cell.sent,
        sets(cell.intents),
        cell.asked,
        _SWAP[cell.base],
        sets(cell.declared),
    )


# --- the rules, stated again ---------------------------------------------------------------------------------------


def right(cell: Cell, conflict: str) -> frozenset[Text] | None:
    """The values that both sides may come to show; ``None``: a person has to say.

    A value is the bridge's own if it was about to send just that and never heard of it; whoever else changed a value since the sides
    agreed is a person. One person is followed, two who disagree are judged by the conflict rule, and what is only the bridge's own
    gives way to what the other side says.
    """
    crm, assembly = cell.shown
    if crm == assembly:
        return frozenset((crm,))
    own = [cell.shown[at] != cell.base and cell.shown[at] in cell.declared[at] for at in (0, 1)]
    if all(own):
        return frozenset((crm, assembly))
    if any(own):
        return frozenset((assembly,)) if own[0] else frozenset((crm,))
    if assembly == cell.base:
        return frozenset((crm,))
    if crm == cell.base:
        return frozenset((assembly,))
    return {"crm": frozenset((crm,)), "assembly": frozenset((assembly,)), "ask": None}[conflict]


# --- the world ------------------------------------------------------------------------------------------------------


class _Remote:
    """The pure part of a connector: the CRM takes a patch in one call, Assembly one call a field, so that a kill may fall between."""

    def __init__(self, system: str) -> None:
        self.system = system

    def traits(self, object: str) -> Traits:
        return Traits(join_keys=False)

    def join_keys(self, record: Record) -> tuple[str, ...]:
        return ()

    def clock_offset(self) -> timedelta | None:
        return None

    def steps(self, verb: str, patch: Patch) -> tuple[Step, ...]:
        parts = [dict(patch.set)] if self.system == "crm" else [{path: value} for path, value in patch.set.items()]
        return tuple(Step(self.system, patch.object, verb, patch.record_id, part, part) for part in parts)


def terms_for(conflict: str) -> Terms:
    text = f"""
stream: companies
crm: companies
assembly: accounts
join: id
create: [assembly, crm]
conflict: {conflict}
fields:
  first: {{crm: name, assembly: name}}
  second: {{crm: industry, assembly: role}}
"""
    remotes: Any = {side: _Remote(side) for side in SIDES}
    return Terms(remotes, load({"companies.yaml": text}), Timings(), random.Random(1))


class Violation(AssertionError):
    """A rule was broken; the message tells from where and by what."""


@dataclass(slots=True)
class Look:
    """One look of the bridge from one state: where each kill leaves the world, and where its end does."""

    terms: Terms
    conflict: str
    before: State
    hinted: str
    cells: list[Cell] = field(init=False)
    kills: list[State] = field(default_factory=list)
    writes: int = 0
    _declared: dict[int, tuple[str, Mapping[str, Text]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cells = list(self.before)

    @property
    def state(self) -> State:
        return self.cells[0], self.cells[1]

    def run(self) -> Look:
        flow = reconcile(self._claim(), self.terms)
        answer: Any = None
        while True:
            try:
                effect = flow.send(answer)
            except StopIteration:
                break
            self.kills.append(self.state)
            answer = self._perform(effect)
        self._judge()
        return self

    def fail(self, what: str) -> Violation:
        return Violation(f"{what}\nrule {self.conflict}, hinted {self.hinted}\nfrom {self.before}\nnow  {self.state}")

    def _claim(self) -> Claim:
        ends = {
            side: End(
                side,
                IDS[side],
                Shadow(
                    {path: cell.shadow[at] for path, cell in zip(PATHS[side], self.before, strict=True)},
                    frozenset(path for path, cell in zip(PATHS[side], self.before, strict=True) if cell.sent[at]),
                    None,
                    self.terms.mappings["companies"].version,
                ),
            )
            for at, side in enumerate(SIDES)
        }
        intents = []
        for side, path, value in self._open():
            self._declared[len(self._declared) + 1] = (side, {path: value})
            step = Step(side, OBJECTS[side], "update", IDS[side], {path: value}, {path: value})
            intents.append(Intent(len(self._declared), 1, 1, side, step, 1, AGO))
        asked = {name: "conflict" for name, cell in zip(("first", "second"), self.before, strict=True) if cell.asked}
        change = Change(1, "default", "companies", self.hinted, IDS[self.hinted])
        link = Link(1, "companies", "live", ends)
        return Claim(change, 2, NOON, NOON + timedelta(seconds=20), link, tuple(intents), open_fields=asked)

    def _open(self) -> Iterator[tuple[str, str, Text]]:
        for number, cell in enumerate(self.before):
            for at, side in enumerate(SIDES):
                for value in sorted(cell.intents[at], key=str):
                    yield side, PATHS[side][number], value

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Read(GetRecord(ref)):
                at = SIDES.index(ref.system)
                raw = {path: cell.shown[at] for path, cell in zip(PATHS[ref.system], self.cells, strict=True)}
                return Record(Ref(ref.system, ref.object, ref.id), {"id": ref.id, **raw})
            case Read(ReadTables()):
                return {}
            case Wait():
                return None
            case Commit(Declare(side_steps=side_steps)):
                return Declared(tuple(self._declare(side, step) for side, step in side_steps))
            case Write(intent_id=intent, step=step):
                return self._write(intent, step)
            case Commit(Finish() as finish):
                self._finish(finish)
                return Finished()
        raise self.fail(f"not expected of a linked record: {effect}")

    def _declare(self, side: str, step: Step) -> int:
        number = len(self._declared) + 1
        self._declared[number] = (side, dict(step.values))
        at = SIDES.index(side)
        for path, value in step.values.items():
            index = PATHS[side].index(path)
            cell = self.cells[index]
            self.cells[index] = replace(
                cell,
                intents=put(cell.intents, at, cell.intents[at] | {value}),
                declared=put(cell.declared, at, cell.declared[at] | {value}),
            )
        return number

    def _write(self, intent: int, step: Step) -> Sent:
        if self._declared.get(intent) != (step.system, dict(step.values)):
            raise self.fail("a write that was not written down before")
        self.writes += 1
        at = SIDES.index(step.system)
        for path, value in step.values.items():
            index = PATHS[step.system].index(path)
            allowed = right(self.before[index], self.conflict)
            if allowed is None or value not in allowed:
                raise self.fail(f"{step.system} {path} = {value!r} is written; right would be {allowed}")
            self.cells[index] = replace(self.cells[index], shown=put(self.cells[index].shown, at, value))
        return Sent()

    def _finish(self, finish: Finish) -> None:
        concluded = {number for number, state in finish.intents.items() if state != "open"}
        left = [self._declared[number] for number in self._declared.keys() - concluded]
        raised = {notice.field for notice in finish.notices} | finish.keep_notices

        def still_open(side: str, index: int) -> frozenset[Text]:
            path = PATHS[side][index]
            return frozenset(values[path] for of, values in left if of == side and path in values)

        for index, cell in enumerate(self.cells):
            changed = replace(
                cell,
                intents=(still_open("crm", index), still_open("assembly", index)),
                asked=("first", "second")[index] in raised,
                declared=(frozenset(), frozenset()),
                base=cell.shown[0] if cell.shown[0] == cell.shown[1] else cell.base,
            )
            if finish.link is not None:
                crm, assembly = (finish.link.ends[side].shadow for side in SIDES)
                here, there = PATHS["crm"][index], PATHS["assembly"][index]
                changed = replace(
                    changed,
                    shadow=(crm.values[here], assembly.values[there]),
                    sent=(here in crm.sent, there in assembly.sent),
                )
            self.cells[index] = changed

    def _judge(self) -> None:
        """What a look that came to its end has to leave behind."""
        at = SIDES.index(self.hinted)
        nothing_new = all(
            cell.shown[at] == cell.base and not cell.asked and not any(cell.declared) for cell in self.before
        )
        if nothing_new and not self.writes:
            return  # the other side's edit has a hint of its own
        for before, after in zip(self.before, self.state, strict=True):
            allowed = right(before, self.conflict)
            if allowed is None:
                if after.shown != before.shown or not after.asked:
                    raise self.fail("a conflict that a person has to judge was not left alone and shown")
            elif after.shown[0] != after.shown[1] or after.shown[0] not in allowed:
                raise self.fail(f"the sides are not in step on one of {set(allowed)}")


@dataclass(slots=True)
class Explored:
    """How much was seen; a search in which nothing happens proves nothing."""

    states: int = 0
    looks: int = 0
    kills: int = 0
    writes: int = 0
    asked: int = 0


def explore(conflict: str, depth: int) -> Explored:
    """Every state within ``depth`` edits, with at most one look, whole or killed, after each edit, and then looks until all is quiet, or none. Raises ``Violation``."""
    terms = terms_for(conflict)
    done: dict[tuple[State, str], Look] = {}
    seen = Explored()

    def look(state: State, hinted: str) -> Look:
        key = state, hinted
        if key not in done:
            done[key] = made = Look(terms, conflict, state, hinted).run()
            seen.looks += 1
            seen.kills += len(made.kills)
            seen.writes += made.writes
            seen.asked += any(cell.asked for cell in made.state)
        return done[key]

    known: set[State] = {START}
    edge = {START}
    for _ in range(depth):
        edited = {canonical(state) for start in edge for state in edits(start)} - known
        reached = set(edited)
        for state in edited:
            for hinted in SIDES:
                made = look(state, hinted)
                reached |= {canonical(after) for after in (*made.kills, made.state)}
        reached |= {comes_to_rest(state, look) for state in reached}
        edge = reached - known
        known |= reached
    seen.states = len(known)
    return seen


def edits(state: State) -> Iterator[State]:
    for number, cell in enumerate(state):
        for at in (0, 1):
            for value in VALUES:
                if value != cell.shown[at]:
                    changed = replace(cell, shown=put(cell.shown, at, value))
                    yield (changed, state[1]) if number == 0 else (state[0], changed)


def comes_to_rest(state: State, look: Callable[[State, str], Look]) -> State:
    """A look from each end brings the record in step or before a person; further ones write nothing. Answers where it rests."""
    for hinted in SIDES:
        state = canonical(look(state, hinted).state)
    for cell in state:
        if cell.shown[0] != cell.shown[1] and not cell.asked:
            raise Violation(f"neither in step nor shown to a person: {state}")
        # What was written to a field that waits for a person is not forgotten before they have answered.
        if any(cell.intents) and not cell.asked:
            raise Violation(f"an intent that nobody concludes: {state}")
    for hinted in SIDES:
        again = look(state, hinted)
        if again.writes:
            raise again.fail("written again although nobody had changed anything")
    return state
