"""Short words for the calls that the tests of Assembly's sandbox make again and again."""

from __future__ import annotations

from typing import Any

import httpx

NOBODY = "01945162-52fc-739b-98de-e2ac9f2eec49"
ACME = {"type": "Company", "name": "account_name", "domain": "account.com"}


def made(answer: httpx.Response) -> str:
    """The id of ``{"id": …}``, the answer of every write that makes something."""
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["id"]
    return str(answer.json()["id"])


def account(assembly: httpx.Client, **fields: Any) -> str:
    return made(assembly.post("/accounts", json={**ACME, **fields}))


def contact(assembly: httpx.Client, **fields: Any) -> str:
    return made(assembly.post("/contacts", json={"name": "contact_name", "domain": "name@company.com", **fields}))


def shown(assembly: httpx.Client, name: str, kind: str = "account") -> dict[str, Any]:
    answer = assembly.get(f"/{kind}s/{name}")
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == [kind]
    return dict(answer.json()[kind])


def label(assembly: httpx.Client, kind: str) -> str:
    return made(assembly.post("/accounts/labels", json={"type": kind, "name": f"a {kind}", "color": "#545A92"}))


def listed(assembly: httpx.Client, **query: Any) -> list[str]:
    return [row["name"] for row in assembly.get("/accounts", params=query).json()["accounts"]["data"]]


def deal(assembly: httpx.Client, **fields: Any) -> str:
    return made(assembly.post("/deals", json={"name": "D", "account_source_specific_id": "acct-ssid-123", **fields}))
