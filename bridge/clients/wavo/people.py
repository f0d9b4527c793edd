"""Campaigns, clients, their users, and contacts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from bridge.clients.wavo.calls import Fields, pages, read, told, write
from bridge.core.records import Lane
from bridge.transport import Http, Query, Raw, Reply, Rows

Status = Literal["ok", "replied", "unsubscribed", "bounced", "autoreplied", "missing-data", "stopped"]
Interest = Literal["unmarked", "positive", "neutral", "negative"]
MOST_CONTACTS = 500


class Campaigns:
    def __init__(self, http: Http) -> None:
        self._http = http

    def list(self, *, client_id: str | None = None, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /campaigns``: all of them; there are no pages (TRAPS 35)."""
        answer = read(self._http, "/campaigns", lane, query={"client_id": client_id})
        return answer.reply(answer.rows())

    def create(self, name: str, client_id: str, timezone: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``POST /campaigns``."""
        body = {"name": name, "client_id": client_id, "timezone": timezone}
        answer = write(self._http, "POST", "/campaigns", lane, body=body)
        return answer.reply(answer.created())


class Clients:
    def __init__(self, http: Http) -> None:
        self._http = http

    def list(self, *, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /clients``: all of them; there are no pages (TRAPS 35)."""
        answer = read(self._http, "/clients", lane)
        return answer.reply(answer.rows())

    def create(self, name: str, max_emails: int, *, lane: Lane = "live") -> Reply[Raw]:
        """``POST /clients``."""
        answer = write(self._http, "POST", "/clients", lane, body={"name": name, "max_emails": max_emails})
        return answer.reply(answer.created())

    def users(self, client_id: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /clients/{id}/users``: ``{"users": […], "invitations": […]}``; the role that is written as
        ``export_campaigns`` is shown as ``export_data`` (TRAPS 34)."""
        answer = read(self._http, "/clients/{id}/users", lane, {"id": client_id})
        return answer.reply(answer.record())

    def add_user(
        self,
        client_id: str,
        email: str,
        *,
        view_campaigns: bool | None = None,
        create_campaigns: bool | None = None,
        export_campaigns: bool | None = None,
        lane: Lane = "live",
    ) -> Reply[str]:
        """``POST /clients/{id}/users``: answers 200 with a message, not the user (TRAPS 34)."""
        body = _roles(email, view_campaigns, create_campaigns, export_campaigns)
        answer = write(self._http, "POST", "/clients/{id}/users", lane, {"id": client_id}, body=body)
        return answer.reply(told(answer))

    def update_user(
        self,
        client_id: str,
        email: str,
        *,
        view_campaigns: bool | None = None,
        create_campaigns: bool | None = None,
        export_campaigns: bool | None = None,
        lane: Lane = "live",
    ) -> Reply[str]:
        """``PUT /clients/{id}/users``: of a user or an invitation."""
        body = _roles(email, view_campaigns, create_campaigns, export_campaigns)
        answer = write(self._http, "PUT", "/clients/{id}/users", lane, {"id": client_id}, body=body)
        return answer.reply(told(answer))

    def delete_user(self, client_id: str, email: str, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /clients/{id}/users``: the email goes in the query; answers 204."""
        answer = write(self._http, "DELETE", "/clients/{id}/users", lane, {"id": client_id}, query={"email": email})
        return answer.reply(None)


class Contacts:
    """Contacts can be neither changed nor deleted (TRAPS 36). Searches count against a limit of their own."""

    def __init__(self, http: Http, search_http: Http) -> None:
        self._http = http
        self._search_http = search_http

    def create(self, campaign_id: str, email: str, fields: Fields | None = None, *, lane: Lane = "live") -> Reply[Raw]:
        """``POST /contacts``: the answer is a list of one (TRAPS 33)."""
        body = {**(fields or {}), "campaign_id": campaign_id, "email": email}
        answer = write(self._http, "POST", "/contacts", lane, body=body)
        return answer.reply(answer.created())

    def get(self, contact_id: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /contacts/{id}``."""
        answer = read(self._http, "/contacts/{id}", lane, {"id": contact_id})
        return answer.reply(answer.record())

    def pages(
        self,
        campaign_id: str,
        *,
        status: Status | None = None,
        interest: Interest | None = None,
        emails_sent: int | None = None,
        limit: int = MOST_CONTACTS,
        lane: Lane = "live",
    ) -> Iterator[Rows[Raw]]:
        """``GET /campaigns/{id}/contacts``, all pages. Filters are lower case, answers upper case; ``unmarked`` is shown
        as null (TRAPS 34)."""
        query: Query = {"status": status, "interest": interest, "emails_sent": emails_sent}
        return pages(self._http, "/campaigns/{id}/contacts", lane, {"id": campaign_id}, query, limit)

    def search(
        self, email: str, *, client_id: str | None = None, campaign_id: str | None = None, lane: Lane = "live"
    ) -> Reply[Rows[Raw]]:
        """``GET /contacts``: by email, the only check for a twin (TRAPS 36)."""
        query: Query = {"email": email, "client_id": client_id, "campaign_id": campaign_id}
        answer = read(self._search_http, "/contacts", lane, query=query)
        return answer.reply(answer.rows())


def _roles(email: str, view: bool | None, create: bool | None, export: bool | None) -> dict[str, str | bool]:
    given = {"view_campaigns": view, "create_campaigns": create, "export_campaigns": export}
    return {"email": email, **{name: value for name, value in given.items() if value is not None}}
