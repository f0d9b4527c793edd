"""``/docs`` and ``/openapi.json``. The page is ours and loads nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, JSONResponse

_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>bridge: HTTP API</title></head><body>
<h1>HTTP API</h1><p>Machine-readable: <a href="/openapi.json">/openapi.json</a></p><table>
<tr><th>Method</th><th>Path</th><th>What it does</th></tr>"""


def router(app: FastAPI) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/openapi.json")
    def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    @routes.get("/docs")
    def docs() -> HTMLResponse:
        return HTMLResponse(
            _HEAD + "".join(_rows(app.openapi())) + "</table></body></html>",
            headers={"Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"},
        )

    return routes


def _rows(document: dict[str, Any]) -> list[str]:
    return [
        f"<tr><td>{escape(method.upper())}</td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation.get('description') or operation.get('summary', ''))}</td></tr>\n"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
