"""Read back what a remote may not have taken as it was sent: clears always, other values where spelling is at risk."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.core.effects import Claim, Effect, EndDraft, GetRecord, Notice, Read, Wait
from bridge.core.mapping.model import Stream
from bridge.core.merge import Verdict
from bridge.core.plan import FieldPlan, Plan, clear_not_taken, is_empty
from bridge.core.records import Record, Ref, Value
from bridge.core.spelling import at_risk, resembles
from bridge.sync.terms import Terms
from bridge.sync.writing import Written


@dataclass(slots=True)
class ReadBack:
    """``not_taken``: clears that did not clear, by side. ``spelled``: side to shadow key to the remote's own spelling."""

    not_taken: list[tuple[FieldPlan, str]] = field(default_factory=list)
    spelled: dict[str, dict[str, Value]] = field(default_factory=dict)
    stamps: dict[str, datetime] = field(default_factory=dict)
    """Side to the stamp that our write made: a reading with an older one is stale."""

    def held(self, plan: Plan) -> Plan:
        """The plan with the clears that were not taken held open: their base stays."""
        names = {planned.rule.name for planned, _side in self.not_taken}
        fields = tuple(
            dataclasses.replace(item, verdict=dataclasses.replace(item.verdict, hold=True), raw={}, writes={})
            if item.rule.name in names
            else item
            for item in plan.fields
        )
        return dataclasses.replace(plan, fields=fields)

    def seen(self, ends: Mapping[str, EndDraft]) -> dict[str, EndDraft]:
        """The ends with the remote's spelling as their base."""
        drafts = dict(ends)
        for side, values in self.spelled.items():
            shadow = drafts[side].shadow
            seen = dataclasses.replace(shadow, values={**shadow.values, **values}, sent=shadow.sent - frozenset(values))
            drafts[side] = dataclasses.replace(drafts[side], shadow=seen)
        for side, stamp in self.stamps.items():
            marked = dataclasses.replace(drafts[side].shadow, updated_at=stamp, own_at=stamp)
            drafts[side] = dataclasses.replace(drafts[side], shadow=marked)
        return drafts

    def notices(self) -> tuple[Notice, ...]:
        return tuple(_notice(clear_not_taken(planned.rule, side)) for planned, side in self.not_taken)


def read_back(
    claim: Claim, stream: Stream, terms: Terms, plan: Plan, written: Written, ids: Mapping[str, str]
) -> Generator[Effect, Any, ReadBack]:
    """One read a side, if anything written there has to be seen. A second one after the lag if the first shows what was before."""
    found = ReadBack()
    for side in stream.sides:
        answered = written.answered.get(side, set())
        asked = [
            planned
            for planned in plan.fields
            if side in planned.raw and set(planned.writes[side]) <= answered and _worth(planned.raw[side])
        ]
        if not asked or not terms.traits(side, stream.object(side)).readable:
            continue
        ref = Ref(side, stream.object(side), ids[side])
        record = yield Read(GetRecord(ref), claim.change.lane)
        if _unchanged(asked, side, record):
            # A replica that lags shows what was before the write.
            yield Wait(terms.timings.lag)
            record = yield Read(GetRecord(ref), claim.change.lane)
        if record is not None:
            _judge(found, asked, side, record)
            if record.updated_at is not None and not _unchanged(asked, side, record):
                found.stamps[side] = record.updated_at
    return found


def _worth(value: Value) -> bool:
    return is_empty(value) or at_risk(value)


def _unchanged(fields: Sequence[FieldPlan], side: str, record: Record | None) -> bool:
    if record is None:
        return True
    return any(planned.rule.observe(side, record.raw) == planned.was.get(side) for planned in fields)


def _judge(found: ReadBack, fields: Sequence[FieldPlan], side: str, record: Record) -> None:
    for planned in fields:
        sent, now = planned.raw[side], planned.rule.observe(side, record.raw)
        if is_empty(sent):
            if now == planned.was.get(side) and not is_empty(now):
                found.not_taken.append((planned, side))
        elif now != sent and resembles(sent, now):
            found.spelled.setdefault(side, {})[planned.rule.key(side)] = now


def _notice(verdict: Verdict) -> Notice:
    return Notice(
        verdict.cause, verdict.detail, verdict.field, group=f"{verdict.cause}/{verdict.field}", ways=verdict.ways
    )
