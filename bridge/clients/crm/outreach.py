"""Outbound email, marketing lists and the dashboard."""

from __future__ import annotations

from bridge.clients.crm.calls import CrmCalls, Fields
from bridge.core.records import Lane
from bridge.transport import Raw, Reply, Rows


class Outreach:
    def __init__(self, calls: CrmCalls) -> None:
        self._calls = calls

    def send_email(
        self,
        lead_id: str,
        connection_id: str,
        channel: str,
        subject: str,
        html_body: str,
        fields: Fields | None = None,
        *,
        lane: Lane = "live",
    ) -> Reply[Raw]:
        """``POST /outbound-email``: of the channels only ``gmail`` is shown."""
        body = {
            **(fields or {}),
            "leadId": lead_id,
            "connectionId": connection_id,
            "channel": channel,
            "subject": subject,
            "htmlBody": html_body,
        }
        answer = self._calls.write("POST", "/outbound-email", body=body, lane=lane)
        return answer.reply(answer.written())

    def email_connections(self, *, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /outbound-email-connections``."""
        answer = self._calls.read("/outbound-email-connections", lane=lane)
        return answer.reply(answer.rows("connections"))

    def add_to_marketing_list(self, list_id: str, fields: Fields | None = None, *, lane: Lane = "live") -> Reply[Raw]:
        """``POST /prospecting/add-to-marketing-list``: who is added goes in fields that the document leaves open."""
        body = {**(fields or {}), "listId": list_id}
        answer = self._calls.write("POST", "/prospecting/add-to-marketing-list", body=body, lane=lane)
        return answer.reply(answer.written())

    def dashboard(self, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /dashboard``: an object whose fields the document leaves open."""
        answer = self._calls.read("/dashboard", lane=lane)
        return answer.reply(answer.object())
