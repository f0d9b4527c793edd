"""Activities become notes: each once, with its words, or a person is told why not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.simulation.oracle_case import Case
from tests.simulation.oracle_terms import Violation
from tests.simulation.remote import Row


def each_activity_is_one_note(case: Case) -> Iterator[Violation]:
    if not case.rules.notes:
        return
    notes: dict[str, list[Row]] = defaultdict(list)
    for row in case.live("assembly", "notes"):
        notes[str((row.raw or {}).get("source_specific_id"))].append(row)
    activities = {row.id: row for row in case.live("crm", "notes")}
    for key in notes.keys() - activities.keys():
        yield Violation("made up", f"a note of the activity {key}, which is not there")
    for id, activity in sorted(activities.items()):
        made = notes.get(id, [])
        if len(made) > 1:
            yield Violation("twin", f"{len(made)} notes of the activity {id}")
        if not made and not _told(case, activity):
            yield Violation("not carried", f"the activity {id} has no note, and nobody is told")
        for note in made:
            raw, words = note.raw or {}, activity.raw or {}
            if raw.get("note") not in (words.get("body"), words.get("subject")):
                yield Violation("made up", f"the note of {id} says {raw.get('note')!r}")


def _told(case: Case, activity: Row) -> bool:
    forgotten = any(link.stream == "notes" and activity.id in link.ends.values() for link in case.final.links)
    return forgotten or case.is_shown("notes", "crm", activity.id) or case.dropped("notes", "crm", activity.id)
