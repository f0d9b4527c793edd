"""``POST /webhooks/crm/{connection}``: stored before it is acknowledged (DESIGN §11 lists the answers)."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from bridge.bootstrap import Bridge
from bridge.core.errors import UsageError
from bridge.sync.intake import Arrival, arrive, verify
from bridge.web.problems import Problem
from bridge.web.receiver import Receiver, Unavailable

BODY_SECONDS: Final = 30
"""A sender that dribbles its body longer than this is let go."""


def router(bridge: Bridge, receiver: Receiver) -> APIRouter:
    routes = APIRouter(tags=["webhooks"])
    settings = bridge.settings

    @routes.post("/webhooks/crm/{connection}", status_code=202)
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
        return Response(status_code=202)

    return routes


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
