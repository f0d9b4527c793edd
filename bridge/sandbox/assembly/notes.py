"""Account notes: written under an idempotent key, never read back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.assembly import parts
from bridge.sandbox.assembly.records import NOTE
from bridge.sandbox.messages import Answer, Call, Refusal
from bridge.sandbox.routing import Operation

if TYPE_CHECKING:
    from bridge.sandbox.assembly.system import Assembly


class Notes:
    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly

    def operations(self) -> Iterable[Operation]:
        return (
            Operation(
                "notes.create",
                "POST",
                "/accounts/create_note",
                self.create,
                'assembly.txt, "Create Account Note"',
                (),
                NOTE,
                {200: parts.ID_SCHEMA},
            ),
        )

    def create(self, call: Call) -> Answer:
        body = call.body
        if body.get("participants") is None and self.assembly.switches.participants_required:
            raise Refusal(400, "missing required field: participants")
        # "domain does not correspond to an existing company account"
        company = self.assembly.db["accounts"].one("domain", body["domain"].casefold())
        if company is None:
            raise Refusal(412, "domain does not correspond to an existing company account")
        row = {name: body.get(name) for name in NOTE.fields if name not in ("domain", "participants")}
        # The text: metadata.meeting.participant_emails, an array of strings, "when provided".
        row |= {
            "company_id": company["id"],
            "metadata": {"meeting": {"participant_emails": body.get("participants") or []}},
        }
        old = self.assembly.db["notes"].one("key", (body["source"], body["source_specific_id"]))
        if old is None:
            return Answer(200, {"id": self.assembly.create("notes", row)["id"]})
        self.assembly.store("notes", old, self.assembly.touched("notes", {**old, **row}))
        return Answer(200, {"id": old["id"]})
