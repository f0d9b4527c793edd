"""``/health/live`` and ``/health/ready``: open, so statuses and nothing else."""

from __future__ import annotations

import anyio
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from bridge.bootstrap import Bridge
from bridge.web.receiver import Receiver

PATIENCE_SECONDS = 3.0


def router(bridge: Bridge, receiver: Receiver) -> APIRouter:
    routes = APIRouter(prefix="/health", tags=["health"])

    @routes.get("/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @routes.get("/ready")
    async def ready() -> Response:
        """Webhooks can be stored: the database answers and the writer runs. Says whether a newer edit of the mappings is broken."""
        with anyio.move_on_after(PATIENCE_SECONDS):
            if receiver.alive and (said := await anyio.to_thread.run_sync(_ready, bridge, abandon_on_cancel=True)):
                return JSONResponse(said)
        return JSONResponse({"status": "unavailable"}, status_code=503)

    return routes


def _ready(bridge: Bridge) -> dict[str, str] | None:
    """``None`` if the database does not answer. Looks at files too: not for the event loop."""
    try:
        bridge.store.ping()
    except Exception:
        return None
    if any(wired.reading.problem is not None for wired in bridge.connections.values()):
        # Good all the same: the last good version runs, and a restart would find the broken one.
        return {"status": "ok", "mappings": "broken"}
    return {"status": "ok"}
