"""Short words for the calls that the tests of the CRM's sandbox make again and again."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.sandboxes import Box

NOBODY = "00000000-0000-4000-8000-000000000000"


def made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def company(crm: httpx.Client, name: str = "Acme", **fields: Any) -> dict[str, Any]:
    return made(crm.post("/companies", json={"name": name, **fields}))


def contact(crm: httpx.Client, **fields: Any) -> dict[str, Any]:
    return made(crm.post("/contacts", json=fields))


def stages(box: Box, *names: str) -> list[str]:
    return [box.control.create("stages", {"name": name, "sortOrder": n})["id"] for n, name in enumerate(names)]


def names(answer: httpx.Response, of: str) -> list[str]:
    return [row["name"] for row in answer.json()[of]]
