"""Mappings that were edited while the world ran: what had been in force when, as far as a verdict depends on it."""

from __future__ import annotations

from collections.abc import Sequence

from tests.simulation.journal import Journal

RELOADED = 45.0
"""Seconds after an edit in which a process may still end what it began under the mapping before."""


class MappingStory:
    """The ``mapping`` events of a world. One names a field that was ``added``, ``removed`` or ``turned``, or the ``rules``."""

    def __init__(self, journal: Journal) -> None:
        self._events = journal.of("mapping")

    def _last(self, note: str, stream: str = "", field: str = "") -> float | None:
        found = [event.at for event in self._events if (event.note, event.object, event.id) == (note, stream, field)]
        return found[-1] if found else None

    def added(self, stream: str, field: str) -> float | None:
        """When the field was mapped, if that was after the world began: until then nobody compared it."""
        return self._last("added", stream, field)

    def turned(self, stream: str, field: str) -> float | None:
        """When its direction was changed last."""
        return self._last("turned", stream, field)

    def rules_changed(self) -> float | None:
        return self._last("rules")

    def ever(self, key: str, value: str) -> bool:
        """Whether a rule had this value at any time that an event tells of."""
        return any(value in (event.values.get(key), event.values.get(f"{key} before")) for event in self._events)


def same_throughout(story: MappingStory, times: Sequence[float]) -> bool:
    """Whether the rules that are in force at the end were so from the first of these times on."""
    changed = story.rules_changed()
    return changed is None or changed + RELOADED < min(times)
