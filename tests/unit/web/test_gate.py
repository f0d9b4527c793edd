"""The gate: closed by default, opened by the token alone, before anything of a request is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from bridge.settings import Settings
from bridge.web import problems
from bridge.web.auth import MOST_BODY_BYTES, Gate

TOKEN = "a-token-ümlaut"
RIGHT = {"Authorization": f"Bearer {TOKEN}".encode()}


class Client:
    """Asks an application in this process."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def get(self, path: str, **given: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, given))

    def post(self, path: str, **given: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, given))

    async def _ask(self, method: str, path: str, given: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://test") as client:
            return await client.request(method, path, **given)


def client(token: str = TOKEN) -> Client:
    app = FastAPI(openapi_url=None)
    problems.install(app)
    app.add_middleware(Gate, settings=Settings(_env_file=None, admin_token=token))

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def echo(request: Request, path: str) -> dict[str, int]:
        return {"read": len(await request.body())}

    return Client(app)


def problem(answer: httpx.Response) -> int:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/webhooks/crm/default"])
def test_open_paths_need_no_token(path: str) -> None:
    assert client().get(path).status_code == 200


@pytest.mark.parametrize("path", ["/", "/admin/changes", "/metrics", "/docs", "/healthy", "/webhook", "/%77ebhooks2/x"])
def test_every_other_path_does(path: str) -> None:
    assert problem(client().get(path)) == 401
    assert client().get(path, headers=RIGHT).status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xff\xfe"]
)
def test_only_the_exact_token_opens(header: str) -> None:
    answer = client().get("/admin/changes", headers={"Authorization": header.encode()})
    assert problem(answer) == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_scheme_may_be_spelt_in_any_case() -> None:
    assert client().get("/admin", headers={"Authorization": f"bearer {TOKEN}".encode()}).status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x"])
def test_without_a_configured_token_nothing_opens(header: str) -> None:
    answer = client(token="").get("/admin/changes", headers={"Authorization": header})
    assert problem(answer) == 403
    assert "BRIDGE_ADMIN_TOKEN" in answer.json()["detail"]


def test_a_large_body_is_refused_by_its_declared_length() -> None:
    assert problem(client().post("/admin", headers=RIGHT, content=b"x" * (MOST_BODY_BYTES + 1))) == 413
    declared = RIGHT | {"Content-Length": str(MOST_BODY_BYTES + 1)}
    assert problem(client().post("/admin", headers=declared)) == 413
    assert client().post("/admin", headers=RIGHT, content=b"x" * MOST_BODY_BYTES).json() == {"read": MOST_BODY_BYTES}


def test_a_large_body_is_refused_while_it_arrives() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MOST_BODY_BYTES // 1024 + 1):
            yield b"x" * 1024

    assert problem(client().post("/admin", headers=RIGHT, content=chunks())) == 413
