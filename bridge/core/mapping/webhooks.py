"""``webhooks.yaml``: how to read the events that the CRM sends.

The CRM's documents describe no webhooks, so their shape is a setting. Without the file the Standard Webhooks shape is read:
``{"type": "company.updated", "timestamp": …, "data": {"id": …}}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bridge.core.errors import MappingError, Mistake
from bridge.core.mapping.document import Node, read_document
from bridge.core.mapping.grammar import OBJECTS
from bridge.core.mapping.kinds import Choice, Either, Key, ListOf, MapOf, PathKind, Shape, Text
from bridge.core.mapping.notes import WEBHOOKS_FILE, Notes
from bridge.core.mapping.paths import PathError, get_path, split_path
from bridge.core.records import ABSENT, Json

Keys = tuple[tuple[str, ...], ...]
"""Several paths; the first that leads to something counts."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is read from one event. ``hints`` are (CRM object, record id); ``refresh`` names tables that may be old now.

    ``known`` is false for a type that no rule fits, or one whose record the event does not name.
    """

    type: str
    event_id: str | None
    entity_id: str | None
    occurred_at: datetime | None
    known: bool
    hints: tuple[tuple[str, str], ...] = ()
    refresh: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EventRule:
    """Events whose type is ``pattern`` (``company.*`` for all that start so) speak of a record of ``object``."""

    pattern: str
    object: str = ""
    record: Keys = ()
    refresh: str = ""

    def fits(self, type: str) -> bool:
        pattern = self.pattern.casefold()
        if pattern.endswith("*"):
            return type.casefold().startswith(pattern[:-1])
        return type.casefold() == pattern


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """``rules`` are in order of precedence: exact types first, then the longest pattern."""

    type: Keys
    id: Keys
    timestamp: Keys
    entity: Keys
    rules: tuple[EventRule, ...]

    def read(self, event: Mapping[str, Json]) -> Envelope:
        """Never fails: what is missing is ``None``, what does not fit is unknown."""
        type_ = _text(self.type, event) or ""
        rule = next((rule for rule in self.rules if rule.fits(type_)), None)
        hints = tuple((rule.object, id_) for id_ in _ids(rule.record, event)) if rule and rule.object else ()
        refresh = frozenset({rule.refresh}) if rule and rule.refresh else frozenset[str]()
        return Envelope(
            type=type_,
            event_id=_text(self.id, event),
            entity_id=_text(self.entity, event),
            occurred_at=_moment(_value(self.timestamp, event)),
            known=bool(hints or refresh),
            hints=hints,
            refresh=refresh,
        )

    def hints(self, event: Mapping[str, Json]) -> tuple[tuple[tuple[str, str], ...], str]:
        """(object, record id) of every record the event speaks of, and its type."""
        envelope = self.read(event)
        return envelope.hints, envelope.type


def _value(paths: Keys, event: Mapping[str, Json]) -> Json:
    for path in paths:
        found = get_path(event, path)
        if found is not ABSENT and found is not None and found != "":
            return found
    return None


def _text(paths: Keys, event: Mapping[str, Json]) -> str | None:
    found = _value(paths, event)
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return str(found)


def _ids(paths: Keys, event: Mapping[str, Json]) -> Iterator[str]:
    """Ids at the first path that has any; an event may list several records (``data: [{id: …}, …]``)."""
    for path in paths:
        found = list(dict.fromkeys(_walk(event, path)))
        if found:
            yield from found
            return


def _walk(value: Json, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, path)
    elif path:
        if isinstance(value, dict):
            yield from _walk(value.get(path[0]), path[1:])
    elif isinstance(value, str | int) and not isinstance(value, bool) and value != "":
        yield str(value)


def _moment(value: Json) -> datetime | None:
    """ISO 8601, or unix seconds or milliseconds. Without a zone it is UTC."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


# --- the file ----------------------------------------------------------------------------------------------------

