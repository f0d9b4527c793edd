"""From a patch of a CRM record to the calls that carry it (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.connectors.raw import body_of
from bridge.core.errors import Rejected
from bridge.core.ports import Traits
from bridge.core.records import Json, Patch, Step

SYSTEM = "crm"
APART = {"contacts": ("companyId", "membership"), "leads": ("stageId", "stage")}
"""Paths that have a call of their own: object -> (path, verb of the step)."""
REQUIRED = {"companies": ("name",), "contacts": (), "leads": ("title",), "activities": ("type", "subject")}


def traits(object: str, *, clears_with_null: bool) -> Traits:
    """No DELETE of companies, neither change nor deletion of activities (TRAPS 26); nowhere "updated since"."""
    return Traits(
        updatable=object != "activities",
        deletable=object in {"contacts", "leads"},
        clears_with_null=clears_with_null,
    )


def steps(verb: str, patch: Patch) -> tuple[Step, ...]:
    if verb == "delete":
        if patch.object not in {"contacts", "leads"}:
            raise Rejected(f"the CRM cannot delete {patch.object}", system=SYSTEM, operation="delete")
        return (Step(SYSTEM, patch.object, "delete", patch.record_id, {}),)
    path, apart = APART.get(patch.object, ("", ""))
    body = {key: value for key, value in patch.set.items() if key != path}
    found: list[Step] = []
    if verb == "create":
        given = {key: value for key, value in body.items() if value is not None}
        _check_required(patch.object, given)
        found.append(Step(SYSTEM, patch.object, "create", None, {"fields": body_of(given)}, body))
    elif body:
        if patch.object == "activities":
            raise Rejected("the CRM cannot change activities", system=SYSTEM, operation="update")
        found.append(Step(SYSTEM, patch.object, "update", patch.record_id, {"fields": body_of(body)}, body))
    if path in patch.set and not (verb == "create" and patch.set[path] is None):
        found.append(_apart(apart, path, patch))
    return tuple(found)


def _apart(verb: str, path: str, patch: Patch) -> Step:
    value = patch.set[path]
    payload: dict[str, Json] = {path: value}
    if verb == "membership":
        was = patch.was.get(path)
        payload["was"] = was if isinstance(was, str) else None
    elif value is None:
        raise Rejected("a lead always has a stage", system=SYSTEM, operation="PATCH /leads/{id}/stage")
    # A membership is read first, then one is added and the old one removed.
    calls = 3 if verb == "membership" else 1
    return Step(SYSTEM, patch.object, verb, patch.record_id, payload, {path: value}, calls)


def _check_required(object: str, given: Mapping[str, Json]) -> None:
    missing = [name for name in REQUIRED.get(object, ()) if given.get(name) in (None, "")]
    if missing:
        raise Rejected(f"the CRM needs {' and '.join(missing)} to create {object}", system=SYSTEM, operation="create")
