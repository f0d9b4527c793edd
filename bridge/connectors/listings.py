"""Full listings that are looked through for several callers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from bridge.connectors.raw import may_equal
from bridge.core.mapping.paths import get_path
from bridge.core.ports import Page
from bridge.core.records import Record

Found: TypeAlias = list[Record]


@dataclass(frozen=True, slots=True)
class _Round:
    """Those whom one listing serves: what each of them looks for, by path and value."""

    wanted: list[tuple[str, str]] = field(default_factory=list)
    found: Future[list[Found]] = field(default_factory=Future)


@dataclass(slots=True)
class _Line:
    """The listings of one kind. One is under way at a time."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    lock: threading.Lock = field(default_factory=threading.Lock)
    next: _Round = field(default_factory=_Round)


class Listings:
    """For what a remote cannot search: dozens of new accounts ask for their twins by domain at once, and a listing for each of them would
    take longer than their leases. Shared by threads."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}

    def find(self, kind: Hashable, pages: Callable[[], Iterable[Page]], path: str, value: str) -> tuple[Record, ...]:
        """The records whose value at ``path`` may equal ``value`` (see ``may_equal``), in a listing that begins after this was
        called. Who asks while one of this ``kind`` is under way is served by the next, with all who ask until then.

        Raises what ``pages`` raises, to everybody it was for.
        """
        line = self._lines.setdefault(kind, _Line())
        with line.lock:
            shared = line.next
            place = len(shared.wanted)
            shared.wanted.append((path, value))
        if place == 0:
            with line.turn:
                with line.lock:
                    line.next = _Round()
                _look_through(shared, pages)
        return tuple(shared.found.result()[place])


def _look_through(shared: _Round, pages: Callable[[], Iterable[Page]]) -> None:
    found: list[Found] = [[] for _ in shared.wanted]
    try:
        for page in pages():
            for record in page.records:
                for place, (path, value) in enumerate(shared.wanted):
                    if may_equal(get_path(record.raw, path), value):
                        found[place].append(record)
    except BaseException as error:
        shared.found.set_exception(error)
    else:
        shared.found.set_result(found)