_PATHS = Either(scalar=PathKind(), list=ListOf(PathKind()))
_OBJECT = Choice(OBJECTS["crm"], "object of crm")
_ENVELOPE: Final = {
    "type": Key(_PATHS, "Where the event's type is.", default="type"),
    "id": Key(_PATHS, "Where the event's own id is. A signed webhook-id header goes before it.", default="id"),
    "timestamp": Key(_PATHS, "Where the time of the event is.", default="timestamp"),
    "entity": Key(_PATHS, "Where the CRM entity is; events of another entity are refused.", default="entityId"),
    "record": Key(_PATHS, "Where the record's id is, unless an event says otherwise.", default="data.id"),
}
WEBHOOKS: Final = Shape(
    {
        "envelope": Key(Shape(_ENVELOPE, "envelope key"), "Paths into an event."),
        "events": Key(
            MapOf(
                Either(
                    scalar=_OBJECT,
                    map=Shape(
                        {
                            "object": Key(_OBJECT, "The CRM's object that the event speaks of."),
                            "record": Key(_PATHS, "Where its id is, if not where the envelope says."),
                            "refresh": Key(Choice(("stages",), "table"), "A table of names that is read again."),
                        },
                        "event key",
                    ),
                ),
                Text("an event type", "company.*"),
            ),
            "Event types (`company.*` for all that start so) and what they speak of.",
            required=True,
        ),
    },
    "key",
)

DEFAULT: Final = """
envelope:
  type: type
  id: id
  timestamp: timestamp
  entity: [entityId, data.entityId]
  record: [data.id, id]
events:
  company.*: companies
  contact.*: contacts
  membership.*: {object: contacts, record: [data.contactId, data.contact.id]}
  company_membership.*: {object: contacts, record: [data.contactId, data.contact.id]}
  lead.*: leads
  activity.*: activities
  pipeline_stage.*: {refresh: stages}
"""


def load_webhooks(files: Mapping[str, str]) -> WebhookRules:
    """The rules of ``webhooks.yaml`` among the texts of a mappings folder, or the default ones. Raises ``MappingError``."""
    notes = Notes(WEBHOOKS_FILE)
    root = read_document(WEBHOOKS_FILE, files.get(WEBHOOKS_FILE, DEFAULT))
    if isinstance(root, Mistake):
        raise MappingError([root])
    WEBHOOKS.check(root, notes)
    for key, item in root.at("events").pairs() if root.get("events") is not None else ():
        if item.kind == "map" and item.get("object") is None and item.get("refresh") is None:
            notes(key, f"`{key.value}` speaks of nothing", "Write `object: contacts` or `refresh: stages`.")
        if "*" in str(key.value)[:-1]:
            notes(key, f"`{key.value}`: a star may only stand at the end", "For example `company.*`.")
    if notes.broken:
        raise MappingError(notes.mistakes)
    envelope = root.get("envelope")
    where = {name: _keys(envelope.get(name) if envelope else None, key.default) for name, key in _ENVELOPE.items()}
    rules = [_rule(str(key.value), item, where["record"]) for key, item in root.at("events").pairs()]
    rules.sort(key=lambda rule: (rule.pattern.endswith("*"), -len(rule.pattern)))
    return WebhookRules(where["type"], where["id"], where["timestamp"], where["entity"], tuple(rules))


def _rule(pattern: str, node: Node, record: Keys) -> EventRule:
    if node.kind == "scalar":
        return EventRule(pattern, str(node.value), record)
    said = node.plain()
    return EventRule(pattern, said.get("object", ""), _keys(node.get("record"), "") or record, said.get("refresh", ""))


def _keys(node: Node | None, default: str) -> Keys:
    texts: Iterable[Any] = [default] if default else []
    if node is not None:
        texts = [item.value for item in node.items] if node.kind == "list" else [node.value]
    keys = []
    for text in texts:
        try:
            keys.append(split_path(str(text)))
        except PathError:
            continue
    return tuple(keys)
