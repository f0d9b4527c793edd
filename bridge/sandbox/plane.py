"""The control plane under ``/_sandbox/…``: what no remote offers and every test needs.

Guarded by the header ``X-Sandbox-Token``; outside the rate limit, the faults and the statistics. ``control.Control`` is its client.
"""

from __future__ import annotations

import dataclasses
import hmac
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from bridge.sandbox.messages import Answer, Refusal, Request, Row

if TYPE_CHECKING:
    from bridge.sandbox.app import App


class Plane:
    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._token = token.encode()
        self._routes: dict[tuple[str, str], Callable[[Request], object]] = {
            ("GET", "health"): self._health,
            ("GET", "stats"): lambda _: app.stats.show() | {"webhooks": app.webhooks.show()},
            ("GET", "openapi"): lambda _: app.openapi(),
            ("GET", "switches"): self._switches,
            ("PATCH", "switches"): self._change_switches,
            ("GET", "faults"): lambda _: {"faults": app.faults.show()},
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "reset"): self._reset,
            ("POST", "seed"): self._seed,
            ("GET", "dump"): self._dump,
            ("POST", "edit"): self._edit,
            ("PUT", "webhooks"): self._webhooks,
        }

    async def answer(self, request: Request) -> Answer:
        try:
            given = request.headers.get("x-sandbox-token", "").encode()
            if not hmac.compare_digest(given, self._token):
                raise Refusal(401, "wrong or missing X-Sandbox-Token")
            route = self._routes.get((request.method, "/".join(request.segments[1:])))
            if route is None:
                raise Refusal(404, "no such place in the control plane")
            return Answer(200, route(request))
        except Refusal as refusal:
            return Answer(refusal.status, {"error": refusal.message})
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            # A test's own slip (a missing name, a text for a number) should read as one.
            return Answer(400, {"error": f"{type(wrong).__name__}: {wrong}"})

    def _body(self, request: Request) -> Row:
        body = request.json()
        if not isinstance(body, dict):
            raise Refusal(400, "the body must be a JSON object")
        return body

    def _health(self, _request: Request) -> Row:
        tables = {name: len(table) for name, table in self._app.system.db.tables.items()}
        return {"system": self._app.system.name, "records": tables} | self._app.system.facts()

    def _switches(self, _request: Request) -> Row:
        return dataclasses.asdict(self._app.system.switches)

    def _change_switches(self, request: Request) -> Row:
        self._app.change_switches(self._body(request))
        return self._switches(request)

    def _add_fault(self, request: Request) -> Row:
        return {"id": self._app.faults.add(self._body(request)).id}

    def _clear_faults(self, request: Request) -> Row:
        fault_id = request.query.get("id")
        self._app.faults.clear(int(fault_id) if fault_id else None)
        return {}

    def _reset(self, _request: Request) -> Row:
        self._app.reset()
        return {}

    def _seed(self, request: Request) -> Row:
        return self._app.system.seed(self._body(request))

    def _dump(self, request: Request) -> Row:
        table = self._app.system.table(request.query.get("object", ""))
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 1000))
        return {"rows": list(islice(table.rows.values(), offset, offset + limit)), "total": len(table)}

    def _edit(self, request: Request) -> Row:
        """As a person in that system: no key, no limit, and only the system's own rules of what follows."""
        body = self._body(request)
        system = self._app.system
        match body.get("verb"):
            case "create":
                return system.create(body["object"], body.get("values", {}))
            case "patch":
                return system.patch(body["object"], body["id"], body.get("values", {}))
            case "delete":
                system.remove(body["object"], body["id"])
                return {}
            case verb:
                raise Refusal(400, f"a person can create, patch or delete, not {verb!r}")

    def _webhooks(self, request: Request) -> Row:
        self._app.webhooks.configure(self._body(request))
        return {}
