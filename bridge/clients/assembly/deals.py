"""Deals: a deal hangs on a company account that has a source id (TRAPS 8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bridge.clients.assembly.addressing import Address, Key, address
from bridge.clients.assembly.calls import PAGE, Fields, instant, one, page, pages, read, write
from bridge.core.records import Lane
from bridge.transport import Http, Query, Raw, Reply, Rows


class Deals:
    def __init__(self, http: Http) -> None:
        self._http = http

    def create(
        self, name: str, account_source_specific_id: str, fields: Fields | None = None, *, lane: Lane = "live"
    ) -> Reply[str]:
        """``POST /deals``."""
        answer = write(self._http, "POST", Address("/deals"), lane, _body(name, account_source_specific_id, fields))
        return answer.reply(answer.id("deal"))

    def get(self, key: Key, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /deals/{id}``, or ``GET /deals?source_specific_id=``; never both, which wins is open (TRAPS 2)."""
        answer = read(self._http, address("/deals", key), lane)
        return answer.reply(one(answer, "deal", "deals"))

    def list(
        self,
        *,
        account_source_specific_id: str | None = None,
        updated_after: datetime | None = None,
        limit: int = PAGE,
        offset: int = 0,
        lane: Lane = "live",
    ) -> Reply[Rows[Raw]]:
        """``GET /deals``: one page, newest first, with no word on whether there are more (TRAPS 19)."""
        query: Query = {
            "account_source_specific_id": account_source_specific_id,
            "updated_after": instant(updated_after),
            "limit": limit,
            "offset": offset,
        }
        answer = read(self._http, Address("/deals"), lane, query)
        return answer.reply(page(answer, "deal", "deals"))

    def pages(
        self,
        *,
        account_source_specific_id: str | None = None,
        updated_after: datetime | None = None,
        limit: int = PAGE,
        lane: Lane = "live",
    ) -> Iterator[Rows[Raw]]:
        """``GET /deals``, all pages, of the organisation or of one company account."""
        query: Query = {
            "account_source_specific_id": account_source_specific_id,
            "updated_after": instant(updated_after),
        }
        return pages(self._http, Address("/deals"), "deal", "deals", query=query, limit=limit, lane=lane)

    def update(self, key: Key, fields: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``PUT /deals/{id}``, or ``PUT /deals?source_specific_id=``: only what is given."""
        answer = write(self._http, "PUT", address("/deals", key), lane, dict(fields))
        return answer.reply(answer.id("deal"))

    def upsert(
        self,
        name: str,
        account_source_specific_id: str,
        source_specific_ids: Sequence[str] = (),
        fields: Fields | None = None,
        *,
        deal_id: str | None = None,
        lane: Lane = "live",
    ) -> Reply[str]:
        """``PUT /deals/upsert``, or ``PUT /deals/upsert/{id}``: the source id goes in the body here (TRAPS 3)."""
        at = Address("/deals/upsert") if deal_id is None else address("/deals/upsert", deal_id)
        body = _body(name, account_source_specific_id, fields)
        if source_specific_ids:
            body["source_specific_ids"] = list(source_specific_ids)
        answer = write(self._http, "PUT", at, lane, body)
        return answer.reply(answer.id("deal"))

    def delete(self, key: Key, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /deals/{id}``, or ``DELETE /deals?source_specific_id=``: answers the id (TRAPS 14)."""
        return write(self._http, "DELETE", address("/deals", key), lane).reply(None)


def _body(name: str, account_source_specific_id: str, fields: Fields | None) -> Raw:
    return {**(fields or {}), "name": name, "account_source_specific_id": account_source_specific_id}
