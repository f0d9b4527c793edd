"""The gate before the application: closed by default, opened by the admin token."""

from __future__ import annotations

import hmac
from typing import Final

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.settings import Settings
from bridge.web.problems import Problem

OPEN: Final = ("/health/live", "/health/ready", "/webhooks/")
MOST_BODY_BYTES: Final = 1024 * 1024
TOO_LARGE: Final = f"the body may have {MOST_BODY_BYTES} bytes"


class Gate:
    """403 while no token is configured, 401 without the right one, 413 for a large body, for every path not in ``OPEN``.

    Nothing of a request is read before its token was checked.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._token = settings.admin_token.get_secret_value().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OPEN):
            await self._app(scope, receive, send)
        elif (refused := self._refusal(Headers(scope=scope))) is not None:
            await refused(scope, receive, send)
        else:
            await self._app(scope, _limited(receive), send)

    def _refusal(self, headers: Headers) -> Problem | None:
        if not self._token:
            return Problem(403, "administration is switched off: set BRIDGE_ADMIN_TOKEN")
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Headers come decoded as latin-1; encoding gives back the bytes that arrived.
        right = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
        if scheme.lower() != "bearer" or not right:
            return Problem(401, "send Authorization: Bearer <token>", headers={"WWW-Authenticate": "Bearer"})
        length = headers.get("content-length", "")
        too_large = length.isdecimal() and int(length) > MOST_BODY_BYTES
        return Problem(413, TOO_LARGE) if too_large else None


def _limited(receive: Receive) -> Receive:
    """The same body, cut off with a 413 where no length was declared."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BODY_BYTES:
            raise HTTPException(413, TOO_LARGE)
        return message

    return limited
