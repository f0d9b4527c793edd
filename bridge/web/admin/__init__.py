"""``/admin``: what a person sees and starts. Every module holds the routes of one resource."""

from __future__ import annotations

from fastapi import APIRouter

from bridge.bootstrap import Bridge
from bridge.web.admin import attention, backfills, changes, connections, events, holds, mappings, records, repairs


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter()
    for resource in (backfills, connections, changes, events, attention, holds, records, mappings, repairs):
        routes.include_router(resource.router(bridge))
    return routes
