"""YAML text to a tree of nodes that know their place.

Read as events, so that aliases, duplicate keys, deep nesting and odd tags are refused where they stand, before anything is
built. Scalars follow YAML's core schema without its surprises: ``no``, ``12:30:00`` and ``010`` stay the text a person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from bridge.core.errors import Mistake
from bridge.core.records import Json

MAX_CHARACTERS = 256 * 1024
MAX_DEPTH = 16
MAX_NODES = 15_000

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}([eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, Json] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document; lines and columns count from 1. ``keys`` and ``items`` run in parallel in a map."""

    kind: Literal["scalar", "list", "map"]
    line: int
    column: int
    value: Json = None
    items: tuple[Node, ...] = ()
    keys: tuple[Node, ...] = ()
    quoted: bool = False

    def plain(self) -> Json:
        match self.kind:
            case "scalar":
                return self.value
            case "list":
                return [item.plain() for item in self.items]
            case _:
                return {key.value: item.plain() for key, item in self.pairs()}

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Key and value of each entry of a map; nothing of anything else."""
        return zip(self.keys, self.items, strict=True) if self.kind == "map" else iter(())

    def get(self, key: Json) -> Node | None:
        for name, item in self.pairs():
            if name.value == key and type(name.value) is type(key):
                return item
        return None

    def at(self, *steps: str | int) -> Node:
        """The node at these keys and positions, or the nearest one above it that exists."""
        here = self
        for step in steps:
            if isinstance(step, int):
                if step >= len(here.items):
                    return here
                here = here.items[step]
            else:
                found = here.get(step)
                if found is None:
                    return here
                here = found
        return here

    def key_at(self, *steps: str) -> Node:
        """The key node of the last step, for mistakes about the name itself."""
        above = self.at(*steps[:-1])
        return next((key for key in above.keys if key.value == steps[-1]), above)


def mistake(file: str, line: int, column: int, message: str, hint: str = "", severity: str = "error") -> Mistake:
    """A mistake whose message ends like a sentence where a hint follows."""
    message += "." if hint and not message.endswith((".", "?")) else ""
    return Mistake(file, line, column, message, hint, severity)


class _Refused(Exception):
    def __init__(self, told: Mistake) -> None:
        self.told = told


def read_document(file: str, text: str) -> Node | Mistake:
    """The tree of the file's one document, or why it is none."""
    if len(text) > MAX_CHARACTERS:
        size = f"{len(text) // 1024} KiB"
        return mistake(file, 1, 1, f"the file is {size} long", f"At most {MAX_CHARACTERS // 1024} KiB are read.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Builder(file, yaml.parse(text, Loader=loader)).document()
    except _Refused as refused:
        return refused.told
    except yaml.YAMLError as problem:
        return _syntax(file, problem)
    except UnicodeEncodeError:
        return mistake(file, 1, 1, "the text holds half characters that no file can hold")


def _syntax(file: str, problem: yaml.YAMLError) -> Mistake:
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    what = str(getattr(problem, "problem", None) or getattr(problem, "reason", None) or "this is not YAML")
    hint = "Check the indentation and quotes here and on the line above."
    if "tab" in what or "cannot start any token" in what:
        hint = "Indent with spaces, and quote values that start with @, `, % or a tab."
    return mistake(file, line, column, f"not YAML: {what}", hint)


class _Builder:
    """Builds the tree from parser events."""

    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self._file = file
        self._events = events
        self._count = 0

    def document(self) -> Node:
        self._expect(yaml.StreamStartEvent)
        first = next(self._events)
        if isinstance(first, yaml.StreamEndEvent):
            raise _Refused(mistake(self._file, 1, 1, "the file is empty", "Write `stream: …` and its fields."))
        root = self._node(next(self._events), 0)
        self._expect(yaml.DocumentEndEvent)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._refuse(after, "a second document starts here", "One file holds one stream: remove the `---`.")
        return root

    def _expect(self, kind: type[yaml.Event]) -> None:
        event = next(self._events)
        if not isinstance(event, kind):
            self._refuse(event, "the document does not end where it should")

    def _refuse(self, event: Any, message: str, hint: str = "") -> None:
        mark = event.start_mark
        raise _Refused(mistake(self._file, mark.line + 1, mark.column + 1, message, hint))

    def _node(self, event: Any, depth: int) -> Node:
        self._count += 1
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            self._refuse(event, "the file is too deep or too large", f"At most {MAX_DEPTH} levels, {MAX_NODES} values.")
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"aliases (*{event.anchor}) are not allowed", "Write the value out.")
        if event.anchor:
            self._refuse(event, f"anchors (&{event.anchor}) are not allowed", "Remove it and write the value out.")
        if event.tag and event.tag != "!":
            self._refuse(event, f"the tag {event.tag} is not allowed", "Remove it; quote a value to make it text.")
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None or event.style == ""
            value = _scalar(event.value) if plain else event.value
            return Node("scalar", line, column, value, quoted=not plain)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node("list", line, column, items=tuple(self._list(depth)))
        return self._map(line, column, depth)

    def _list(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _map(self, line: int, column: int, depth: int) -> Node:
        keys: list[Node] = []
        items: list[Node] = []
        seen: dict[tuple[type, Json], Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if key.kind != "scalar":
                self._refuse(event, "a key must be a plain word", "Quote it if it holds brackets.")
            if key.value == "<<" and not key.quoted:
                self._refuse(event, "merge keys (<<) are not allowed", "Write the keys out.")
            first = seen.setdefault((type(key.value), key.value), key)
            if first is not key:
                self._refuse(event, f"{key.value} is written twice", f"It is on line {first.line} too: remove one.")
            keys.append(key)
            items.append(self._node(next(self._events), depth + 1))
        return Node("map", line, column, items=tuple(items), keys=tuple(keys))


def _scalar(text: str) -> Json:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
