"""Campaigns and the contacts in one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.messages import Answer, Call, Refusal
from bridge.sandbox.routing import Operation, Parameter
from bridge.sandbox.wavo.records import CAMPAIGN, CAMPAIGN_NEW, data, many

if TYPE_CHECKING:
    from bridge.sandbox.wavo.system import Wavo


class Campaigns:
    def __init__(self, wavo: Wavo) -> None:
        self.wavo = wavo

    def operations(self) -> Iterable[Operation]:
        client = (Parameter("client_id", {"type": "string"}),)
        listed, created = 'wavo.txt, "Display a listing of campaigns"', 'wavo.txt, "Create a new campaign"'
        return (
            Operation(
                "campaigns.list",
                "GET",
                "/campaigns",
                self.listing,
                listed,
                client,
                answers={200: many(CAMPAIGN)},
                group="campaigns",
            ),
            Operation(
                "campaigns.create",
                "POST",
                "/campaigns",
                self.create,
                created,
                (),
                CAMPAIGN_NEW,
                {201: data(CAMPAIGN)},
                "campaigns",
            ),
        )

    def listing(self, call: Call) -> Answer:
        """The text shows no paging. An unknown client has no campaigns."""
        table = self.wavo.seen["campaigns"]
        client_id = call.query.get("client_id")
        rows = table.many("client", client_id) if client_id else table
        return self.wavo.told(200, {"data": [self.wavo.show_campaign(row) for row in rows]})

    def create(self, call: Call) -> Answer:
        if self.wavo.db["clients"].get(call.body["client_id"]) is None:
            raise Refusal(400, "The selected client id is invalid.")
        row = self.wavo.create("campaigns", CAMPAIGN_NEW.only(call.body))
        return self.wavo.told(201, {"data": self.wavo.show_campaign(row)})
