from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter

from bridge.bootstrap import Bridge, WiredConnection
from bridge.core.errors import MappingError, Mistake
from bridge.core.mapping import load_with_warnings
from bridge.core.mapping.grammar import OBJECTS
from bridge.core.mapping.model import Mappings
from bridge.core.mapping.webhooks import load_webhooks
from bridge.operations import records
from bridge.runtime.live_mappings import read_folder
from bridge.web.admin.common import known, named_record
from bridge.web.schemas import CheckMappings, InForce, MistakeShown, Page, PreviewMapping, Reload, StreamShown, Verdict


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter(prefix="/mappings", tags=["mappings"])

    @routes.get("")
    def index() -> Page[InForce]:
        """What is in force for every connection, and what is wrong with a newer edit."""
        return Page(items=[_in_force(wired) for _, wired in sorted(bridge.connections.items())], next=None)

    @routes.post("/validate")
    def validate(wanted: CheckMappings) -> Verdict:
        """Check files as if they were saved over those of the connection's folder. Nothing is saved."""
        wired = bridge.connections[known(bridge, wanted.connection)]
        try:
            _, warnings = _loaded(wired, wanted.files)
        except MappingError as error:
            return Verdict(valid=False, mistakes=_shown(error.mistakes))
        return Verdict(valid=True, mistakes=_shown(warnings))

    @routes.post("/preview")
    def preview(wanted: PreviewMapping) -> dict[str, Any]:
        """What the given files would make of one record: `GET /admin/records/…` under them. Nothing is written."""
        side, record_id = named_record(wanted.record)
        terms = bridge.terms(known(bridge, wanted.connection))
        mappings, _ = _loaded(bridge.connections[wanted.connection], wanted.files)
        edited = dataclasses.replace(terms, mappings=mappings)
        return records.show(bridge.store, wanted.connection, edited, wanted.stream, side, record_id)

    @routes.post("/reload")
    def reload(wanted: Reload) -> InForce:
        """Read the folder now rather than within a second. Workers look for themselves."""
        wired = bridge.connections[known(bridge, wanted.connection)]
        wired.files.reload()
        return _in_force(wired)

    return routes


def _loaded(wired: WiredConnection, files: Mapping[str, str]) -> tuple[Mappings, Sequence[Mistake]]:
    """Raises ``MappingError``."""
    texts = {**read_folder(wired.settings.mappings_dir), **files}
    traits = {
        (side, name): connector.traits(name) for side, connector in wired.connectors.items() for name in OBJECTS[side]
    }
    load_webhooks(texts)
    return load_with_warnings(texts, traits=traits)


def _in_force(wired: WiredConnection) -> InForce:
    reading = wired.reading
    streams = [
        StreamShown(
            name=stream.name,
            version=stream.version,
            objects={side: stream.object(side) for side in stream.sides},
            fields=[field.name for field in stream.fields],
        )
        for stream in reading.loaded.mappings.streams
    ]
    return InForce(
        connection=wired.name, streams=streams, warnings=_shown(reading.loaded.warnings), problem=reading.problem
    )


def _shown(mistakes: Sequence[Mistake]) -> list[MistakeShown]:
    return [MistakeShown(**dataclasses.asdict(mistake)) for mistake in mistakes]
