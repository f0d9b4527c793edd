from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from bridge.bootstrap import Bridge
from bridge.operations import records
from bridge.web.admin.common import known, named_record
from bridge.web.schemas import Looked


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter(prefix="/records", tags=["records"])

    @routes.get("/{connection}/{stream}/{record}")
    def show(connection: str, stream: str, record: str) -> dict[str, Any]:
        """Both sides as they are now, what is remembered of them, every field's verdict, and the history.

        `record` is `crm:ID` or `assembly:ID`.
        """
        side, record_id = named_record(record)
        terms = bridge.terms(known(bridge, connection))
        return records.show(bridge.store, connection, terms, stream, side, record_id)

    @routes.post("/{connection}/{stream}/{record}/sync", status_code=202)
    def sync(connection: str, stream: str, record: str) -> Looked:
        """Look at this record again, now."""
        side, record_id = named_record(record)
        terms = bridge.terms(known(bridge, connection))
        records.sync(bridge.store, connection, terms, stream, side, record_id)
        bridge.doorbell.ring(connection)
        return Looked(connection=connection, stream=stream, side=side, record_id=record_id)

    return routes
