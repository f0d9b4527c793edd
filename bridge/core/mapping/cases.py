"""Test cases beside a mapping: ``companies_test.yaml`` holds records and what they must lead to.

A case is judged by the very code that plans real writes, so what passes here is what happens. Three forms:

- ``crm: {…}`` with ``to_assembly: {path: value}``: what a new record would get on the other side (and the other way round);
- ``before:`` and ``after:`` with both sides' records: what an edit leads to (``writes``, ``verdicts``, ``attention``);
- ``in_scope``: whether a record takes part.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bridge.core.errors import MappingError, Mistake, ParentNotLinked, Undecodable
from bridge.core.mapping.casefile import CASES
from bridge.core.mapping.document import Node, read_document
from bridge.core.mapping.model import Mappings, Stream
from bridge.core.mapping.notes import Notes, is_cases_file
from bridge.core.mapping.paths import PathError, parse_path
from bridge.core.mapping.values import same_json
from bridge.core.plan import Plan, Situation, plan_create, plan_update
from bridge.core.records import ABSENT, End, Json, Link, Lookups, Record, Ref, Reference, Shadow, Table, Value

_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Difference:
    """``what`` (``assembly domain``) was expected to be one thing and is another; both in words."""

    what: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case's outcome. ``str()`` is the diff a person reads."""

    file: str
    line: int
    stream: str
    name: str
    differences: tuple[Difference, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        head = f"{self.file}:{self.line}: {'ok' if self.passed else 'FAILED'}: {self.name}"
        width = max((len(item.what) for item in self.differences), default=0)
        lines = [
            f"  {item.what:<{width}}  expected {item.expected}\n  {'':<{width}}       got {item.actual}"
            for item in self.differences
        ]
        return "\n".join([head, *lines])


@dataclass
class _Context:
    stream: Stream
    lookups: Lookups
    found: list[Difference] = field(default_factory=list)

    def differs(self, what: str, expected: Value, actual: Value) -> None:
        self.found.append(Difference(what, _show(expected), _show(actual)))


def run_cases(mappings: Mappings, texts: Mapping[str, str]) -> tuple[CaseResult, ...]:
    """Judge every case of every ``*_test.yaml`` among the texts. Raises ``MappingError`` for files that cannot be read."""
    notes: list[Mistake] = []
    results: list[CaseResult] = []
    for file in sorted(name for name in texts if is_cases_file(name)):
        root = read_document(file, texts[file])
        if isinstance(root, Mistake):
            notes.append(root)
            continue
        note = Notes(file)
        CASES.check(root, note)
        name = root.at("stream").value
        if not note.broken and name not in mappings:
            known = ", ".join(stream.name for stream in mappings.streams)
            note(root.at("stream"), f"there is no stream `{name}`", f"There are: {known}.")
        notes += note.mistakes
        if not note.broken:
            results += _run_file(mappings, mappings[str(name)], file, root)
    if notes:
        raise MappingError(notes)
    return tuple(results)


def _run_file(mappings: Mappings, stream: Stream, file: str, root: Node) -> Iterator[CaseResult]:
    common = _lookups(mappings, stream, root)
    for node in root.at("cases").items:
        own = _lookups(mappings, stream, node)
        lookups = Lookups({**common.tables, **own.tables}, {**common.links, **own.links})
        context = _Context(stream, lookups)
        _judge(node, context)
        yield CaseResult(file, node.line, stream.name, str(node.at("name").value), tuple(context.found))


def _judge(node: Node, context: _Context) -> None:
    said = node.plain()
    if "before" not in said and "after" not in said and not any(side in said for side in context.stream.sides):
        sides = " or ".join(context.stream.sides)
        context.differs("the case", f"a record of {sides}, or `before` and `after`", None)
        return
    try:
        if "before" in said or "after" in said:
            _judge_edit(said, context)
        else:
            _judge_records(said, context)
    except ParentNotLinked as missing:
        reference = missing.reference
        name = f"{reference.side} {reference.record_id}"
        if said.get("waits_for") != name:
            context.differs("waits for", said.get("waits_for"), name)
    except Undecodable as problem:
        context.differs("the case", "to be judged", str(problem))
    else:
        if "waits_for" in said:
            context.differs("waits for", said["waits_for"], None)


# --- what a case is made of ----------------------------------------------------------------------------------------


def _lookups(mappings: Mappings, stream: Stream, node: Node) -> Lookups:
    said = node.plain()
    tables = {
        (system, kind): _table(rows)
        for system, kinds in (said.get("tables") or {}).items()
        for kind, rows in kinds.items()
    }
    links: dict[Reference, Link] = {}
    for parent, pairs in (said.get("links") or {}).items():
        for left_id, right in pairs.items():
            if parent in mappings:
                links |= _link(mappings[parent], stream.sides, str(left_id), right)
    return Lookups(tables, links)


def _table(rows: Mapping[Json, Json]) -> Table:
    names = {str(key): str(row["name"] if isinstance(row, dict) else row) for key, row in rows.items()}
    aliases = {str(row["alias"]): str(key) for key, row in rows.items() if isinstance(row, dict) and "alias" in row}
    return Table(names, aliases)


def _link(parent: Stream, sides: tuple[str, str], left_id: str, right: Json) -> dict[Reference, Link]:
    left, other = sides
    record_id, has = (str(right["id"]), right.get("has") or {}) if isinstance(right, dict) else (str(right), {})
    raw = _record(has)
    values = {rule.key(other): rule.observe(other, raw) for rule in parent.fields if rule.has(other)}
    link = Link(1, parent.name, "live", {left: End(left, left_id), other: End(other, record_id, Shadow(values))})
    return {Reference(parent.name, left, left_id): link, Reference(parent.name, other, record_id): link}


def _record(said: Mapping[str, Json]) -> dict[str, Json]:
    """A record as written in a case: nested, or flat with paths (``additional_properties.Industry: …``)."""
    raw: dict[str, Json] = {}
    for name, value in said.items():
        try:
            keys = parse_path(str(name)).keys
        except PathError:
            keys = (str(name),)
        place: Any = raw
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        here = place.get(keys[-1])
        place[keys[-1]] = {**here, **value} if isinstance(here, dict) and isinstance(value, dict) else value
    return raw


def _read(stream: Stream, side: str, said: Mapping[str, Json], at: datetime = _DAY) -> Record:
    raw = {"id": f"{side}-1", **_record(said)}
    return Record(Ref(side, stream.object(side), str(raw["id"])), raw, at)


# --- judging -------------------------------------------------------------------------------------------------------


def _judge_records(said: Mapping[str, Json], context: _Context) -> None:
    """Records that are new on one side."""
    stream = context.stream
    for side in stream.sides:
        if side not in said:
            continue
        record, target = _read(stream, side, said[side]), stream.other(side)
        if "in_scope" in said:
            scoped = stream.in_scope(side, record.raw)
            if scoped != said["in_scope"]:
                context.differs(f"{side} in scope", said["in_scope"], scoped)
        if f"to_{target}" not in said and "attention" not in said and "waits_for" not in said:
            continue
        plan = plan_create(stream, record, context.lookups, identity=record.ref.id)
        patch = plan.patches.get(target)
        expected = said.get(f"to_{target}")
        if expected is not None:
            written = dict(patch.set) if patch else {}
            _compare(target, expected, written, context, exact=said.get("nothing_else") is True)
        _compare_questions(said, plan, context)


def _judge_edit(said: Mapping[str, Json], context: _Context) -> None:
    """Both sides as they were when they were last in step, and as they are now."""
    stream = context.stream
    before = {side: _read(stream, side, (said.get("before") or {}).get(side) or {}) for side in stream.sides}
    newer = said.get("newer")
    after = {}
    for side in stream.sides:
        changes = (said.get("after") or {}).get(side) or {}
        moved = timedelta(hours=2 if side == newer else 1) if changes else timedelta(0)
        after[side] = _edited(before[side], changes, moved)
    ends = {side: End(side, record.ref.id, _shadow(stream, side, record.raw)) for side, record in before.items()}
    plan = plan_update(stream, Situation(Link(1, stream.name, "live", ends), dict(after)), context.lookups)
    for side in stream.sides:
        patch = plan.patches.get(side)
        expected = (said.get("writes") or {}).get(side) or {}
        _compare(side, expected, dict(patch.set) if patch else {}, context, exact=True)
    verdicts = {item.rule.name: item.verdict.cause for item in plan.fields}
    for name, cause in (said.get("verdicts") or {}).items():
        if verdicts.get(name) != cause:
            context.differs(f"verdict {name}", cause, verdicts.get(name, "no such field"))
    _compare_questions(said, plan, context)


def _edited(record: Record, changes: Mapping[str, Json], moved: timedelta) -> Record:
    raw = dict(record.raw)
    for name, value in _record(changes).items():
        here = raw.get(name)
        raw[name] = {**here, **value} if isinstance(here, dict) and isinstance(value, dict) else value
    at = None if record.updated_at is None else record.updated_at + moved
    return dataclasses.replace(record, raw=raw, updated_at=at)


def _shadow(stream: Stream, side: str, raw: Mapping[str, Json]) -> Shadow:
    values = {rule.key(side): rule.observe(side, raw) for rule in stream.fields if rule.has(side)}
    return Shadow(values, version=stream.version)


def _compare(
    side: str, expected: Mapping[str, Json], written: Mapping[str, Json], context: _Context, *, exact: bool
) -> None:
    """``null`` expects that the path is cleared or not written at all."""
    wanted = {_canonical(str(path)): value for path, value in expected.items()}
    for path, value in wanted.items():
        actual = written.get(path, ABSENT)
        if not same_json(value, actual) and not (value is None and actual is ABSENT):
            context.differs(f"{side} {path}", value, actual)
    for path, actual in written.items() if exact else ():
        if path not in wanted:
            context.differs(f"{side} {path}", ABSENT, actual)


def _canonical(path: str) -> str:
    try:
        return str(parse_path(path))
    except PathError:
        return path


def _compare_questions(said: Mapping[str, Json], plan: Plan, context: _Context) -> None:
    """Labels to create, and fields that wait for a person. Unexpected ones fail the case too."""
    labels = sorted({label.name for label in plan.labels})
    if labels != sorted(said.get("creates_labels") or []):
        context.differs("creates labels", said.get("creates_labels"), labels)
    expected = said.get("attention") or {}
    causes: Mapping[str, Json] = dict.fromkeys(expected) if isinstance(expected, list) else expected
    raised = {notice.field: notice.cause for notice in plan.notices}
    for name, cause in causes.items():
        if name not in raised or (cause is not None and raised[name] != cause):
            context.differs(f"attention {name}", cause or "a question", raised.get(name, ABSENT))
    for name, cause in raised.items():
        if name not in causes:
            context.differs(f"attention {name}", ABSENT, cause)


def _show(value: Value) -> str:
    if value is ABSENT:
        return "nothing"
    return json.dumps(value, ensure_ascii=False, default=str)


def draft_case(
    stream: Stream, name: str, records: Mapping[str, Mapping[str, Json]], lookups: Lookups
) -> Mapping[str, Json]:
    """A case for the test file from real records, as it stands today: only mapped values are taken over.

    Written out by ``record show --as-test``; a person checks it for personal data before keeping it.
    """
    case: dict[str, Json] = {"name": name}
    for side, raw in records.items():
        case[side] = {
            path: value
            for rule in stream.fields
            if rule.has(side)
            for path, value in rule.writes(side, rule.observe(side, raw)).items()
            if value is not ABSENT
        }
    source = next((side for side in stream.sides if side in records), stream.sides[0])
    target = stream.other(source)
    record = Record(Ref(source, stream.object(source), str(records[source].get("id", "1"))), records[source])
    patch = plan_create(stream, record, lookups, identity=record.ref.id).patches.get(target)
    case.pop(target, None)
    case[f"to_{target}"] = dict(patch.set) if patch else {}
    return case
