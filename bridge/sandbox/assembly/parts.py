"""Pieces that Assembly's operations share: paging, times, and the schemas of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Parameter
from bridge.sandbox.shapes import parse_time

if TYPE_CHECKING:
    from bridge.sandbox.assembly.system import Assembly

LIMIT: Final = Parameter("limit", {"type": "integer", "minimum": 1})
OFFSET: Final = Parameter("offset", {"type": "integer", "minimum": 0})
UPDATED_AFTER: Final = Parameter("updated_after", {"type": "string", "format": "date-time"})
SOURCE_ID: Final = Parameter("source_specific_id", {"type": "string"})
PAGING: Final = (LIMIT, OFFSET)

# assembly.txt, "Create Account": {"id":"01945162-…"}
ID_SCHEMA: Final[Row] = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
EMPTY_SCHEMA: Final[Row] = {"type": "object", "maxProperties": 0}


def paged_schema(name: str) -> Row:
    """assembly.txt, "Get Accounts": {"accounts": {"data": [...], "has_next_page": ..., "next_cursor": ...}}"""
    page = {
        "type": "object",
        "required": ["data", "has_next_page", "next_cursor"],
        "properties": {
            "data": {"type": "array", "items": {"type": "object"}},
            "has_next_page": {"type": "boolean"},
            "next_cursor": {"type": ["integer", "null"]},
        },
    }
    return {"type": "object", "required": [name], "properties": {name: page}}


def object_schema(name: str) -> Row:
    return {"type": "object", "required": [name], "properties": {name: {"type": "object"}}}


def list_schema(name: str) -> Row:
    return {"type": "object", "required": [name], "properties": {name: {"type": "array", "items": {"type": "object"}}}}


def either(one: Row, other: Row) -> Row:
    return {"anyOf": [one, other]}


def whole_number(call: Call, name: str, default: int, *, least: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= least):
        raise Refusal(400, f"invalid {name} parameter")
    return int(text)


def since(call: Call) -> float | None:
    """``updated_after`` as seconds since the epoch. assembly.txt: "an invalid value returns 400 - invalid updated_after
    parameter"; a ``+`` that was not escaped arrives as a space and is such a value."""
    return None if "updated_after" not in call.query else moment_of(call.query["updated_after"])


def moment_of(text: str) -> float:
    moment = parse_time(text)
    if moment is None:
        raise Refusal(400, "invalid updated_after parameter")
    return moment.timestamp()


def window(assembly: Assembly, call: Call) -> tuple[int, int]:
    """Offset and limit: "otherwise the default limit=100 and offset=0 will be used"; a larger limit is clamped."""
    limit = min(whole_number(call, "limit", 100, least=1), assembly.switches.list_limit)
    return whole_number(call, "offset", 0, least=0), limit


def page(assembly: Assembly, name: str, shown: list[Row], *, offset: int, more: bool) -> Answer:
    cursor: int | None = offset + len(shown)
    if not more:
        cursor = {"offset": cursor, "null": None, "zero": 0}[assembly.switches.last_cursor]
    return Answer(200, {name: {"data": shown, "has_next_page": more, "next_cursor": cursor}})
