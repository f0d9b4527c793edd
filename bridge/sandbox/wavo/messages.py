"""Replies of a campaign or a contact, and email threads. All are made by people: the API only shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.messages import Answer, Call
from bridge.sandbox.routing import Operation, Parameter
from bridge.sandbox.wavo.parts import paging
from bridge.sandbox.wavo.records import MESSAGE, THREAD, data, many

if TYPE_CHECKING:
    from bridge.sandbox.wavo.system import Wavo


class Messages:
    def __init__(self, wavo: Wavo) -> None:
        self.wavo = wavo

    def operations(self) -> Iterable[Operation]:
        pages = (
            Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 20}),
            Parameter("offset", {"type": "integer", "minimum": 0}),
        )
        return (
            Operation(
                "replies.of_campaign",
                "GET",
                "/campaigns/{id}/replies",
                self.of_campaign,
                'wavo.txt, "Display a listing of a campaign\'s replies."',
                pages,
                answers={200: many(MESSAGE)},
                group="replies",
            ),
            Operation(
                "replies.of_contact",
                "GET",
                "/contacts/{id}/replies",
                self.of_contact,
                'wavo.txt, "Display a listing of a contact\'s replies."',
                answers={200: many(MESSAGE)},
                group="replies",
            ),
            Operation(
                "threads.get",
                "GET",
                "/email-threads/{id}",
                self.thread,
                'wavo.txt, "Display an email thread."',
                answers={200: data(THREAD)},
                group="replies",
            ),
        )

    def of_campaign(self, call: Call) -> Answer:
        self.wavo.find("campaigns", call.params["id"], seen=True)
        offset, limit = paging(call, default=10, most=20)
        rows = self.wavo.seen["messages"].many("campaign", call.params["id"])[offset : offset + limit]
        return self.wavo.told(200, {"data": [self.wavo.show_message(row) for row in rows]})

    def of_contact(self, call: Call) -> Answer:
        self.wavo.find("contacts", call.params["id"], seen=True)
        rows = self.wavo.seen["messages"].many("contact", call.params["id"])
        return self.wavo.told(200, {"data": [self.wavo.show_message(row) for row in rows]})

    def thread(self, call: Call) -> Answer:
        row = self.wavo.find("threads", call.params["id"], seen=True)
        messages = [self.wavo.show_message(one) for one in self.wavo.seen["messages"].many("thread", row["id"])]
        shown = {name: row[name] for name in ("id", "campaign_id", "contact_id")}
        return self.wavo.told(200, {"data": {**shown, "email_messages": messages}})
