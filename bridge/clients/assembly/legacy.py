"""A typed client for every operation of Assembly's legacy dialect.

An account is named by its id, domain or source id, all in the path (TRAPS 1): whatever fits first is found, so a caller that
means a source id must look whether the answer carries it. Customers are accounts of their own type; there are no
contacts, deals, notes, search, upsert or ``updated_after``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.clients.assembly.accounts import AccountType
from bridge.clients.assembly.addressing import Address
from bridge.clients.assembly.calls import PAGE, Fields, one, page, pages, read, write
from bridge.clients.assembly.extras import Labels, LabelsPath
from bridge.core.errors import Rejected
from bridge.core.records import Lane
from bridge.transport import Http, Query, Raw, Reply, Rows

WORDS = frozenset({"labels", "add_props"})
"""Path segments that are resources of their own where an account's name could stand."""


class LegacyAccounts:
    def __init__(self, http: Http) -> None:
        self._http = http

    def create(
        self, type: AccountType, name: str, domain: str, fields: Fields | None = None, *, lane: Lane = "live"
    ) -> Reply[str]:
        """``POST /accounts``: a Customer may name its company in ``company_id``."""
        body = {**(fields or {}), "type": type, "name": name, "domain": domain}
        answer = write(self._http, "POST", Address("/accounts"), lane, body)
        return answer.reply(answer.id("account"))

    def list(self, *, limit: int = PAGE, offset: int = 0, lane: Lane = "live") -> Reply[Rows[Raw]]:
        """``GET /accounts``: one page, companies before customers, each by name."""
        query: Query = {"limit": limit, "offset": offset}
        answer = read(self._http, Address("/accounts"), lane, query)
        return answer.reply(page(answer, "account", "accounts"))

    def pages(self, *, limit: int = PAGE, lane: Lane = "live") -> Iterator[Rows[Raw]]:
        """``GET /accounts``, all pages."""
        return pages(self._http, Address("/accounts"), "account", "accounts", query={}, limit=limit, lane=lane)

    def get(self, key: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /accounts/{id}``."""
        answer = read(self._http, _account("/accounts", key), lane)
        return answer.reply(one(answer, "account", "accounts"))

    def update(self, key: str, fields: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``PUT /accounts/{id}``: ``added_tags`` and ``added_source_specific_ids``; other dialects' names are ignored in
        silence, and additional properties are not touched (TRAPS 10)."""
        answer = write(self._http, "PUT", _account("/accounts", key), lane, dict(fields))
        return answer.reply(answer.id("account"))

    def delete(self, key: str, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /accounts/{id}``."""
        return write(self._http, "DELETE", _account("/accounts", key), lane).reply(None)


class LegacyProperties:
    def __init__(self, http: Http) -> None:
        self._http = http

    def create(self, key: str, properties: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``POST /accounts/add_props/{id}``: refused if any of the names exists (TRAPS 10)."""
        answer = write(self._http, "POST", _account("/accounts/add_props", key), lane, dict(properties))
        return answer.reply(answer.id())

    def get(self, key: str, *, lane: Lane = "live") -> Reply[Raw]:
        """``GET /accounts/add_props/{id}``: ``{"id": …, "additional_properties": {…}}``."""
        answer = read(self._http, _account("/accounts/add_props", key), lane)
        return answer.reply(answer.record())

    def update(self, key: str, properties: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``PUT /accounts/add_props/{id}``: adds what is new, replaces what is there."""
        answer = write(self._http, "PUT", _account("/accounts/add_props", key), lane, dict(properties))
        return answer.reply(answer.id())

    def delete(self, key: str, names: Sequence[str], *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /accounts/add_props/{id}`` with the names in its body."""
        body = {"properties": list(names)}
        return write(self._http, "DELETE", _account("/accounts/add_props", key), lane, body).reply(None)


class LegacyUsage:
    """``POST`` and ``GET`` take an account after the slash, ``PUT`` and ``DELETE`` a log (TRAPS 16)."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def add(
        self,
        type: str,
        timestamp: str,
        content: str,
        *,
        attribute: str | None = None,
        metadata: Fields | None = None,
        account: str | None = None,
        lane: Lane = "live",
    ) -> Reply[str]:
        """``POST /usage``, or ``POST /usage/{account}``: the types shown are ``Action`` and ``Message``."""
        body: Raw = {"type": type, "timestamp": timestamp, "content": content}
        extra = {"attribute": attribute, "metadata": None if metadata is None else dict(metadata)}
        body |= {name: given for name, given in extra.items() if given is not None}
        answer = write(self._http, "POST", _logs(account), lane, body)
        return answer.reply(answer.id("log"))

    def list(
        self, account: str | None = None, *, limit: int = PAGE, offset: int = 0, lane: Lane = "live"
    ) -> Reply[Rows[Raw]]:
        """``GET /usage``, or ``GET /usage/{account}``: one page, newest first."""
        query: Query = {"limit": limit, "offset": offset}
        answer = read(self._http, _logs(account), lane, query)
        return answer.reply(page(answer, "log", "logs"))

    def pages(self, account: str | None = None, *, limit: int = PAGE, lane: Lane = "live") -> Iterator[Rows[Raw]]:
        """``GET /usage``, or ``GET /usage/{account}``, all pages."""
        return pages(self._http, _logs(account), "log", "logs", query={}, limit=limit, lane=lane)

    def update(self, log_id: str, fields: Fields, *, lane: Lane = "live") -> Reply[str]:
        """``PUT /usage/{log}``: ``metadata`` is replaced as a whole."""
        answer = write(self._http, "PUT", Address("/usage/{log}", {"log": log_id}), lane, dict(fields))
        return answer.reply(answer.id("log"))

    def delete(self, log_id: str, *, lane: Lane = "live") -> Reply[None]:
        """``DELETE /usage/{log}``."""
        return write(self._http, "DELETE", Address("/usage/{log}", {"log": log_id}), lane).reply(None)


class LegacyClient:
    """One organisation. Shared by threads. Labels are the current dialect's, without ``updated_after``."""

    def __init__(self, http: Http, labels_path: LabelsPath = "/accounts/labels") -> None:
        self.http = http
        self.accounts = LegacyAccounts(http)
        self.properties = LegacyProperties(http)
        self.labels = Labels(http, labels_path)
        self.usage = LegacyUsage(http)


def _account(base: str, key: str) -> Address:
    if key.casefold() in WORDS:
        raise Rejected(f"{base} has no account of that name", system="assembly", operation=base)
    return Address(f"{base}/{{id}}", {"id": key})


def _logs(account: str | None) -> Address:
    return Address("/usage") if account is None else Address("/usage/{account}", {"account": account})
