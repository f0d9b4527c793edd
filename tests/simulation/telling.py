"""One effect of a reconcile in one short line, for the trace that a person reads."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.effects import (
    Advance,
    Commit,
    Declare,
    Effect,
    EndDraft,
    Extend,
    FindByKey,
    FindByValue,
    Finish,
    GetRecord,
    LinkDraft,
    ListChildren,
    Read,
    Write,
)
from bridge.core.records import Step


def tell(effect: Effect) -> str:
    match effect:
        case Read(GetRecord(ref)):
            return f"get {ref}"
        case Read(FindByKey(system, _object, key)):
            return f"find {key} in {system}"
        case Read(FindByValue(system, _object, path, value)):
            return f"find {path}={value!r} in {system}"
        case Read(ListChildren(system, what, parent)):
            return f"list {system}:{what} of {parent}"
        case Read(ask):
            return f"read {type(ask).__name__}"
        case Write(_claim, intent, step):
            return f"write #{intent} {_step(step)}"
        case Commit(Extend(_claim, keys, ends)):
            return f"lease {sorted(keys)} {sorted(f'{end.side}:{end.record_id}' for end in ends)}"
        case Commit(Declare(_claim, steps, classes)):
            return f"declare {'; '.join(_step(step) for _side, step in steps)} {dict(classes)}"
        case Commit(Advance(_claim, link, intents)):
            return f"advance {_link(link)} {dict(intents)}"
        case Commit(Finish() as finish):
            asked = [f"{notice.field or 'record'}: {notice.cause}" for notice in finish.notices]
            return f"finish {finish.outcome} {_link(finish.link)} intents {dict(finish.intents)} asks {asked}"
        case Commit(operation):
            return f"ask the store {type(operation).__name__}"
        case _:
            return str(effect)


def _step(step: Step) -> str:
    return f"{step.verb} {step.system}:{step.object}:{step.record_id} {dict(step.values)}"


def _link(link: LinkDraft | None) -> str:
    if link is None:
        return ""
    return f"{link.state} link {link.id} {_ends(link.ends)} pinned {dict(link.pinned)}"


def _ends(ends: Mapping[str, EndDraft]) -> str:
    return " ".join(
        f"{side}:{end.record_id} {dict(end.shadow.values)} sent {sorted(end.shadow.sent)}" for side, end in ends.items()
    )
