"""Replies, email threads and suppressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.clients.wavo.calls import pages, read, write
from bridge.core.records import Lane
from bridge.transport import Answer, Http, Raw, Reply, Rows

MOST_REPLIES = 20


class Replies:
    def __init__(self, http: Http) -> None:
        self._http = http

    def of_campaign(self, campaign_id: str, *, limit: int = MOST_REPLIES, lane: Lane = "live") -> Iterator[Rows[Raw]]:
        """``GET /campaigns/{id}/replies``, all pages (20 at most on one)."""
        return pages(self._http, "/campaigns/{id}/replies", lane, {"id": campaign_id}, {}, limit)

    def of_contact(self, contact_id: str, *, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /contacts/{id}/replies``: all of them; there are no pages (TRAPS 35)."""
        answer = read(self._http, "/contacts/{id}/replies", lane, {"id": contact_id})
        return answer.reply(answer.rows())

    def thread(self, thread_id: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /email-threads/{id}``: its messages may carry another ``thread_id`` (TRAPS 38)."""
        answer = read(self._http, "/email-threads/{id}", lane, {"id": thread_id})
        return answer.reply(answer.record())


class Suppressions:
    """They cannot be read back (TRAPS 36)."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def add_emails(self, client_id: str, emails: Sequence[str], *, lane: Lane = "live") -> Reply[tuple[str, ...]]:
        """``POST /suppressions/emails``: contacts with these addresses become unsubscribed."""
        body = {"client_id": client_id, "emails": list(emails)}
        return _accepted(write(self._http, "POST", "/suppressions/emails", lane, body=body))

    def add_domains(self, client_id: str, domains: Sequence[str], *, lane: Lane = "live") -> Reply[tuple[str, ...]]:
        """``POST /suppressions/domains``: contacts in these domains become unsubscribed."""
        body = {"client_id": client_id, "domains": list(domains)}
        return _accepted(write(self._http, "POST", "/suppressions/domains", lane, body=body))


def _accepted(answer: Answer) -> Reply[tuple[str, ...]]:
    shown = answer.body.get("data") if isinstance(answer.body, dict) else None
    return answer.reply(tuple(map(str, shown)) if isinstance(shown, list) else ())
