"""``/health/live`` and ``/health/ready``: open, so a status and nothing else."""

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
        """Webhooks can be stored: the database answers and the writer runs."""
        with anyio.move_on_after(PATIENCE_SECONDS):
            if receiver.alive and await anyio.to_thread.run_sync(_answers, bridge, abandon_on_cancel=True):
                return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unavailable"}, status_code=503)

    return routes


def _answers(bridge: Bridge) -> bool:
    try:
        bridge.store.ping()
    except Exception:
        return False
    return True
