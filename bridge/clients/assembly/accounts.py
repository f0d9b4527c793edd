"""Accounts and contacts. A contact is a Customer account: it shows up among the accounts too (TRAPS 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from bridge.clients.assembly.addressing import Address, Key, SourceId, address
from bridge.clients.assembly.calls import PAGE, Fields, instant, one, page, pages, read, write
from bridge.core.errors import Rejected
from bridge.core.records import Lane
from bridge.transport import Call, Http, Query, Raw, Reply, Rows, by_offset

AccountType = Literal["Company", "Customer"]
MOST_PER_SEARCH = 1000


class Accounts:
    """Writes say ``type``, reads ``account_type``, search ``type`` again (TRAPS 11)."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def create(
        self, type: AccountType, name: str, domain: str, fields: Fields | None = None, *, lane: Lane = "live"
    ) -> Reply[str]:
        """``POST /accounts``: answers the id. A Customer's ``domain`` is an email (TRAPS 4)."""
        body = {**(fields or {}), "type": type, "name": name, "domain": domain}
        answer = write(self._http, "POST", Address("/accounts"), lane, body)
        return answer.reply(answer.id("account"))

    def list(
        self,
        *,
        name: str | None = None,
        updated_after: datetime | None = None,
        limit: int = PAGE,
        offset: int = 0,
        lane: Lane = "live",
    ) -> Reply[Rows[Raw]]:
        """``GET /accounts``: one page, companies before customers, each by name; ``name`` looks into domains too."""
        query: Query = {"name": name, "updated_after": instant(updated_after), "limit": limit, "offset": offset}
        answer = read(self._http, Address("/accounts"), lane, query)
        return answer.reply(page(answer, "account", "accounts"))

    def pages(
        self,
        *,
        name: str | None = None,
        updated_after: datetime | None = None,
        limit: int = PAGE,
        lane: Lane = "live",
    ) -> Iterator[Rows[Raw]]:
        """``GET /accounts``, all pages."""
        query: Query = {"name": name, "updated_after": instant(updated_after)}
        return pages(self._http, Address("/accounts"), "account", "accounts", query=query, limit=limit, lane=lane)

    def get(self, key: Key, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /accounts/{id}`` (an id or a domain), or ``GET /accounts?source_specific_id=``."""
        answer = read(self._http, address("/accounts", key), lane)
        return answer.reply(one(answer, "account", "accounts"))

    def search(
        self,
        *,
        properties: Mapping[str, str] | None = None,
        name: str | None = None,
        domain: str | None = None,
        updated_after: datetime | None = None,
        limit: int = MOST_PER_SEARCH,
        lane: Lane = "live",
    ) -> Iterator[Rows[Raw]]:
        """``POST /accounts/search``, all pages: exact additional properties, parts of name or domain, all of them together.

        It is a read. ``limit`` is 1 to 1000; beyond is refused there with 400.
        """
        wanted = {
            "additional_properties": [{"name": k, "value": v} for k, v in (properties or {}).items()] or None,
            "name": name,
            "domain": domain,
            "updated_after": instant(updated_after),
        }
        filters = {key: value for key, value in wanted.items() if value is not None}

        def fetch(offset: int, size: int) -> Rows[Raw]:
            body = {**filters, "limit": min(size, MOST_PER_SEARCH), "offset": offset}
            answer = self._http.read(Call("POST", "/accounts/search", body=body, lane=lane))
            return page(answer, "account", "accounts")

        return by_offset(fetch, limit)

    def update(self, key: Key, fields: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``PUT /accounts/{id}``, or ``PUT /accounts?source_specific_id=``: only what is given; ``tags`` and
        ``source_specific_ids`` are added (TRAPS 10)."""
        answer = write(self._http, "PUT", address("/accounts", key), lane, dict(fields))
        return answer.reply(answer.id("account"))

    def upsert(
        self,
        key: Key | None,
        type: AccountType,
        name: str,
        domain: str,
        fields: Fields | None = None,
        *,
        lane: Lane = "live",
    ) -> Reply[str]:
        """``PUT /accounts/upsert/{id}``, or ``PUT /accounts/upsert?source_specific_id=``: update what ``key`` names,
        create it if nothing does. A new account never takes the path's id as its own (TRAPS 7)."""
        body = {**(fields or {}), "type": type, "name": name, "domain": domain}
        answer = write(self._http, "PUT", upsert_address("/accounts", key), lane, body)
        return answer.reply(answer.id("account"))

    def delete(self, key: Key, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /accounts/{id}``, or ``DELETE /accounts?source_specific_id=``: answers ``{}`` (TRAPS 14)."""
        return write(self._http, "DELETE", address("/accounts", key), lane).reply(None)


class Contacts:
    def __init__(self, http: Http) -> None:
        self._http = http

    def create(
        self, name: str, domain: str, company: Fields, fields: Fields | None = None, *, lane: Lane = "live"
    ) -> Reply[str]:
        """``POST /contacts``: ``domain`` is an email (TRAPS 4); ``company`` is one of ``company_id``,
        ``company_domain`` and ``company_source_specific_id``."""
        body = {**(fields or {}), **company, "name": name, "domain": domain}
        answer = write(self._http, "POST", Address("/contacts"), lane, body)
        return answer.reply(answer.id("contact"))

    def list(
        self,
        *,
        updated_after: datetime | None = None,
        limit: int = PAGE,
        offset: int = 0,
        lane: Lane = "live",
    ) -> Reply[Rows[Raw]]:
        """``GET /contacts``: one page."""
        query: Query = {"updated_after": instant(updated_after), "limit": limit, "offset": offset}
        answer = read(self._http, Address("/contacts"), lane, query)
        return answer.reply(page(answer, "contact", "contacts"))

    def pages(
        self, *, updated_after: datetime | None = None, limit: int = PAGE, lane: Lane = "live"
    ) -> Iterator[Rows[Raw]]:
        """``GET /contacts``, all pages."""
        query: Query = {"updated_after": instant(updated_after)}
        return pages(self._http, Address("/contacts"), "contact", "contacts", query=query, limit=limit, lane=lane)

    def of_company(
        self, company: Key, *, updated_after: datetime | None = None, limit: int = PAGE, lane: Lane = "live"
    ) -> Iterator[Rows[Raw]]:
        """``GET /contacts/company/{id}``, or ``GET /contacts/company?company_source_specific_id=``, all pages."""
        at = address("/contacts/company", company, parameter="company_source_specific_id")
        query: Query = {"updated_after": instant(updated_after)}
        return pages(self._http, at, "contact", "contacts", query=query, limit=limit, lane=lane)

    def get(self, key: Key, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /contacts/{id}`` (an id or an email), or ``GET /contacts?source_specific_id=``."""
        answer = read(self._http, address("/contacts", key), lane)
        return answer.reply(one(answer, "contact", "contacts"))

    def update(self, key: Key, fields: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``PUT /contacts/{id}``, or ``PUT /contacts?source_specific_id=``: only what is given; ``tags`` and
        ``source_specific_ids`` are added (TRAPS 10)."""
        answer = write(self._http, "PUT", address("/contacts", key), lane, dict(fields))
        return answer.reply(answer.id("contact"))

    def upsert(
        self,
        key: Key | None,
        name: str,
        domain: str,
        company: Fields,
        fields: Fields | None = None,
        *,
        lane: Lane = "live",
    ) -> Reply[str]:
        """``PUT /contacts/upsert/{id}``, or ``PUT /contacts/upsert?source_specific_id=``."""
        body = {**(fields or {}), **company, "name": name, "domain": domain}
        answer = write(self._http, "PUT", upsert_address("/contacts", key), lane, body)
        return answer.reply(answer.id("contact"))

    def delete(self, key: Key, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /contacts/{id}``, or ``DELETE /contacts?source_specific_id=``: answers ``{}`` (TRAPS 14)."""
        return write(self._http, "DELETE", address("/contacts", key), lane).reply(None)


def upsert_address(base: str, key: Key | None) -> Address:
    if key is None:
        return Address(f"{base}/upsert")
    if isinstance(key, SourceId) and not key.value.strip():
        raise Rejected(f"{base}/upsert needs a source id that is not empty", system="assembly", operation=base)
    return address(f"{base}/upsert", key)
