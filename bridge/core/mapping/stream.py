"""One stream, compiled: see ``bridge.core.mapping.model.Stream`` for what each member promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.core.errors import Undecodable
from bridge.core.mapping.codecs.base import Join
from bridge.core.mapping.codecs.text import bare_domain, phone_form
from bridge.core.mapping.expressions import Expression, Failed
from bridge.core.mapping.field import MappedField
from bridge.core.mapping.model import OnDelete, OnLeave
from bridge.core.records import Json


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """Bind to a record that has the same normalised value in this field."""

    field: str
    paths: Mapping[str, str]
    form: Callable[[str], str | None]

    def path(self, side: str) -> str:
        return self.paths[side]

    def normalise(self, value: Json) -> str | None:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        return self.form(str(value)) or None


def _case(text: str) -> str:
    return " ".join(text.split()).casefold()


FORMS: Mapping[str, Callable[[str], str | None]] = {
    "exact": str.strip,
    "case": _case,
    "domain": bare_domain,
    "email": lambda text: text.strip().casefold(),
    "phone": phone_form,
}


@dataclass(frozen=True, slots=True)
class MappedStream:
    name: str
    version: str
    sides: tuple[str, str]
    objects: Mapping[str, str]
    fields: tuple[MappedField, ...]
    join: Join = Join()  # noqa: RUF009
    parents: frozenset[str] = frozenset()
    match: tuple[FieldMatch, ...] = ()
    creating: frozenset[str] = frozenset()
    deleting: Mapping[str, OnDelete] = field(default_factory=dict)
    leaving: Mapping[str, OnLeave] = field(default_factory=dict)
    archives: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    where: Mapping[str, Expression] = field(default_factory=dict)
    place: str = ""

    def object(self, side: str) -> str:
        return self.objects[side]

    def other(self, side: str) -> str:
        left, right = self.sides
        return right if side == left else left

    def join_key(self, left_id: str) -> str:
        return self.join.key(left_id)

    def left_id(self, join_key: str) -> str | None:
        return self.join.left_id(join_key)

    def creates(self, side: str) -> bool:
        return side in self.creating

    def on_delete(self, side: str) -> OnDelete:
        return self.deleting.get(side, "ignore")

    def archive_patch(self, side: str) -> Mapping[str, Json] | None:
        return self.archives.get(side)

    def in_scope(self, side: str, raw: Mapping[str, Json]) -> bool:
        condition = self.where.get(side)
        if condition is None:
            return True
        try:
            return condition(raw) is True
        except Failed as problem:
            raise Undecodable(f"`where` of {self.name} in {side}: {problem}", cause="where") from None

    def on_leave(self, side: str) -> OnLeave:
        return self.leaving.get(side, "keep")
