"""What may stand where in a mapping file: small descriptions that check a node and give its JSON Schema.

One description serves the loader, the editor's schema and the reference in ``docs/mappings.md``, so they cannot drift apart.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from bridge.core.mapping.document import Node
from bridge.core.mapping.paths import PathError, parse_path

Report: TypeAlias = Callable[..., None]
"""``report(node, message, hint="")``"""


class Kind(Protocol):
    def check(self, node: Node, report: Report) -> None: ...
    def schema(self) -> dict[str, Any]: ...


def nearest(name: object, names: Iterable[str]) -> str:
    """``Did you mean …?``, or the list of what is possible when nothing is near and the list is short."""
    known = sorted(names)
    lowered = {item.casefold(): item for item in known}
    found = difflib.get_close_matches(str(name).casefold(), lowered, n=1, cutoff=0.6)
    if found:
        return f"Did you mean `{lowered[found[0]]}`?"
    return f"Write one of: {', '.join(known)}." if len(known) <= 20 else ""


def _said(node: Node) -> str:
    if node.kind != "scalar":
        return "a list" if node.kind == "list" else "keys and values"
    return "nothing" if node.value is None else f"`{node.value}`"


@dataclass(frozen=True, slots=True)
class Text:
    """Any text; ``what`` says in words what belongs here."""

    what: str = "text"
    example: str = ""

    def check(self, node: Node, report: Report) -> None:
        if node.kind != "scalar" or not isinstance(node.value, str):
            hint = f"For example `{self.example}`." if self.example else ""
            if node.kind == "scalar" and node.value is not None:
                hint = f'Write it in quotes: "{node.value}".'
            report(node, f"{_said(node)} stands where {self.what} belongs", hint)

    def schema(self) -> dict[str, Any]:
        return {"type": "string"} | ({"examples": [self.example]} if self.example else {})


@dataclass(frozen=True, slots=True)
class PathKind:
    """A path into a record."""

    def check(self, node: Node, report: Report) -> None:
        if node.kind != "scalar" or not isinstance(node.value, str):
            report(node, f"{_said(node)} stands where a path belongs", 'For example `name` or `address."Zip code"`.')
            return
        try:
            parse_path(node.value)
        except PathError as problem:
            report(node, f"the path {node.value!r} cannot be read: {problem}", at=problem.column)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    what: str = "value"

    def check(self, node: Node, report: Report) -> None:
        if node.kind != "scalar" or node.value not in self.words:
            report(node, f"{_said(node)} is no {self.what}", nearest(node.value, self.words))

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Flag:
    """``true`` or ``false``."""

    def check(self, node: Node, report: Report) -> None:
        if not isinstance(node.value, bool):
            report(node, f"{_said(node)} stands where true or false belongs", "Write `true` or `false`.")

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds."""

    low: int
    high: int

    def check(self, node: Node, report: Report) -> None:
        value = node.value
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            report(node, f"{_said(node)} is no whole number from {self.low} to {self.high}")

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value."""

    def check(self, node: Node, report: Report) -> None:
        """Everything fits."""

    def schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Plain:
    """A single value: text, number, true or false."""

    def check(self, node: Node, report: Report) -> None:
        if node.kind != "scalar" or node.value is None:
            report(node, f"{_said(node)} stands where one value belongs")

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Kind
    least: int = 1

    def check(self, node: Node, report: Report) -> None:
        if node.kind != "list":
            report(node, f"{_said(node)} stands where a list belongs", "Write it in brackets: [a, b].")
            return
        if len(node.items) < self.least:
            report(node, "the list is empty")
        for item in node.items:
            self.item.check(item, report)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.item.schema()} | ({"minItems": self.least} if self.least else {})


@dataclass(frozen=True, slots=True)
class MapOf:
    """Names chosen by the person."""

    item: Kind
    key: Kind = field(default_factory=Plain)

    def check(self, node: Node, report: Report) -> None:
        if node.kind != "map":
            report(node, f"{_said(node)} stands where keys and values belong", "Write {key: value}.")
            return
        if not node.items:
            report(node, "nothing is listed here")
        for key, item in node.pairs():
            self.key.check(key, report)
            self.item.check(item, report)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.item.schema(), "minProperties": 1}


@dataclass(frozen=True, slots=True)
class Key:
    """One allowed key of a ``Shape``."""

    kind: Kind
    about: str
    required: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A fixed set of keys; others are mistakes."""

    keys: Mapping[str, Key]
    what: str = "key"

    def check(self, node: Node, report: Report) -> None:
        if node.kind != "map":
            report(node, f"{_said(node)} stands where {self.what}s belong", f"Keys: {', '.join(sorted(self.keys))}.")
            return
        for name, item in node.pairs():
            if name.value in self.keys:
                self.keys[str(name.value)].kind.check(item, report)
            else:
                report(name, f"there is no {self.what} `{name.value}`", nearest(name.value, self.keys))
        for wanted, key in self.keys.items():
            if key.required and node.get(wanted) is None:
                report(node, f"the {self.what} `{wanted}` is missing", key.about)

    def schema(self) -> dict[str, Any]:
        properties = {name: key.kind.schema() | {"description": key.about} for name, key in self.keys.items()}
        required = [name for name, key in self.keys.items() if key.required]
        shape: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        return shape | ({"required": required} if required else {})


@dataclass(frozen=True, slots=True)
class Either:
    """Different kinds by the form of what was written, so that a mistake is told about the form that was meant."""

    scalar: Kind | None = None
    list: Kind | None = None
    map: Kind | None = None

    def check(self, node: Node, report: Report) -> None:
        kind: Kind | None = {"scalar": self.scalar, "list": self.list, "map": self.map}[node.kind]
        if kind is not None:
            kind.check(node, report)
            return
        forms = [name for name, form in (("one value", self.scalar), ("a list", self.list), ("keys", self.map)) if form]
        report(node, f"{_said(node)} cannot stand here", f"Write {' or '.join(forms)}.")

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [form.schema() for form in (self.scalar, self.list, self.map) if form is not None]}
