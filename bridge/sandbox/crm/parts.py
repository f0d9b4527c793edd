"""Pieces that the CRM's operations share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.sandbox.crm.records import REQUIRED
from bridge.sandbox.messages import Call, Refusal, Row
from bridge.sandbox.routing import Parameter
from bridge.sandbox.shapes import is_uuid

if TYPE_CHECKING:
    from bridge.sandbox.crm.system import Crm

# crm.txt, every operation: "Entity UUID; must match the API key’s entity when using Bearer auth."
ENTITY: Final = Parameter("entityId", {"type": "string", "format": "uuid"}, required=True)


def query_of(call: Call, names: tuple[str, ...]) -> str:
    return next((call.query[name] for name in names if call.query.get(name)), "")


def integer(call: Call, name: str) -> int | None:
    """A query parameter from 1 upwards; 400 otherwise."""
    text = call.query.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= 1):
        raise Refusal(400, f"{name} must be an integer of at least 1")
    return int(text)


def uuid_filter(call: Call, name: str) -> str:
    """A query parameter of type uuid; empty if not given."""
    value = call.query.get(name, "")
    if value and not is_uuid(value):
        raise Refusal(400, f"{name} must be a UUID")
    return value


def patched(crm: Crm, object: str, call: Call) -> Row:
    """The record of the path, changed as the body says and stored."""
    old = crm.find(object, call.params["id"])
    given = crm.accepted(object, call.body)
    for name in REQUIRED.get(object, ()):
        if name in given and given[name] is None:
            raise Refusal(400, f"{name} cannot be empty")
    return crm.store(object, old, crm.touched(object, {**old, **given}))
