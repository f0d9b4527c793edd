"""Companies, contacts and what ties them: the CRM's address book."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from bridge.clients.crm.calls import CrmCalls, Fields
from bridge.core.records import Lane
from bridge.transport import Raw, Reply, Rows, by_number

Relationship = Literal["prospect", "customer", "vendor", "both"]
Lifecycle = Literal["active", "inactive"]


class Companies:
    """There is no DELETE: ``inactive`` is the archive (TRAPS 26)."""

    def __init__(self, calls: CrmCalls) -> None:
        self._calls = calls

    def list(
        self,
        *,
        relationship: Relationship | None = None,
        lifecycle: Lifecycle | None = None,
        owner: str | None = None,
        search: str | None = None,
        page: int | None = None,
        limit: int | None = None,
        lane: Lane = "live",
    ) -> Reply[Rows[Raw]]:
        """``GET /companies``: one page. ``owner`` is a UUID, ``me`` or ``unassigned``; ``search`` looks into names.

        ``limit`` without ``page`` gives the first rows only (TRAPS 25); ``pages`` gives all.
        """
        names = self._calls.names
        query = {
            names.relationship: relationship,
            names.lifecycle: lifecycle,
            names.owner: owner,
            names.search: search,
            names.page: page,
            names.limit: limit,
        }
        answer = self._calls.read("/companies", query=query, lane=lane)
        return answer.reply(answer.rows("companies"))

    def pages(
        self,
        *,
        relationship: Relationship | None = None,
        lifecycle: Lifecycle | None = None,
        owner: str | None = None,
        search: str | None = None,
        limit: int = 100,
        lane: Lane = "live",
    ) -> Iterator[Rows[Raw]]:
        """``GET /companies``, page by page until an empty one: the document shows neither a total nor an end."""

        def fetch(page: int) -> Rows[Raw]:
            return self.list(
                relationship=relationship,
                lifecycle=lifecycle,
                owner=owner,
                search=search,
                page=page,
                limit=limit,
                lane=lane,
            ).value

        return by_number(fetch)

    def create(self, name: str, fields: Fields | None = None, *, lane: Lane = "live") -> Reply[Raw]:
        """``POST /companies``."""
        answer = self._calls.write("POST", "/companies", body={**(fields or {}), "name": name}, lane=lane)
        return answer.reply(answer.created("company"))

    def get(self, company_id: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /companies/{id}``."""
        answer = self._calls.read("/companies/{id}", {"id": company_id}, lane=lane)
        return answer.reply(answer.record("company"))

    def update(self, company_id: str, fields: Fields, *, lane: Lane = "live") -> Reply[Raw]:
        """``PATCH /companies/{id}``: only the fields given."""
        answer = self._calls.write("PATCH", "/companies/{id}", {"id": company_id}, body=dict(fields), lane=lane)
        return answer.reply(answer.written("company"))

    def contacts(self, company_id: str, *, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /companies/{id}/contacts``."""
        answer = self._calls.read("/companies/{id}/contacts", {"id": company_id}, lane=lane)
        return answer.reply(answer.rows("contacts"))


class Contacts:
    def __init__(self, calls: CrmCalls) -> None:
        self._calls = calls

    def list(self, *, company_id: str | None = None, owner: str | None = None, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /contacts``: all of them, or those of a company; the document shows no pages."""
        query = {self._calls.names.company: company_id, self._calls.names.owner: owner}
        answer = self._calls.read("/contacts", query=query, lane=lane)
        return answer.reply(answer.rows("contacts"))

    def create(self, fields: Fields, *, lane: Lane = "live") -> Reply[Raw]:
        """``POST /contacts``: nothing is required, not even a name (TRAPS 28)."""
        answer = self._calls.write("POST", "/contacts", body=dict(fields), lane=lane)
        return answer.reply(answer.created("contact"))

    def get(self, contact_id: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /contacts/{id}``."""
        answer = self._calls.read("/contacts/{id}", {"id": contact_id}, lane=lane)
        return answer.reply(answer.record("contact"))

    def update(self, contact_id: str, fields: Fields, *, lane: Lane = "live") -> Reply[Raw]:
        """``PATCH /contacts/{id}``: only the fields given."""
        answer = self._calls.write("PATCH", "/contacts/{id}", {"id": contact_id}, body=dict(fields), lane=lane)
        return answer.reply(answer.written("contact"))

    def delete(self, contact_id: str, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /contacts/{id}``."""
        return self._calls.write("DELETE", "/contacts/{id}", {"id": contact_id}, lane=lane).reply(None)


class Memberships:
    """Which companies a contact belongs to. A membership has an id of its own (TRAPS 29)."""

    def __init__(self, calls: CrmCalls) -> None:
        self._calls = calls

    def list(self, contact_id: str, *, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /contacts/{id}/company-memberships``."""
        answer = self._calls.read("/contacts/{id}/company-memberships", {"id": contact_id}, lane=lane)
        return answer.reply(answer.rows("memberships", "companyMemberships"))

    def add(self, contact_id: str, company_id: str, fields: Fields | None = None, *, lane: Lane = "live") -> Reply[Raw]:
        """``POST /contacts/{id}/company-memberships``."""
        answer = self._calls.write(
            "POST",
            "/contacts/{id}/company-memberships",
            {"id": contact_id},
            body={**(fields or {}), "companyId": company_id},
            lane=lane,
        )
        return answer.reply(answer.written("membership", "companyMembership"))

    def update(self, contact_id: str, membership_id: str, fields: Fields, *, lane: Lane = "live") -> Reply[Raw]:
        """``PATCH /contacts/{id}/company-memberships/{membershipId}``."""
        answer = self._calls.write(
            "PATCH",
            "/contacts/{id}/company-memberships/{membershipId}",
            {"id": contact_id, "membershipId": membership_id},
            body=dict(fields),
            lane=lane,
        )
        return answer.reply(answer.written("membership", "companyMembership"))

    def delete(self, contact_id: str, membership_id: str, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /contacts/{id}/company-memberships/{membershipId}``."""
        ids = {"id": contact_id, "membershipId": membership_id}
        return self._calls.write("DELETE", "/contacts/{id}/company-memberships/{membershipId}", ids, lane=lane).reply(
            None
        )
