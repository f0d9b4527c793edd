"""From a patch of an Assembly record to the calls that carry it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.connectors.raw import body_of
from bridge.core.errors import Rejected
from bridge.core.mapping.paths import split_path
from bridge.core.ports import Traits
from bridge.core.records import Json, Patch, Step, Value

SYSTEM = "assembly"
PROPERTIES = "additional_properties"
REQUIRED = {
    "accounts": ("name", "domain"),
    "contacts": ("name", "domain"),
    "deals": ("name", "account_source_specific_id"),
    "notes": ("domain", "source_specific_id", "note", "original_timestamp"),
}


def traits(object: str, *, clears_with_null: bool) -> Traits:
    match object:
        case "accounts" | "contacts" | "deals":
            return Traits(updated_after=True, upsert=True, join_keys=True, clears_with_null=clears_with_null)
        case "notes":
            # Neither readable nor deletable, but sent again under their key without harm (TRAPS 15).
            return Traits(readable=False, deletable=False, upsert=True)
        case "usage":
            return Traits(readable=False, deletable=False)
    return Traits(readable=False, creatable=False, updatable=False, deletable=False)


def steps(verb: str, patch: Patch, *, note_source: str) -> tuple[Step, ...]:
    match verb, patch.object:
        case "delete", ("notes" | "usage"):
            raise Rejected(f"the bridge does not delete {patch.object}", system=SYSTEM, operation="delete")
        case "delete", _:
            return (Step(SYSTEM, patch.object, "delete", patch.record_id, {}),)
        case "create", "notes":
            return (_note(patch, note_source),)
        case "create", _:
            return (_create(patch),)
        case _, "notes":
            raise Rejected("a note is sent whole or not at all", system=SYSTEM, operation="update")
    return _update(patch)


def _create(patch: Patch) -> Step:
    given = {path: value for path, value in patch.set.items() if value is not None}
    body = body_of(given)
    _check_required(patch.object, body)
    if patch.object == "accounts":
        body["type"] = "Company"
    payload: dict[str, Json] = {"body": body, "key": patch.bind, "upsert": patch.bind is not None}
    return Step(SYSTEM, patch.object, "create", None, payload, dict(patch.set))


def _note(patch: Patch, source: str) -> Step:
    body = {key: value for key, value in body_of(patch.set).items() if value is not None}
    body = {"source": source, "source_specific_id": patch.bind, "participants": [], **body}
    _check_required("notes", body)
    return Step(SYSTEM, "notes", "create", None, {"body": body, "key": patch.bind, "upsert": True}, dict(patch.set))


def _update(patch: Patch) -> tuple[Step, ...]:
    removed = {path: None for path, value in patch.set.items() if value is None and property_name(path) is not None}
    kept = {path: value for path, value in patch.set.items() if path not in removed}
    body = body_of({path: value for path, value in kept.items() if path != "tags"})
    if "tags" in kept:
        body |= _tags(kept["tags"], patch.was.get("tags"))
    if patch.bind is not None:
        body["source_specific_ids"] = [patch.bind]
    if patch.unbind is not None:
        body["removed_source_specific_ids"] = [patch.unbind]
    found: list[Step] = []
    if body:
        verb = "update" if kept else "bind"
        found.append(Step(SYSTEM, patch.object, verb, patch.record_id, {"body": body}, kept))
    if removed:
        names = [name for path in removed if (name := property_name(path)) is not None]
        found.append(
            Step(SYSTEM, patch.object, "remove_properties", patch.record_id, {"properties": names}, dict(removed))
        )
    return tuple(found)


def _tags(wanted: Json, was: Value) -> dict[str, Any]:
    """PUT adds ``tags`` and takes ``removed_tags`` away (TRAPS 10). Tags that were never seen are never removed."""
    new, old = list(wanted or []), was if isinstance(was, list) else []
    added, gone = [tag for tag in new if tag not in old], [tag for tag in old if tag not in new]
    return ({"tags": added} if added else {}) | ({"removed_tags": gone} if gone else {})


def property_name(path: str) -> str | None:
    """The name of the additional property that a path is."""
    keys = split_path(path)
    return keys[1] if len(keys) == 2 and keys[0] == PROPERTIES else None


def _check_required(object: str, body: Mapping[str, Json]) -> None:
    missing = [name for name in REQUIRED.get(object, ()) if body.get(name) in (None, "")]
    if missing:
        raise Rejected(f"Assembly needs {' and '.join(missing)} to create {object}", system=SYSTEM, operation="create")
