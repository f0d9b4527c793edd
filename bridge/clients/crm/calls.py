"""What all operations of the CRM share: the entity in the query, and the names its document leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bridge.core.records import Json, Lane
from bridge.transport import Answer, Call, Http, Query

Fields: TypeAlias = Mapping[str, Json]
"""A record's fields by the CRM's names. The document shows few of them: the mapping knows the rest."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names of query parameters: the document shows their meaning but not what they are called (TRAPS 24)."""

    page: str = "page"
    limit: str = "limit"
    search: str = "search"
    relationship: str = "relationship"
    lifecycle: str = "status"
    owner: str = "owner"
    company: str = "companyId"
    contact: str = "contactId"
    lead: str = "leadId"
    stage_id: str = "stageId"
    stage: str = "stage"


class CrmCalls:
    """Sends one entity's calls. ``entityId`` goes in the query of every call, as all its examples show (TRAPS 27)."""

    def __init__(self, http: Http, entity_id: str, names: Names) -> None:
        self.http = http
        self.names = names
        self._entity_id = entity_id

    def read(
        self, template: str, ids: Mapping[str, str] | None = None, *, query: Query | None = None, lane: Lane
    ) -> Answer:
        return self.http.read(Call("GET", template, ids or {}, self._with_entity(query), lane=lane))

    def write(
        self, method: str, template: str, ids: Mapping[str, str] | None = None, *, body: Json = None, lane: Lane
    ) -> Answer:
        return self.http.write(Call(method, template, ids or {}, self._with_entity(None), body, lane))

    def _with_entity(self, query: Query | None) -> Query:
        return {"entityId": self._entity_id, **(query or {})}
