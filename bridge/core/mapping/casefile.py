"""The keys of a ``*_test.yaml`` file."""

from __future__ import annotations

from typing import Final

from bridge.core.mapping.grammar import SYSTEMS
from bridge.core.mapping.kinds import Anything, Choice, Either, Flag, Key, ListOf, MapOf, Plain, Shape, Text

_RECORD: Final = MapOf(Anything())
_NAMED: Final = Shape(
    {
        "name": Key(Text("a name"), "The name.", required=True),
        "alias": Key(Text("a second name"), "A stage's system key."),
    },
    "key",
)
_LINKED: Final = Shape(
    {
        "id": Key(Plain(), "The right side's id.", required=True),
        "has": Key(_RECORD, "What the linked record holds there."),
    },
    "link key",
)


def _by_side(about: str) -> Shape:
    return Shape({side: Key(_RECORD, about) for side in SYSTEMS}, "side")


_LOOKUPS: Final = {
    "tables": Key(
        Shape(
            {
                side: Key(MapOf(MapOf(Either(scalar=Text("a name", "Customer"), map=_NAMED))), "Ids with their names.")
                for side in SYSTEMS
            },
            "system",
        ),
        "Labels and stages that exist: `tables: {assembly: {labels.Tier: {t1: Customer}}, crm: {stages: {s1: Won}}}`.",
    ),
    "links": Key(
        MapOf(MapOf(Either(scalar=Plain(), map=_LINKED))),
        "Records that are linked already: `links: {companies: {crm-id: assembly-id}}`.",
    ),
}
_WORDS: Final = ListOf(Text("a name"), 0)
CASE: Final = Shape(
    {
        "name": Key(Text("what should happen"), "What should happen, as a sentence.", required=True),
        **{side: Key(_RECORD, f"A record that is new in {side}.") for side in SYSTEMS},
        **{f"to_{side}": Key(_RECORD, f"Paths and values that a new record in {side} gets.") for side in SYSTEMS},
        "nothing_else": Key(Flag(), "No other path may be written."),
        "in_scope": Key(Flag(), "Whether the record takes part (`where`)."),
        "waits_for": Key(Text("a side and an id", "crm c1"), "The linked record that must come first."),
        "creates_labels": Key(_WORDS, "Names of labels or stages that are created first."),
        "before": Key(_by_side("The record when both sides were last in step."), "Both sides when they were in step."),
        "after": Key(_by_side("What was edited since."), "What was edited since, per side: changed paths only."),
        "newer": Key(Choice(SYSTEMS, "side"), "The side whose edit is the newer one."),
        "writes": Key(_by_side("Paths and values."), "All that is written, per side; nothing where it is left out."),
        "verdicts": Key(MapOf(Text("a verdict", "carried")), "Fields and the rule that decided."),
        "attention": Key(
            Either(list=_WORDS, map=MapOf(Text("a cause", "unmapped"))),
            "Fields that wait for a person, with the cause or without.",
        ),
        **_LOOKUPS,
    },
    "case key",
)
CASES: Final = Shape(
    {
        "stream": Key(Text("a stream's name", "companies"), "The stream that is tested.", required=True),
        **_LOOKUPS,
        "cases": Key(ListOf(CASE), "The cases.", required=True),
    },
    "key",
)
