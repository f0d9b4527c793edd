"""Paths into a record: dots nest, quotes allow any key: ``additional_properties."CRM owner"``.

A path may go on into a list: ``emails[0].value`` is the value of the first entry, ``emails[type=work].value`` that of
the first entry whose ``type`` is ``work``. The part before the bracket names what is written; the rest is a lens into it
(``bridge.core.mapping.codecs.inside``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.core.records import ABSENT, Json, Value

_BARE = re.compile(r"[\w-]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SELECTOR = re.compile(r'\[(?:(\d+)|([\w-]+)=(?:([\w@.+-]+)|"((?:[^"\\]|\\.)*)"))\]')
_CANONICAL = re.compile(r"[A-Za-z0-9_-]+")


class PathError(ValueError):
    """A path that cannot be read. ``column`` counts characters from 0."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True, slots=True)
class Pick:
    """One list entry: by position, or the first one whose ``key`` is ``value``."""

    index: int | None = None
    key: str = ""
    value: str = ""

    def __str__(self) -> str:
        return f"[{self.index}]" if self.index is not None else f"[{self.key}={_word(self.value)}]"


@dataclass(frozen=True, slots=True)
class Path:
    """``keys`` lead to what is written; ``inside`` goes on into a list found there."""

    keys: tuple[str, ...]
    inside: tuple[Pick | str, ...] = ()

    def __str__(self) -> str:
        text = join_path(self.keys)
        for step in self.inside:
            text += str(step) if isinstance(step, Pick) else f".{_word(step)}"
        return text


def parse_path(text: str) -> Path:
    """Raises ``PathError`` with the column of the first character that does not fit."""
    keys: list[str] = []
    inside: list[Pick | str] = []
    at = 0
    while True:
        key, at = _key(text, at)
        if inside:
            inside.append(key)
        else:
            keys.append(key)
        while at < len(text) and text[at] == "[":
            found = _SELECTOR.match(text, at)
            if found is None:
                raise PathError("a bracket holds a position ([0]) or a choice ([type=work])", at)
            index, name, bare, quoted = found.groups()
            inside.append(
                Pick(int(index)) if index is not None else Pick(None, name, bare if bare is not None else _bare(quoted))
            )
            at = found.end()
        if at == len(text):
            return Path(tuple(keys), tuple(inside))
        if text[at] != ".":
            raise PathError(f'{text[at]!r} needs quotes around its key: additional_properties."CRM owner"', at)
        at += 1


def _key(text: str, at: int) -> tuple[str, int]:
    if found := _QUOTED.match(text, at):
        return _bare(found.group(1)), found.end()
    if found := _BARE.match(text, at):
        return found.group(), found.end()
    what = f"{text[at]!r} cannot start a key" if at < len(text) else "a key is missing at the end"
    raise PathError(what, at)


def _bare(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted)


def _word(key: str) -> str:
    if _CANONICAL.fullmatch(key):
        return key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def split_path(path: str) -> tuple[str, ...]:
    """The keys of a written path. Raises ``PathError``."""
    return parse_path(path).keys


def join_path(keys: Sequence[str]) -> str:
    """The canonical spelling: keys with anything but ``[A-Za-z0-9_-]`` are quoted."""
    return ".".join(_word(key) for key in keys)


def getter(keys: tuple[str, ...]) -> Callable[[Mapping[str, Json]], Value]:
    """Compile the reading of a path.

    A record without the first key is silent (``ABSENT``). A key missing from a container that is there is empty
    (``None``); a container that is not an object says nothing about its keys.
    """
    if len(keys) == 1:
        (only,) = keys
        return lambda raw: raw.get(only, ABSENT)
    if len(keys) == 2:
        outer, inner = keys

        def read_two(raw: Mapping[str, Json]) -> Value:
            container = raw.get(outer, ABSENT)
            if isinstance(container, dict):
                return container.get(inner)
            return None if container is None else ABSENT

        return read_two

    def read(raw: Mapping[str, Json]) -> Value:
        here: Value = raw.get(keys[0], ABSENT)
        for key in keys[1:]:
            if here is None:
                return None
            if not isinstance(here, dict):
                return ABSENT
            here = here.get(key)
        return here

    return read


def get_path(raw: Mapping[str, Json], path: str | tuple[str, ...]) -> Value:
    """The value at a path; see ``getter``."""
    return getter(split_path(path) if isinstance(path, str) else path)(raw)
