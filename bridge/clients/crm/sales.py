"""Pipeline stages, leads, activities and tasks."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.clients.crm.calls import CrmCalls, Fields
from bridge.core.records import Lane
from bridge.transport import Raw, Reply, Rows


class Stages:
    def __init__(self, calls: CrmCalls) -> None:
        self._calls = calls

    def list(self, *, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /pipeline-stages``: ``systemKey`` is legacy and may be null (TRAPS 30)."""
        answer = self._calls.read("/pipeline-stages", lane=lane)
        return answer.reply(answer.rows("stages"))

    def create(self, name: str, fields: Fields | None = None, *, lane: Lane = "live") -> Reply[Raw]:
        """``POST /pipeline-stages``."""
        answer = self._calls.write("POST", "/pipeline-stages", body={**(fields or {}), "name": name}, lane=lane)
        return answer.reply(answer.created("stage"))

    def reorder(self, stage_ids: Sequence[str], *, lane: Lane = "live") -> Reply[None]:
        """``POST /pipeline-stages/reorder``: all stages in their new order."""
        body = {"stageIds": list(stage_ids)}
        return self._calls.write("POST", "/pipeline-stages/reorder", body=body, lane=lane).reply(None)

    def update(self, stage_id: str, fields: Fields, *, lane: Lane = "live") -> Reply[Raw]:
        """``PATCH /pipeline-stages/{id}``."""
        answer = self._calls.write("PATCH", "/pipeline-stages/{id}", {"id": stage_id}, body=dict(fields), lane=lane)
        return answer.reply(answer.written("stage"))

    def delete(self, stage_id: str, fields: Fields | None = None, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /pipeline-stages/{id}``: takes a body whose fields the document leaves open (TRAPS 30)."""
        ids = {"id": stage_id}
        return self._calls.write("DELETE", "/pipeline-stages/{id}", ids, body=dict(fields or {}), lane=lane).reply(None)


class Leads:
    def __init__(self, calls: CrmCalls) -> None:
        self._calls = calls

    def list(
        self,
        *,
        company_id: str | None = None,
        contact_id: str | None = None,
        stage_id: str | None = None,
        stage: str | None = None,
        lane: Lane = "live",
    ) -> Reply[Rows[Raw]]:
        """``GET /leads``: ``stage`` filters by stage name or legacy system key; the document shows no pages."""
        names = self._calls.names
        query = {names.company: company_id, names.contact: contact_id, names.stage_id: stage_id, names.stage: stage}
        answer = self._calls.read("/leads", query=query, lane=lane)
        return answer.reply(answer.rows("leads"))

    def create(self, title: str, fields: Fields | None = None, *, lane: Lane = "live") -> Reply[Raw]:
        """``POST /leads``."""
        answer = self._calls.write("POST", "/leads", body={**(fields or {}), "title": title}, lane=lane)
        return answer.reply(answer.created("lead"))

    def get(self, lead_id: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /leads/{id}``."""
        answer = self._calls.read("/leads/{id}", {"id": lead_id}, lane=lane)
        return answer.reply(answer.record("lead"))

    def update(self, lead_id: str, fields: Fields, *, lane: Lane = "live") -> Reply[Raw]:
        """``PATCH /leads/{id}``: not its stage, which has ``move``."""
        answer = self._calls.write("PATCH", "/leads/{id}", {"id": lead_id}, body=dict(fields), lane=lane)
        return answer.reply(answer.written("lead"))

    def delete(self, lead_id: str, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /leads/{id}``."""
        return self._calls.write("DELETE", "/leads/{id}", {"id": lead_id}, lane=lane).reply(None)

    def timeline(self, lead_id: str, *, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /leads/{id}/timeline``."""
        answer = self._calls.read("/leads/{id}/timeline", {"id": lead_id}, lane=lane)
        return answer.reply(answer.rows("timeline", "events", "items", "activities"))

    def move(self, lead_id: str, stage: Fields, *, lane: Lane = "live") -> Reply[Raw]:
        """``PATCH /leads/{id}/stage``: the document leaves the body open (TRAPS 30); ours says ``{"stageId": …}``."""
        answer = self._calls.write("PATCH", "/leads/{id}/stage", {"id": lead_id}, body=dict(stage), lane=lane)
        return answer.reply(answer.written("lead"))

    def add_activity(
        self, lead_id: str, type: str, subject: str, fields: Fields | None = None, *, lane: Lane = "live"
    ) -> Reply[Raw]:
        """``POST /leads/{id}/activities``: of the types only ``call`` is shown (TRAPS 31)."""
        body = {**(fields or {}), "type": type, "subject": subject}
        answer = self._calls.write("POST", "/leads/{id}/activities", {"id": lead_id}, body=body, lane=lane)
        return answer.reply(answer.created("activity"))


class Activities:
    """They can be neither changed nor deleted, nor read one by one (TRAPS 26)."""

    def __init__(self, calls: CrmCalls) -> None:
        self._calls = calls

    def list(
        self,
        *,
        company_id: str | None = None,
        contact_id: str | None = None,
        lead_id: str | None = None,
        lane: Lane = "live",
    ) -> Reply[Rows[Raw]]:
        """``GET /activities``: all of them, or those of a company, contact or lead; the document shows no pages."""
        names = self._calls.names
        query = {names.company: company_id, names.contact: contact_id, names.lead: lead_id}
        answer = self._calls.read("/activities", query=query, lane=lane)
        return answer.reply(answer.rows("activities"))

    def create(self, type: str, subject: str, fields: Fields | None = None, *, lane: Lane = "live") -> Reply[Raw]:
        """``POST /activities``: no idempotency key (TRAPS 31)."""
        body = {**(fields or {}), "type": type, "subject": subject}
        answer = self._calls.write("POST", "/activities", body=body, lane=lane)
        return answer.reply(answer.created("activity"))


class Tasks:
    """Tasks have no create of their own (TRAPS 26)."""

    def __init__(self, calls: CrmCalls) -> None:
        self._calls = calls

    def list(self, *, lead_id: str | None = None, owner: str | None = None, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /tasks``: two UUID filters, whose names the document leaves open."""
        query = {self._calls.names.lead: lead_id, self._calls.names.owner: owner}
        answer = self._calls.read("/tasks", query=query, lane=lane)
        return answer.reply(answer.rows("tasks"))
