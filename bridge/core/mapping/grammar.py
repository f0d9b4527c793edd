"""Every key of a mapping file: what may stand there, and what it means.

The loader checks against this, ``schema()`` turns it into the JSON Schema for editors, and ``docs/mappings.md`` is tested to
name each key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from bridge.core.mapping.codecs import AsKind, codec_schema
from bridge.core.mapping.document import Node
from bridge.core.mapping.kinds import (
    Anything,
    Choice,
    Either,
    Flag,
    Key,
    Kind,
    ListOf,
    MapOf,
    PathKind,
    Plain,
    Report,
    Shape,
    Text,
    Whole,
    nearest,
)

SYSTEMS: Final = ("crm", "assembly", "wavo")
"""In the order of sides: of a stream's two systems the earlier one is the left side."""
OBJECTS: Final = {
    "crm": ("companies", "contacts", "leads", "activities", "tasks"),
    "assembly": ("accounts", "contacts", "deals", "notes", "usage"),
    "wavo": ("contacts", "campaigns", "clients", "replies"),
}
"""What the documents of each system offer; connectors narrow it with their traits."""


@dataclass(frozen=True, slots=True)
class YesOr:
    """``true``, ``false``, or one of a few words."""

    words: tuple[str, ...]

    def check(self, node: Node, report: Report) -> None:
        if node.kind != "scalar" or not (isinstance(node.value, bool) or node.value in self.words):
            report(node, f"`{node.plain()}` cannot stand here", nearest(node.value, ("true", "false", *self.words)))

    def schema(self) -> dict[str, Any]:
        return {"enum": [True, False, *self.words]}


def _sides(kind: Kind, about: str, prefix: str = "") -> dict[str, Key]:
    return {f"{prefix}{system}": Key(kind, about.format(system=system)) for system in SYSTEMS}


_SIDE = Choice(("newest", "ask", *SYSTEMS), "rule")
_EXPRESSION = Text("an expression", "record.status != 'inactive'")
_ECHO = {
    "cut": Key(Whole(1, 1_000_000), "Longer texts come back cut at so many characters."),
    "trim": Key(Flag(), "Space at both ends gets lost."),
    "case": Key(Flag(), "Letter case may change."),
    "precision": Key(Whole(0, 12), "Numbers come back rounded to so many decimals."),
}

FIELD: Final = Shape(
    {
        **_sides(Either(scalar=PathKind(), list=ListOf(PathKind(), 2)), "Where the value is in a record of {system}."),
        **_sides(_EXPRESSION, "A value computed from the record of {system}; it flows away from there.", "from_"),
        "constant": Key(Anything(), "A fixed value, written to the one side that the field names."),
        "as": Key(AsKind(), "Codecs from the left (CRM) to the right (Assembly)."),
        "parent": Key(
            Shape(
                {
                    "stream": Key(Text("a stream's name", "companies"), "The stream of the record pointed at.", True),
                    "path": Key(PathKind(), "The path whose value there is taken; that stream must map it.", True),
                },
                "parent key",
            ),
            "The value is taken from the linked record that the left path points at. One way.",
        ),
        "direction": Key(
            Choice(("both", *(f"to_{system}" for system in SYSTEMS)), "direction"), "Flow one way only.", default="both"
        ),
        "conflict": Key(_SIDE, "Who wins when both sides changed it.", default="the stream's"),
        "on_bind": Key(_SIDE, "Who wins when two records are bound and differ.", default="the stream's"),
        "wrong_side": Key(
            Choice(("revert", "keep", "report"), "rule"),
            "What an edit on the target side of a one-way field leads to.",
            default="revert",
        ),
        "clears": Key(Choice(("propagate", "ignore"), "rule"), "Whether emptying it is carried.", default="propagate"),
        "fill": Key(Flag(), "Write only where the other side is empty.", default="false"),
        "required": Key(YesOr(SYSTEMS), "No record without it: on both sides, or on the one named.", default="false"),
        "create_only": Key(Flag(), "Written when a record is created, never updated.", default="false"),
        "unordered": Key(Flag(), "A set: order is no difference, elements merge one by one.", default="false"),
        "missing": Key(
            Choice(("invalid", "attention"), "rule"),
            "For a domain that the right side requires: make one up under .invalid, or ask a person.",
        ),
        "default": Key(
            Either(
                scalar=Plain(),
                list=ListOf(Anything(), 0),
                map=Shape(
                    _sides(Anything(), "What an empty value counts as on its way to {system}.", "to_"), "direction"
                ),
            ),
            "What an empty value counts as.",
        ),
        "when": Key(
            Either(scalar=_EXPRESSION, map=Shape(_sides(_EXPRESSION, "Judged on the record of {system}."), "side")),
            "The field is silent on records where this is not true.",
        ),
        "echo": Key(
            Shape({**_ECHO, **_sides(Shape(_ECHO, "echo rule"), "Only for what {system} does.")}, "echo rule"),
            "How a system respells what it is sent, so that its spelling is never taken for an edit.",
        ),
    },
    "field key",
)

