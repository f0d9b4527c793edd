"""Row 14: every route, asked by everybody who should not."""

from __future__ import annotations

import re

import httpx

from tests.chaos.play import Play, Row
from tests.chaos.sender import SECRET, Message, deliver, event, message, request, signed
from tests.chaos.site import TOKEN, Site, site, use_connections

ROLES: dict[str, dict[str, str]] = {
    "nobody": {},
    "a wrong token": {"Authorization": "Bearer wrong"},
    "an empty token": {"Authorization": "Bearer"},
    "the wrong scheme": {"Authorization": f"Basic {TOKEN}"},
    "a token in another case": {"Authorization": f"Bearer {TOKEN.upper()}"},
    "the token in the query": {},
    "a CRM key": {"Authorization": "Bearer ak_x"},
}
OPEN = {("GET", "/health/live"), ("GET", "/health/ready")}


def closed_by_default(play: Play) -> None:
    """Every route of the API's own description, asked by everybody who should not; and two connections that must not mix."""
    with site(breaks=play.breaks, workers=0, redis=False, remotes=False) as at:
        _second_connection(at)
        http = httpx.Client(base_url=at.url, timeout=20, trust_env=False)
        with http:
            told = http.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})
            if told.status_code == 404:
                told = http.get("/docs/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})
            play.check(told.is_success, f"no description of the API: {told.status_code}")
            routes = [
                (method.upper(), path)
                for path, methods in told.json()["paths"].items()
                for method in methods
                if method in ("get", "post", "put", "patch", "delete")
            ]
            asked = _strangers(play, http, routes)
            crossed = _connections_apart(play, at, http)
            _limits(play, http)
        play.figures |= {"routes": len(routes), "refused requests": asked, "questions across connections": crossed}


def _second_connection(at: Site) -> None:
    """Two connections, ``one`` and ``two``, with secrets of their own."""
    both = {
        name: {
            "CRM_BASE_URL": "http://127.0.0.1:9/api/crm",
            "CRM_API_KEY": f"ak_{name}",
            "CRM_ENTITY_ID": name,
            "CRM_WEBHOOK_SECRET": SECRET if name == "one" else "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY",
            "ASSEMBLY_BASE_URL": "http://127.0.0.1:9",
            "ASSEMBLY_API_KEY": name,
        }
        for name in ("one", "two")
    }
    use_connections(at, both)
    at.kill("api")
    at.revive("api")
    at.ready()


def _strangers(play: Play, http: httpx.Client, routes: list[tuple[str, str]]) -> int:
    asked = 0
    for method, template in routes:
        path = re.sub(r"\{[^}]*\}", "one", template)
        for role, headers in ROLES.items():
            query = {"token": TOKEN, "access_token": TOKEN} if "query" in role else {}
            # A body that would do something if it were let in.
            got = http.request(method, path, headers=headers, params=query, json={"connection": "one"})
            asked += 1
            if (method, template) in OPEN:
                play.check(set(got.json()) <= {"status"}, f"{template} tells {got.text}")
                continue
            play.check(got.status_code in (401, 403), f"{role}: {method} {template} answered {got.status_code}")
            play.check(
                set(got.json()) <= {"type", "title", "status", "detail", "instance"}, f"{template} tells {got.text}"
            )
    for path in (
        "/",
        "/docs",
        "/metrics",
        "/openapi.json",
        "/admin",
        "/admin/",
        "//admin/changes",
        "/health",
        "/health/live/../../admin/changes",
        "/console",
    ):
        got = http.get(path)
        asked += 1
        play.check(got.status_code in (401, 403), f"nobody: GET {path} answered {got.status_code}")
    return asked


def _connections_apart(play: Play, at: Site, http: httpx.Client) -> int:
    """What one connection received is neither shown under nor changed through the other."""
    other = b"ABCDEFGHIJKLMNOPQRSTUVWX"
    for name, key in (("one", b"0123456789abcdef01234567"), ("two", other)):
        told = deliver(at.port, [message(f"evt-{name}", event(f"rec-{name}"), connection=name, key=key)])
        play.check(told[0].status == 202, f"{name}'s own event answered {told[0].status}")
        wrong = other if name == "one" else b"0123456789abcdef01234567"
        told = deliver(at.port, [message(f"x-{name}", event(f"x-{name}"), connection=name, key=wrong)])
        play.check(told[0].status == 401, f"{name} took an event signed with the other's secret")
        told = deliver(
            at.port,
            [
                Message(
                    "e",
                    request(
                        f"/webhooks/crm/{name}", body := event("e", entityId="stranger"), signed("e", body, key=key)
                    ),
                )
            ],
        )
        play.check(told[0].status == 403, f"{name} took another entity's event: {told[0].status}")
    head = {"Authorization": f"Bearer {TOKEN}"}
    questions = 0
    for mine, theirs in (("one", "two"), ("two", "one")):
        for path in ("events", "changes", "attention", "holds", "backfills"):
            got = http.get(f"/admin/{path}", params={"connection": mine}, headers=head)
            questions += 1
            play.check(got.is_success, f"GET {path} answered {got.status_code}")
            play.check(f"rec-{theirs}" not in got.text, f"{path} of {mine} shows a record of {theirs}")
        http.post("/admin/changes/discard", json={"connection": mine}, headers=head)
        http.post(f"/admin/connections/{mine}/pause", headers=head)
        left = at.one("SELECT count(*) FROM changes WHERE connection = :name AND state = 'pending'", name=theirs)
        if mine == "one":
            play.check(left == 1, "discarding one connection's changes touched the other's")
            play.check(at.one("SELECT mode FROM connections WHERE name = 'two'") != "paused", "a pause crossed over")
        questions += 2
    return questions


def _limits(play: Play, http: httpx.Client) -> None:
    head = {"Authorization": f"Bearer {TOKEN}"}
    large = http.post("/admin/changes/replay", content=b"[" + b"1," * 2_000_000 + b"1]", headers=head)
    play.check(large.status_code == 413, f"a body of 4 MB answered {large.status_code}")
    for bad in ({"limit": "100000"}, {"limit": "-1"}, {"connection": "x" * 5000}, {"cursor": "é" * 3000}):
        got = http.get("/admin/changes", params=bad, headers=head)
        play.check(400 <= got.status_code < 500, f"{str(bad)[:40]} answered {got.status_code}")
    got = http.get("/admin/changes", headers={**head, "X-Large": "y" * 200_000})
    play.check(400 <= got.status_code < 500, f"a header of 200 kB answered {got.status_code}")


ROWS = (Row(14, "closed by default", closed_by_default, "no_gate"),)
