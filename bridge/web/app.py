"""The HTTP application (DESIGN §11): webhooks and health open, everything else behind the admin token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from bridge.bootstrap import Bridge
from bridge.web import admin, health, metrics, problems, reference, webhooks
from bridge.web.auth import Gate
from bridge.web.receiver import Receiver


def create_app(bridge: Bridge) -> FastAPI:
    """``bridge`` stays the caller's: closing the application stops the receiver only."""
    receiver = Receiver(bridge.store, bridge.doorbell)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        receiver.close()

    app = FastAPI(
        title="bridge", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=lifespan
    )
    problems.install(app)
    app.add_middleware(Gate, settings=bridge.settings)
    # The gate decides; this only tells the API's description about the token.
    guarded = [Depends(HTTPBearer(auto_error=False, description="BRIDGE_ADMIN_TOKEN"))]
    webhooks.add_to(app.router, bridge, receiver)
    app.include_router(health.router(bridge, receiver))
    app.include_router(admin.router(bridge), prefix="/admin", dependencies=guarded)
    app.include_router(metrics.router(bridge), dependencies=guarded)
    app.include_router(reference.router(app), dependencies=guarded)
    return app