STREAM: Final = Shape(
    {
        "stream": Key(Text("a stream's name", "companies"), "The stream's name.", required=True),
        **{
            system: Key(Choice(OBJECTS[system], f"object of {system}"), f"The object of {system}.")
            for system in SYSTEMS
        },
        "join": Key(Text("`id` or a template", "crm-{id}"), "What goes into source_specific_ids.", default="id"),
        "match": Key(
            ListOf(
                Either(
                    scalar=Text("a field's name", "domain"),
                    map=Shape(
                        {
                            "field": Key(Text("a field's name", "domain"), "The field to compare.", required=True),
                            "normalise": Key(
                                Choice(("exact", "case", "domain", "email", "phone"), "normal form"), "How to compare."
                            ),
                        },
                        "match key",
                    ),
                ),
                0,
            ),
            "Fields by which an existing twin is found before one is created, in order.",
        ),
        "create": Key(
            ListOf(Choice(SYSTEMS, "side"), 0), "The sides where missing records may be created.", default="[]"
        ),
        "delete": Key(
            Shape(
                _sides(Choice(("ignore", "archive", "delete"), "rule"), "What happens in {system}.", "in_"),
                "delete rule",
            ),
            "What happens on one side when the other side's record is gone.",
            default="ignore",
        ),
        "archive": Key(
            Shape(_sides(MapOf(Anything(), PathKind()), "Paths and values that archive a record in {system}."), "side"),
            "How a record is archived.",
        ),
        "where": Key(
            Shape(_sides(_EXPRESSION, "Which records of {system} take part."), "side"), "Which records take part."
        ),
        "on_leave": Key(
            Either(
                scalar=Choice(("keep", "archive"), "rule"),
                map=Shape(_sides(Choice(("keep", "archive"), "rule"), "What happens in {system}.", "in_"), "rule"),
            ),
            "What happens on one side when the other side's record leaves `where`.",
            default="keep",
        ),
        "conflict": Key(_SIDE, "Who wins when both sides changed a field.", default="newest"),
        "on_bind": Key(_SIDE, "Who wins when two records are bound and differ.", default="ask"),
        "fields": Key(MapOf(FIELD), "The mapped values, each under a name of its own.", required=True),
    },
    "stream key",
)


def schema() -> dict[str, Any]:
    """The JSON Schema of a stream's file, for editors."""
    stream = STREAM.schema()
    stream["properties"]["fields"]["additionalProperties"] = {"$ref": "#/$defs/field"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A mapping of the bridge: one stream",
        **stream,
        "$defs": {"field": FIELD.schema(), "codec": codec_schema()},
    }


def schema_text() -> str:
    """``schema()`` as it is kept in ``mappings/schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
