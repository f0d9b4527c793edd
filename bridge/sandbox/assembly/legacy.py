"""The older dialect: source ids in the path, ``added_*`` lists, customers as accounts; no upsert, contacts, deals or notes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.assembly import parts
from bridge.sandbox.assembly.accounts import BOTH, select
from bridge.sandbox.assembly.labels import Labels
from bridge.sandbox.assembly.properties import ItemProperties
from bridge.sandbox.assembly.records import (
    DELETED_NAMES,
    LEGACY_CHANGE,
    LEGACY_LOG_CHANGE,
    LEGACY_LOG_NEW,
    LEGACY_NEW,
    PROPERTIES,
)
from bridge.sandbox.assembly.usage import Logs
from bridge.sandbox.assembly.writing import blank, written
from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation

if TYPE_CHECKING:
    from bridge.sandbox.assembly.system import Assembly


def _text(heading: str) -> str:
    return f'assembly-legacy.txt, "{heading}"'


class Legacy:
    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self.logs = Logs(assembly, LEGACY_LOG_NEW, LEGACY_LOG_CHANGE)

    def operations(self) -> Iterable[Operation]:
        one, empty = {200: parts.ID_SCHEMA}, {200: parts.EMPTY_SCHEMA}
        account, props = "/accounts/{id}", "/accounts/add_props/{id}"
        yield Operation(
            "accounts.list",
            "GET",
            "/accounts",
            self.listing,
            _text("Get Accounts"),
            parts.PAGING,
            answers={200: parts.paged_schema("accounts")},
        )
        yield Operation(
            "accounts.get",
            "GET",
            account,
            self.get,
            _text("Get Accounts"),
            answers={200: parts.object_schema("account")},
        )
        yield Operation(
            "accounts.create", "POST", "/accounts", self.create, _text("Create Account"), (), LEGACY_NEW, one
        )
        yield Operation("accounts.update", "PUT", account, self.update, _text("Update Account"), (), LEGACY_CHANGE, one)
        yield Operation("accounts.delete", "DELETE", account, self.delete, _text("Delete Account"), answers=empty)
        properties = ItemProperties(self.assembly, BOTH, source_in_path=True)
        yield Operation(
            "add_props.create",
            "POST",
            props,
            properties.create,
            _text("Create Additional Properties"),
            (),
            PROPERTIES,
            one,
        )
        yield Operation("add_props.get", "GET", props, properties.get, _text("Get Additional Properties"))
        yield Operation(
            "add_props.update",
            "PUT",
            props,
            properties.update,
            _text("Update Additional Properties"),
            (),
            PROPERTIES,
            one,
        )
        yield Operation(
            "add_props.delete",
            "DELETE",
            props,
            properties.delete,
            _text("Delete Additional Property"),
            (),
            DELETED_NAMES,
            empty,
        )
        yield from Labels(self.assembly, text="assembly-legacy.txt").operations()
        yield from self._usage()

    def _usage(self) -> Iterable[Operation]:
        one, paged = {200: parts.ID_SCHEMA}, {200: parts.paged_schema("logs")}
        # POST and GET take an account after the slash, PUT and DELETE a log.
        yield Operation("usage.create", "POST", "/usage", self.add_log, _text("Add Usage Log"), (), LEGACY_LOG_NEW, one)
        yield Operation(
            "usage.create", "POST", "/usage/{log_id}", self.add_log, _text("Add Usage Log"), (), LEGACY_LOG_NEW, one
        )
        yield Operation(
            "usage.list", "GET", "/usage", self.list_logs, _text("Get Usage Logs"), parts.PAGING, answers=paged
        )
        yield Operation(
            "usage.list", "GET", "/usage/{log_id}", self.list_logs, _text("Get Usage Logs"), parts.PAGING, answers=paged
        )
        yield Operation(
            "usage.update",
            "PUT",
            "/usage/{log_id}",
            self.logs.update,
            _text("Update Usage Log"),
            (),
            LEGACY_LOG_CHANGE,
            one,
        )
        yield Operation(
            "usage.delete",
            "DELETE",
            "/usage/{log_id}",
            self.logs.delete,
            _text("Delete Usage Log"),
            answers={200: parts.EMPTY_SCHEMA},
        )

    def _named(self, name: str, *, reads: bool = False) -> tuple[str, Row]:
        """By Assembly id, domain, or source id, all in the path."""
        database = self.assembly.seen if reads else self.assembly.db
        found = self.assembly.by_name(database, BOTH, name) or self.assembly.by_source(database, BOTH, name)
        if found is None:
            raise Refusal(404, "account not found")
        return found

    def listing(self, call: Call) -> Answer:
        """Pages only: ``source_specific_id``, ``name`` and ``updated_after`` are another dialect's and pass unseen."""
        offset, limit = parts.window(self.assembly, call)
        rows, more = select(self.assembly, offset, limit)
        return parts.page(
            self.assembly, "accounts", [self.assembly.show(*one) for one in rows], offset=offset, more=more
        )

    def get(self, call: Call) -> Answer:
        return Answer(200, {"account": self.assembly.show(*self._named(call.params["id"], reads=True))})

    def create(self, call: Call) -> Answer:
        object = "accounts" if call.body["type"] == "Company" else "contacts"
        row = written(self.assembly, object, blank(self.assembly, object), call.body)
        return Answer(200, {"id": self.assembly.create(object, row | self._company(object, call.body))["id"]})

    def _company(self, object: str, body: Row) -> Row:
        """ "Assembly ID of the company account to attach the customer to" """
        if body.get("company_id") is None:
            return {}
        if object == "accounts":
            raise Refusal(400, "company_id is not supported for Company accounts")
        company = self.assembly.company({"company_id": body["company_id"]})
        return {"company_id": company["id"]} if company is not None else {}

    def update(self, call: Call) -> Answer:
        """ "any of the account fields except the additional_properties"; ``added_*`` where the current dialect has bare names."""
        object, old = self._named(call.params["id"])
        new = written(self.assembly, object, old, call.body, added="added_") | self._company(object, call.body)
        self.assembly.store(object, old, self.assembly.touched(object, new))
        return Answer(200, {"id": old["id"]})

    def delete(self, call: Call) -> Answer:
        self.assembly.discard(*self._named(call.params["id"]))
        return Answer(200, {})

    def add_log(self, call: Call) -> Answer:
        name = call.params.get("log_id")
        return self.logs.create(call, None if name is None else self._named(name)[1]["id"])

    def list_logs(self, call: Call) -> Answer:
        name = call.params.get("log_id")
        account_id = None if name is None else self._named(name, reads=True)[1]["id"]
        return self.logs.listing(call, account_id, after=None)
