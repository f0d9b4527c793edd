"""Clients of an agency, and the users of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.sandbox.messages import Answer, Call, Refusal, Row
from bridge.sandbox.routing import Operation, Parameter
from bridge.sandbox.wavo.records import CLIENT, CLIENT_NEW, MESSAGE_TOLD, ROLES, USER, USERS, data, many

if TYPE_CHECKING:
    from bridge.sandbox.wavo.system import Wavo


class Clients:
    def __init__(self, wavo: Wavo) -> None:
        self.wavo = wavo

    def operations(self) -> Iterable[Operation]:
        users, email = (
            "/clients/{id}/users",
            (Parameter("email", {"type": "string", "format": "email"}, required=True),),
        )
        told = {200: MESSAGE_TOLD}
        return (
            Operation(
                "clients.list",
                "GET",
                "/clients",
                self.listing,
                'wavo.txt, "Display a user\'s accessible clients"',
                answers={200: many(CLIENT)},
                group="clients",
            ),
            Operation(
                "clients.create",
                "POST",
                "/clients",
                self.create,
                'wavo.txt, "Create a new client"',
                (),
                CLIENT_NEW,
                {201: data(CLIENT)},
                "clients",
            ),
            Operation(
                "users.list",
                "GET",
                users,
                self.users,
                'wavo.txt, "Display a client\'s users"',
                answers={200: data(USERS)},
                group="clients",
            ),
            Operation(
                "users.create",
                "POST",
                users,
                self.invite,
                'wavo.txt, "Add a new client user"',
                (),
                USER,
                told,
                "clients",
            ),
            Operation(
                "users.update", "PUT", users, self.change, 'wavo.txt, "Update a client user"', (), USER, told, "clients"
            ),
            Operation(
                "users.delete",
                "DELETE",
                users,
                self.remove,
                'wavo.txt, "Delete a client user"',
                email,
                answers={204: None},
                group="clients",
            ),
        )

    def listing(self, call: Call) -> Answer:
        del call
        return self.wavo.told(200, {"data": [self.wavo.show_client(row["id"]) for row in self.wavo.seen["clients"]]})

    def create(self, call: Call) -> Answer:
        row = self.wavo.create("clients", CLIENT_NEW.only(call.body))
        return self.wavo.told(201, {"data": self.wavo.show_client(row["id"])})

    def users(self, call: Call) -> Answer:
        """Active users, who have a name, and pending invitations, who have none yet."""
        self.wavo.find("clients", call.params["id"], seen=True)
        held = self.wavo.seen["users"].many("client", call.params["id"])
        shown: Row = {
            "users": [
                {name: row[name] for name in ("name", "email", "created_at", "roles")}
                for row in held
                if not row["invited"]
            ],
            "invitations": [
                {name: row[name] for name in ("email", "created_at", "roles")} for row in held if row["invited"]
            ],
        }
        return self.wavo.told(200, {"data": shown})

    def invite(self, call: Call) -> Answer:
        """200 with a message, where the other creates answer 201 with the record."""
        self.wavo.find("clients", call.params["id"])
        email = call.body["email"]
        if self._held(call.params["id"], email) is not None:
            raise Refusal(400, "The email has already been taken.")
        roles = [shown for asked, shown in ROLES.items() if call.body.get(asked)]
        self.wavo.create("users", {"client_id": call.params["id"], "email": email, "roles": roles})
        return self.wavo.told(200, {"message": f"An invitation was sent to {email}"})

    def change(self, call: Call) -> Answer:
        """ "Can update roles of active users or user invitations." Roles that are not named stay."""
        self.wavo.find("clients", call.params["id"])
        old = self._required(call.params["id"], call.body["email"])
        roles = [
            shown
            for asked, shown in ROLES.items()
            if (call.body[asked] if call.body.get(asked) is not None else shown in old["roles"])
        ]
        self.wavo.store("users", old, {**old, "roles": roles})
        return self.wavo.told(200, {"message": "Success. Updated user roles."})

    def remove(self, call: Call) -> Answer:
        """204; the text's ``{}`` cannot go with it, as HTTP gives a 204 no body."""
        self.wavo.find("clients", call.params["id"])
        email = call.query.get("email")
        if not email:
            raise Refusal(400, "The email field is required.")
        self.wavo.discard("users", self._required(call.params["id"], email))
        return Answer(204)

    def _held(self, client_id: str, email: str) -> Row | None:
        rows = self.wavo.db["users"].many("client", client_id)
        return next((row for row in rows if row["email"].casefold() == email.casefold()), None)

    def _required(self, client_id: str, email: str) -> Row:
        row = self._held(client_id, email)
        if row is None:
            raise Refusal(404, "Not found.")
        return row
