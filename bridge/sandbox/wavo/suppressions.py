"""Suppression lists: they can be added to, and never read or taken back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.messages import Answer, Call, Refusal
from bridge.sandbox.routing import Operation
from bridge.sandbox.wavo.records import DOMAINS, EMAILS, many

if TYPE_CHECKING:
    from bridge.sandbox.wavo.system import Wavo

_ADDED = {201: many({"type": "string"})}


class Suppressions:
    def __init__(self, wavo: Wavo) -> None:
        self.wavo = wavo

    def operations(self) -> Iterable[Operation]:
        path, source = "/suppressions", 'wavo.txt, "Add new {} address to suppression list"'
        return (
            Operation(
                "suppressions.emails",
                "POST",
                f"{path}/emails",
                self.emails,
                source.format("email"),
                (),
                EMAILS,
                _ADDED,
                "suppressions",
            ),
            Operation(
                "suppressions.domains",
                "POST",
                f"{path}/domains",
                self.domains,
                source.format("domain"),
                (),
                DOMAINS,
                _ADDED,
                "suppressions",
            ),
        )

    def emails(self, call: Call) -> Answer:
        return self._add(call, "email", call.body["emails"])

    def domains(self, call: Call) -> Answer:
        return self._add(call, "domain", call.body["domains"])

    def _add(self, call: Call, kind: str, values: list[str]) -> Answer:
        """ "Any contacts matching these emails, will be set as unsubscribed." """
        client_id = call.body["client_id"]
        if self.wavo.db["clients"].get(client_id) is None:
            raise Refusal(400, "The selected client id is invalid.")
        for value in values:
            self.wavo.create("suppressions", {"client_id": client_id, "kind": kind, "value": value.casefold()})
        stopped = Suppressed(self.wavo, client_id)
        for campaign in self.wavo.db["campaigns"].many("client", client_id):
            for contact in self.wavo.db["contacts"].many("campaign", campaign["id"]):
                if stopped.covers(contact["email"]):
                    self.wavo.store("contacts", contact, {**contact, "status": "UNSUBSCRIBED"})
        return self.wavo.told(201, {"data": values})


class Suppressed:
    """What a client's suppression list holds now."""

    def __init__(self, wavo: Wavo, client_id: str) -> None:
        self._listed = {(row["kind"], row["value"]) for row in wavo.db["suppressions"].many("client", client_id)}

    def covers(self, email: str) -> bool:
        address = email.casefold()
        return ("email", address) in self._listed or ("domain", address.rpartition("@")[2]) in self._listed
