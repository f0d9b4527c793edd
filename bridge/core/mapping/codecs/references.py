"""Codecs for values that name something else: labels, pipeline stages, linked records.

They are compared by remote id wherever the id is what a record holds, so that renaming the thing moves no record.
"""

# ruff: noqa: ARG002  (codecs share one signature; few need all of it)

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from bridge.core.errors import LabelMissing, ParentNotLinked
from bridge.core.mapping.codecs.base import Codec, Join, Normaliser, Rich, refuse
from bridge.core.mapping.codecs.text import text_of
from bridge.core.records import ABSENT, Json, Link, Lookups, Reference

STAGES = "stages"


@dataclass(frozen=True)
class LabelName(Codec):
    """The name as the label spells it, so that letter case is no difference. Unknown names stay as they are."""

    rich: ClassVar[Rich] = "both"
    system: str = ""
    kind: str = ""
    default: str = ""

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        name = text_of(x, "a label name").strip()
        table = lookups.table(self.system, self.kind)
        ids = table.ids(name)
        if not ids and self.default:
            return self.default
        return table.names[ids[0]].strip() if ids else name


@dataclass(frozen=True)
class Label(Codec):
    """A name on the left is the id of the label with that name on the right."""

    rich: ClassVar[Rich] = "right"
    system: str = ""
    kind: str = ""
    create: bool = False
    color: str = ""

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        name = text_of(x, "a label name").strip()
        # Names may repeat after a lost answer: the first is taken. (One in use stays: it already reads as this name.)
        ids = lookups.table(self.system, self.kind).ids(name)
        if ids:
            return ids[0]
        if self.create:
            raise LabelMissing(system=self.system, kind=self.kind, name=name, color=self.color)
        return refuse(f"{self.system} has no label of type {self.kind.partition('.')[2]} with this name", "label")

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        name = lookups.table(self.system, self.kind).names.get(text_of(y, "a label id"))
        if name is None:
            refuse(f"{self.system} shows a label that is not of type {self.kind.partition('.')[2]}", "label")
        return name.strip()


@dataclass(frozen=True)
class Stage(Codec):
    """A stage id on the left is free text on the right: the stage's name, or its legacy system key."""

    rich: ClassVar[Rich] = "right"
    system: str = "crm"
    create: bool = False

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        stage = text_of(x, "a stage id")
        table = lookups.table(self.system, STAGES)
        name = table.names.get(stage)
        if name is None:
            refuse(f"{self.system} has no stage with this id", "stage")
        if len(table.ids(name)) > 1:
            refuse(f"{self.system} has {len(table.ids(name))} stages of this name: rename one", "stage")
        return name

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        name = text_of(y, "a stage name").strip()
        ids = lookups.table(self.system, STAGES).ids(name)
        if len(ids) == 1:
            return ids[0]
        if ids:
            refuse(f"{self.system} has {len(ids)} stages of this name", "stage")
        if self.create:
            raise LabelMissing(system=self.system, kind=STAGES, name=name, color="")
        return refuse(f"the pipeline of {self.system} has no stage of this name", "stage")


def _right_id(link: Link | None, reference: Reference, side: str) -> str:
    if link is None or link.state == "half":
        raise ParentNotLinked(reference)
    end = link.end(side)
    if link.state == "dead" or end is None:
        refuse(f"its {reference.stream} record was deleted", "parent")
    return end.record_id


@dataclass(frozen=True)
class Id(Normaliser):
    """An id is carried as text, also where a system writes it as a number."""

    def norm(self, value: Json) -> Json:
        return _id(value)


@dataclass(frozen=True)
class LinkTo(Codec):
    """A left id on the left is the id of the linked record (or its join key) on the right.

    The common value is the left id. An unlinked record is brought first (``ParentNotLinked``).
    """

    stream: str = ""
    left: str = "crm"
    right: str = "assembly"

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        reference = Reference(self.stream, self.left, _id(x))
        return _right_id(lookups.links.get(reference), reference, self.right)

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        reference = Reference(self.stream, self.right, _id(y))
        return _right_id(lookups.links.get(reference), reference, self.left)

    def left_references(self, x: Json) -> frozenset[Reference]:
        return frozenset({Reference(self.stream, self.left, _id(x))})

    def right_references(self, y: Json) -> frozenset[Reference]:
        return frozenset({Reference(self.stream, self.right, _id(y))})


@dataclass(frozen=True)
class LinkByKey(LinkTo):
    """As ``LinkTo``, where the right side names the record by its join key."""

    join: Join = field(default_factory=Join)

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        # The key alone would do, but the record must be there and carry it before something can hang on it.
        super().forth(x, now, lookups)
        return self.join.key(_id(x))

    def back(self, y: Json, now: Json, lookups: Lookups) -> Json:
        found = self.join.left_id(_id(y))
        if found is None:
            refuse(f"it hangs on a {self.stream} record that is not named by a key of ours", "parent")
        return found

    def right_references(self, y: Json) -> frozenset[Reference]:
        found = self.join.left_id(_id(y))
        return frozenset({Reference(self.stream, self.left, found)}) if found else frozenset()


@dataclass(frozen=True)
class ParentValue(Codec):
    """A left id on the left is, on the right, a value of the linked record there (a note's domain). One way."""

    two_way: ClassVar[bool] = False
    stream: str = ""
    key: str = ""
    left: str = "crm"
    right: str = "assembly"

    def forth(self, x: Json, now: Json, lookups: Lookups) -> Json:
        reference = Reference(self.stream, self.left, _id(x))
        link = lookups.links.get(reference)
        _right_id(link, reference, self.right)
        end = link.end(self.right) if link is not None else None
        value = end.shadow.values.get(self.key, ABSENT) if end is not None else ABSENT
        if value is ABSENT:
            raise ParentNotLinked(reference)
        if value in (None, "", []):
            refuse(f"its {self.stream} record has no {self.key} in {self.right}", "parent")
        return value

    def left_references(self, x: Json) -> frozenset[Reference]:
        return frozenset({Reference(self.stream, self.left, _id(x))})


def _id(value: Json) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_of(value, "an id")
