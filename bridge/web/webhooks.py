"""``POST /webhooks/crm/{connection}``: stored before it is acknowledged (DESIGN §11 lists the answers)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from bridge.bootstrap import Bridge
from bridge.core.errors import UsageError
from bridge.sync.intake import Arrival, arrive, verify
from bridge.web.problems import Problem
from bridge.web.receiver import Receiver, Unavailable

BODY_SECONDS: Final = 30
"""A sender that dribbles its body longer than this is let go."""


STORED: Final = Response(status_code=202)


class BareRoute(APIRoute):
    """Described like every other route, but its endpoint is called with the path's words and the request and nothing more: what FastAPI
    does around an endpoint takes longer than everything that an event needs. Errors become problem documents all the same."""

    def __init__(self, path: str, endpoint: Any, **more: Any) -> None:
        super().__init__(path, endpoint, **more)
        self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.endpoint(**scope["path_params"], request=Request(scope, receive))
        await response(scope, receive, send)


def add_to(routes: APIRouter, bridge: Bridge, receiver: Receiver) -> None:
    settings = bridge.settings

    async def receive(connection: str, request: Request) -> Response:
        """Store a CRM event. 202 also for a duplicate, an unknown type and a paused connection."""
        wired = bridge.connections.get(connection)
        if wired is None or not wired.settings.takes_webhooks:
            raise UsageError("no such connection, or it has no webhook secret", status=404)
        body = await _read(request, settings.webhook_max_bytes)
        arrival = _arrival(bridge, connection, request, body)
        try:
            await receiver.receive(arrival)
        except Unavailable as reason:
            return Problem(503, str(reason), headers={"Retry-After": "5"})
        return STORED

    routes.add_api_route(
        "/webhooks/crm/{connection}",
        receive,
        methods=["POST"],
        status_code=202,
        tags=["webhooks"],
        route_class_override=BareRoute,
    )


async def _read(request: Request, most: int) -> bytes:
    """Raises ``UsageError``: 413 before reading more than ``most`` bytes, 408 for a slow and 400 for a broken body."""
    declared = request.headers.get("content-length", "")
    too_large = UsageError(f"the body may have {most} bytes", status=413)
    if declared.isascii() and declared.isdigit() and int(declared) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise too_large
    except ClientDisconnect:
        raise UsageError("the body ended early") from None
    except TimeoutError:
        raise UsageError("the body takes too long", status=408) from None
    return bytes(body)


def _arrival(bridge: Bridge, connection: str, request: Request, body: bytes) -> Arrival:
    wired = bridge.connections[connection]
    delivery = verify(
        request.headers.raw,
        body,
        [secret.get_secret_value() for secret in wired.settings.crm_webhook_secret],
        now=bridge.clock.now(),
        tolerance_seconds=bridge.settings.webhook_tolerance_seconds,
    )
    return arrive(
        delivery, wired.webhooks, wired.mappings, connection=connection, entity_id=wired.settings.crm_entity_id
    )
