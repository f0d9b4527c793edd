"""Declare, then write: the part of a reconcile that touches a remote."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bridge.core.effects import (
    Advance,
    Claim,
    Commit,
    Declare,
    Declared,
    Effect,
    Extend,
    Extended,
    Fenced,
    Finish,
    Held,
    Notice,
    Park,
    Read,
    ReadTables,
    Resolve,
    Write,
)
from bridge.core.errors import LabelMissing, LeaseLost, OutcomeUnknown, RemoteError
from bridge.core.mapping.model import Stream
from bridge.core.plan import brake_detail, references, typed_references
from bridge.core.records import Lookups, Record, Step

Flow: TypeAlias = Generator[Effect, Any, Finish]


@dataclass(slots=True)
class Written:
    """What became of the declared steps. ``answered`` maps a side to the paths that got a yes."""

    intents: dict[int, str] = field(default_factory=dict)
    answered: dict[str, set[str]] = field(default_factory=dict)
    created: dict[str, str] = field(default_factory=dict)
    problem: RemoteError | LeaseLost | None = None
    failed: Step | None = None

    def paths(self) -> dict[str, frozenset[str]]:
        return {side: frozenset(paths) for side, paths in self.answered.items()}


def look_up(
    claim: Claim, stream: Stream, records: Sequence[Record | None], *, fresh: bool = False
) -> Generator[Effect, Any, Lookups]:
    """Read names of labels and stages, and the links of every parent these records point at."""
    tables = {}
    for side in stream.sides:
        named = yield Read(ReadTables(side, fresh), claim.change.lane)
        tables.update({(side, kind): table for kind, table in named.items()})
    wanted = references(stream, records) | typed_references(stream, claim.decisions)
    links = (yield Commit(Resolve(claim.change.connection, wanted))) if wanted else {}
    return Lookups(tables, links)


def make_labels(claim: Claim, labels: Sequence[LabelMissing]) -> Generator[Effect, Any, None]:
    """Create labels that the mapping allows to be created, unless somebody just did: label names are not unique in the remote, so
    a lease on the name keeps two records from making the same one."""
    for label in {(label.system, label.kind, label.name.casefold()): label for label in labels}.values():
        lease = yield Commit(Extend(claim, frozenset({f"label/{label.system}/{label.kind}/{label.name.casefold()}"})))
        if not isinstance(lease, Extended):
            raise LeaseLost
        named = yield Read(ReadTables(label.system, fresh=True), claim.change.lane)
        if label.kind in named and named[label.kind].ids(label.name):
            continue
        payload = {"kind": label.kind, "name": label.name, "color": label.color}
        step = Step(label.system, "labels", "label", None, payload)
        written = yield from write(claim, [(label.system, step)], {})
        if isinstance(written, Finish):
            continue
        if written.intents:
            yield Commit(Advance(claim, None, written.intents))
        if written.problem is not None:
            raise written.problem
        yield Read(ReadTables(label.system, fresh=True), claim.change.lane)


def write(
    claim: Claim,
    side_steps: Sequence[tuple[str, Step]],
    classes: Mapping[str, int],
    *,
    snapshot: tuple[str, ...] = (),
    after: Callable[[str, Written], Generator[Effect, Any, None]] | None = None,
) -> Generator[Effect, Any, Written | Finish]:
    """Commit the intents, then send the steps in order; stop at the first that fails.

    ``after`` runs when a step was answered (a saga remembers its half-bound link there). Answers a ``Finish`` when the brake holds.
    """
    declared = yield from declare(claim, side_steps, classes, snapshot)
    if isinstance(declared, Held):
        return _held(claim, declared)
    return (yield from send(claim, declared, side_steps, after=after))


def declare(
    claim: Claim,
    side_steps: Sequence[tuple[str, Step]],
    classes: Mapping[str, int],
    snapshot: tuple[str, ...] = (),
) -> Generator[Effect, Any, Declared | Held]:
    """Commit the intents. ``Held``: nothing was declared, because of these classes."""
    declared = yield Commit(Declare(claim, tuple(side_steps), classes, snapshot))
    if isinstance(declared, Fenced):
        raise LeaseLost
    answer: Declared | Held = declared
    return answer


def send(
    claim: Claim,
    declared: Declared,
    side_steps: Sequence[tuple[str, Step]],
    *,
    after: Callable[[str, Written], Generator[Effect, Any, None]] | None = None,
) -> Generator[Effect, Any, Written]:
    """Send declared steps in order; stop at the first that fails."""
    written = Written()
    for intent_id, (side, planned) in zip(declared.ids, side_steps, strict=True):
        if written.problem is not None:
            if not (isinstance(written.problem, OutcomeUnknown) and planned.record_id is None):
                written.intents[intent_id] = "refused"
            # What hangs on a create whose outcome is unknown is still to be sent, if it turns out to have been made.
            continue
        step = planned
        if step.record_id is None and side in written.created and step.object != "labels":
            step = dataclasses.replace(step, record_id=written.created[side])
        try:
            sent = yield Write(claim, intent_id, step)
        except OutcomeUnknown as unknown:
            written.problem, written.failed = unknown, step
            continue
        except (RemoteError, LeaseLost) as problem:
            written.problem, written.failed = problem, step
            written.intents[intent_id] = "refused"
            continue
        written.intents[intent_id] = "answered"
        written.answered.setdefault(side, set()).update(step.values)
        if sent.record_id is not None:
            written.created.setdefault(side, sent.record_id)
        if after is not None:
            yield from after(side, written)
    return written


def _held(claim: Claim, held: Held) -> Finish:
    cause = f"brake:{min(held.classes)}"
    detail = brake_detail(held.classes, held.hold_id)
    notice = Notice(cause, detail, group=cause, ways=("release", "discard"))
    return Finish(claim, Park(cause, detail), notices=(notice,), keep_notices=frozenset(claim.open_fields))
