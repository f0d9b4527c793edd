"""Assembly's legacy dialect as the engine sees it: companies, customers as contacts, usage logs.

No upsert: a create is a POST that carries its join key, and after a lost answer the key is looked up before anything is
repeated. Additional properties have calls of their own, also in an update.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from bridge.clients.assembly import AccountType, LegacyClient
from bridge.connectors import assembly_labels, assembly_records, assembly_steps, assembly_usage
from bridge.connectors.kept import Kept
from bridge.connectors.listings import Listings
from bridge.connectors.options import AssemblyOptions
from bridge.connectors.raw import record
from bridge.core.errors import BrokenRemote, NotThere, ParentNotThere, Rejected
from bridge.core.ports import Page, Traits
from bridge.core.records import Json, Lane, Patch, Record, Ref, Sent, Step, Table
from bridge.transport import Raw, Reply, Rows

SYSTEM = assembly_steps.SYSTEM
TABLES_KEPT = 60.0
KINDS: Mapping[str, AccountType] = {"accounts": "Company", "contacts": "Customer"}


class LegacyConnector:
    """One organisation. Shared by threads."""

    system = SYSTEM
    lacks = (
        "the legacy dialect has no deals and no notes: streams on them cannot run",
        "the legacy dialect cannot list what changed since a time: every poll reads the full list of accounts",
        "the legacy dialect has no upsert: a create whose answer was lost is looked up before it is repeated",
    )
    """What a person should know before choosing this dialect."""

    def __init__(self, client: LegacyClient, options: AssemblyOptions | None = None) -> None:
        self._client = client
        self._options = options or AssemblyOptions()
        self._tables = Kept(lambda: assembly_labels.tables(client.labels), TABLES_KEPT)
        self._listings = Listings()

    def traits(self, object: str) -> Traits:
        match object:
            case "accounts" | "contacts":
                return Traits(join_keys=True, clears_with_null=self._options.clears_with_null)
            case "usage":
                return assembly_steps.traits(object, clears_with_null=self._options.clears_with_null)
        return Traits(readable=False, creatable=False, updatable=False, deletable=False)

    def probe(self) -> None:
        """The cheapest read that needs the key. Raises ``RemoteError``."""
        self._client.accounts.list(limit=1)

    # --- reading -------------------------------------------------------------------------------------------------

    def get(self, ref: Ref, *, lane: Lane = "live") -> Record | None:
        found = self._get(ref.object, ref.id, lane)
        if found is not None and found.ref.id != ref.id:
            raise BrokenRemote(f"Assembly answered another one of {ref.object} than it was asked for", system=SYSTEM)
        return found

    def find_by_key(self, object: str, key: str, *, lane: Lane = "live") -> Record | None:
        """The path takes a domain or an id as well (TRAPS 1): what does not carry the key was found by another name."""
        found = self._get(object, key, lane)
        return found if found is not None and key in self.join_keys(found) else None

    def find(self, object: str, path: str, value: str, *, lane: Lane = "live") -> tuple[Record, ...]:
        if path == "domain" and object in KINDS:
            if (object == "contacts") != ("@" in value) or "." not in value:
                return ()
            found = self._get(object, value, lane)
            return () if found is None else (found,)
        if object not in KINDS:
            return ()
        return self._listings.find((object, lane), lambda: self.pages(object, lane=lane), path, value)

    def children(self, object: str, parent: Ref, *, lane: Lane = "live") -> Iterator[Page]:
        """Customers of a company, where customers show theirs: all are listed, there is no other way."""
        if (object, parent.object) != ("contacts", "accounts"):
            return
        for page in self.pages(object, lane=lane):
            yield Page(tuple(one for one in page.records if one.raw.get("company_id") == parent.id), page.server_date)

    def pages(self, object: str, *, updated_after: datetime | None = None, lane: Lane = "live") -> Iterator[Page]:  # noqa: ARG002
        """Always the full listing: the dialect ignores ``updated_after``."""
        if object not in KINDS:
            raise Rejected(f"Assembly's legacy dialect cannot list {object}", system=SYSTEM, operation="list")
        rows = self._client.accounts.pages(limit=self._options.page_size, lane=lane)
        if object == "accounts":
            rows = assembly_records.companies(rows, self._options)
        return self._hand_on(object, rows)

    def join_keys(self, record: Record) -> tuple[str, ...]:
        return assembly_records.join_keys(record.raw)

    def tables(self, *, fresh: bool = False) -> Mapping[str, Table]:
        return self._tables.get(since=time.monotonic() if fresh else None)

    def clock_offset(self) -> timedelta | None:
        return self._client.http.clock.offset()

    def _get(self, object: str, key: str, lane: Lane) -> Record | None:
        if object not in KINDS:
            raise Rejected(f"Assembly's legacy dialect cannot read {object}", system=SYSTEM, operation="get")
        try:
            reply = self._client.accounts.get(key, lane=lane)
            raw = dict(reply.value)
            if not _is(object, raw):
                return None
            if assembly_records.properties(raw) is None:
                shown = self._client.properties.get(str(raw.get("id", "")), lane=lane).value
                raw["additional_properties"] = assembly_records.as_map(shown.get("additional_properties"))
        except NotThere:
            return None
        return self._record(object, raw, reply.server_date)

    def _record(self, object: str, raw: Mapping[str, Json], read_at: datetime | None) -> Record:
        normal = assembly_records.normal(object, raw, self._options)
        return record(SYSTEM, object, normal, self._options.updated_at, read_at)

    def _hand_on(self, object: str, pages: Iterable[Rows[Raw]]) -> Iterator[Page]:
        for rows in pages:
            mine = (row for row in rows.items if _is(object, row))
            yield Page(tuple(self._record(object, row, rows.server_date) for row in mine), rows.server_date)

    # --- writing -------------------------------------------------------------------------------------------------

    def steps(self, verb: str, patch: Patch) -> tuple[Step, ...]:
        if patch.object == "usage" and verb != "delete":
            return (assembly_usage.create_step(patch),)
        if patch.object not in KINDS:
            raise Rejected(f"Assembly's legacy dialect has no {patch.object}", system=SYSTEM, operation=verb)
        planned = assembly_steps.steps(verb, patch, note_source="")
        return tuple(part for step in planned for part in _in_dialect(step))

    def send(self, step: Step, *, lane: Lane = "live") -> Sent:
        if step.verb == "label":
            made = assembly_labels.create(self._client.labels, step.payload, lane)
            self._tables.forget()
            return made
        if step.verb == "create":
            return self._create(step, lane)
        if step.record_id is None:
            raise Rejected(f"{step.verb} needs an id", system=SYSTEM, operation=step.verb)
        reply: Reply[str] | Reply[None]
        match step.verb:
            case "update" | "bind":
                reply = self._client.accounts.update(step.record_id, step.payload["body"], lane=lane)
            case "set_properties":
                reply = self._client.properties.update(step.record_id, step.payload["properties"], lane=lane)
            case "remove_properties":
                reply = self._client.properties.delete(step.record_id, step.payload["properties"], lane=lane)
            case "delete":
                reply = self._client.accounts.delete(step.record_id, lane=lane)
            case _:
                raise Rejected(f"Assembly cannot {step.verb} {step.object}", system=SYSTEM, operation=step.verb)
        return Sent(answered_at=reply.server_date)

    def _create(self, step: Step, lane: Lane) -> Sent:
        body = dict(step.payload["body"])
        if step.object == "usage":
            return self._log(str(step.payload["on"]), str(step.payload["key"]), body, lane)
        name, domain = body.pop("name"), body.pop("domain")
        try:
            reply = self._client.accounts.create(KINDS[step.object], name, domain, body, lane=lane)
        except NotThere as error:
            raise ParentNotThere(str(error), system=SYSTEM, operation=error.operation, status=error.status) from None
        return Sent(reply.value, answered_at=reply.server_date)

    def _log(self, account: str, key: str, body: dict[str, Json], lane: Lane) -> Sent:
        def add(log: dict[str, Json]) -> Reply[str]:
            return self._client.usage.add(
                log["type"],
                log["timestamp"],
                log["content"],
                attribute=log.get("attribute"),
                metadata=log["metadata"],
                account=account,
                lane=lane,
            )

        usage = self._client.usage
        logs = assembly_usage.Logs(
            lambda: usage.pages(account, lane=lane), add, lambda log, fields: usage.update(log, fields, lane=lane)
        )
        return assembly_usage.put(logs, key, body)


def _is(object: str, raw: Mapping[str, Json]) -> bool:
    return assembly_records.account_type(raw) == KINDS[object].casefold()


def _in_dialect(step: Step) -> tuple[Step, ...]:
    """The current dialect's step in this one's words: POST for the upsert, ``added_*``, properties by themselves."""
    if "body" not in step.payload:
        return (step,)
    body = dict(step.payload["body"])
    if step.verb == "create":
        body.pop("type", None)
        if step.payload["key"] is not None:
            body["source_specific_ids"] = [step.payload["key"]]
        return (dataclasses.replace(step, payload={"body": body}),)
    properties = body.pop(assembly_steps.PROPERTIES, None)
    for name in ("tags", "source_specific_ids"):
        if name in body:
            body[f"added_{name}"] = body.pop(name)
    apart = {path: value for path, value in step.values.items() if assembly_steps.property_name(path) is not None}
    rest = {path: value for path, value in step.values.items() if path not in apart}
    found = (dataclasses.replace(step, payload={"body": body}, values=rest),) if body else ()
    if properties is None:
        return found
    return (*found, dataclasses.replace(step, verb="set_properties", payload={"properties": properties}, values=apart))
