"""Rows 14, 15 and 16: closed doors, closed mouths, and settings written by an enemy."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import redis

from tests.chaos.play import NotKept, Play, Row
from tests.chaos.proxy import answer
from tests.chaos.rows_delivery import RAISED, SHORT, companies, keys_of, remotes
from tests.chaos.sender import SECRET, Message, deliver, event, message, request, signed
from tests.chaos.site import ENTRY, NO_BRAKE, QUICK_TIMES, TOKEN, Site, site, use_connections

# --- row 14 -------------------------------------------------------------------------------------------------------

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


# --- row 15 -------------------------------------------------------------------------------------------------------


def nothing_leaks(play: Play) -> None:
    """Canaries in every secret and every personal field; debug logging; exceptions forced while records are in hand."""
    people, others = play.pick((10, 1), (40, 4), (200, 10))
    tags = [secrets.token_hex(6) for _ in range(people)]
    play.said += [RAISED, SHORT, "log_level debug", f"{others} connections more, to systems that are not there"]
    keys = {"crm": f"ak_canary{secrets.token_hex(10)}", "assembly": f"canary{secrets.token_hex(10)}"}
    settings: dict[str, Any] = {**NO_BRAKE, **QUICK_TIMES, "log_level": "debug"}
    with site(
        breaks=",".join(filter(None, (play.breaks, "stumble"))),
        apis=0,
        workers=0,
        crm={"key": keys["crm"]},
        assembly={"key": keys["assembly"], "limit_per_second": 0},
        **settings,
    ) as at:
        hidden = [TOKEN, SECRET, *keys.values(), *_connections(at, keys, others)]
        at.api()
        at.worker()
        crm, assembly = remotes(at)
        made = _people(crm, tags)
        at.live()
        # Full payloads: what is personal comes in by the webhook itself.
        send = [message(f"p-{row['id']}", event(row["id"], "contact.updated", data=row)) for row in made]
        deliver(at.port, send, connections=4, again=True)
        bodies = _provoke(at)
        _carried_over(at, play.pick(4, 4, people // 2))
        shown = {"logs": "".join(at.log(name) for name in at.processes), "Redis": _redis_text(at), "errors": bodies}
        shown["metrics"] = httpx.get(
            f"{at.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20, trust_env=False
        ).text
        there, bugs = len(keys_of(assembly.records("contacts"))), shown["logs"].count("reconcile failed")
        found = {place: [word for word in (*tags, *hidden) if word in text] for place, text in shown.items()}
        play.figures |= {
            "people": len(tags),
            "secrets": len(hidden),
            "contacts carried over meanwhile": there,
            "forced exceptions logged": bugs,
            "looked through kB": {place: round(len(text) / 1024) for place, text in shown.items()},
            "canaries found": {place: len(words) for place, words in found.items()},
        }
        for place, words in found.items():
            play.check(not words, f"{len(words)} canaries in the {place}: {_around(shown[place], words)}")
        play.check(bugs > 0, "no exception was forced")
        play.check(there > 0, "nothing was carried over")
        _erased(play, at, made, tags)


def _connections(at: Site, keys: dict[str, str], others: int) -> list[str]:
    """A file of connections, each with five secrets of its own; answers those of the others."""
    words = iter([f"canary{secrets.token_hex(10)}" for _ in range(5 * others)])
    hidden = []
    assert at.crm is not None
    assert at.assembly is not None
    told = {
        "default": {
            "CRM_BASE_URL": at.crm.url,
            "CRM_API_KEY": keys["crm"],
            "CRM_ENTITY_ID": at.crm.entity_id,
            "CRM_WEBHOOK_SECRET": SECRET,
            "ASSEMBLY_BASE_URL": at.assembly.url,
            "ASSEMBLY_API_KEY": keys["assembly"],
        }
    }
    for number in range(others):
        mine = [next(words) for _ in range(5)]
        hidden += mine
        told[f"other{number}"] = {
            "CRM_BASE_URL": "http://127.0.0.1:9/api/crm",
            "CRM_API_KEY": f"ak_{mine[0]}",
            "CRM_ENTITY_ID": f"entity{number}",
            "CRM_WEBHOOK_SECRET": ",".join(mine[1:3]),
            "ASSEMBLY_BASE_URL": "http://127.0.0.1:9",
            "ASSEMBLY_API_KEY": mine[3],
            "WAVO_BASE_URL": "http://127.0.0.1:9/api/v1",
            "WAVO_TOKEN": mine[4],
        }
    use_connections(at, told)
    return hidden


def _people(crm: Any, tags: list[str]) -> list[dict[str, Any]]:
    """One person a tag, the tag in all that is personal; each at a company of their own."""
    firms = [crm.create("companies", row) for row in companies(len(tags))]
    made = []
    for firm, tag in zip(firms, tags, strict=True):
        row = {
            "firstName": f"Zfirst{tag}",
            "lastName": f"Zlast{tag}",
            "email": f"zmail{tag}@x.example",
            "phone": f"+1555{tag}",
        }
        made.append(crm.create("contacts", row))
        crm.create("memberships", {"contactId": made[-1]["id"], "companyId": firm["id"], "isPrimary": True})
    return made


def _carried_over(at: Site, wanted: int) -> None:
    """Until so many people are on the other side and an exception was forced; two minutes at most."""
    _, assembly = remotes(at)
    end = time.monotonic() + 120
    while time.monotonic() < end and not (
        len(keys_of(assembly.records("contacts"))) >= wanted and "reconcile failed" in at.log("worker")
    ):
        time.sleep(1)
        # What a forced mistake parked is looked at again.
        for (change,) in at.rows("SELECT id FROM changes WHERE state = 'parked'"):
            at.admin("POST", "/changes/replay", {"ids": [change]})


def _around(text: str, words: list[str]) -> str:
    place = text.find(words[0]) if words else -1
    return text[max(0, place - 120) : place + 40].replace("\n", " ") if place >= 0 else ""


def _provoke(at: Site) -> str:
    """Bodies of answers to requests that go wrong while they name people and secrets."""
    texts = []
    head = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=at.url, timeout=20, trust_env=False) as http:
        for path in ("/admin/records/default/contacts/crm:nobody", "/admin/changes/replay", "/admin/nothing"):
            texts += [http.get(path, headers=head).text, http.post(path, json={"ids": "x"}, headers=head).text]
        texts.append(http.get("/admin/changes", headers={"Authorization": "Bearer x"}).text)
        texts.append(http.post("/webhooks/crm/default", content=b"{}", headers={"webhook-signature": "v1,x"}).text)
    return "\n".join(texts)


def _redis_text(at: Site) -> str:
    lines = []
    with redis.Redis.from_url(at.env["BRIDGE_REDIS_URL"]) as client:
        for key in client.scan_iter():
            kind = client.type(key)
            lines.append(repr(key))
            if kind == b"string":
                lines.append(repr(client.get(key)))
            elif kind == b"hash":
                lines.append(repr(client.hgetall(key)))
            elif kind == b"list":
                lines.append(repr(client.lrange(key, 0, -1)))
            elif kind == b"set":
                lines.append(repr(client.smembers(key)))
            elif kind == b"zset":
                lines.append(repr(client.zrange(key, 0, -1)))
    return "\n".join(lines)


def _erased(play: Play, at: Site, made: list[dict[str, Any]], tags: list[str]) -> None:
    """Forget some people and look for them in the tables and in the database's own files; then tell of them once more."""
    chosen = list(zip(made, tags, strict=True))[:: max(1, len(made) // 10)]
    known = [tag for _, tag in chosen if tag in _tables(at)]
    play.check(bool(known), "nobody who is to be forgotten is known at all: nothing was shown")
    for row, _ in chosen:
        at.admin("POST", "/people/forget", {"connection": "default", "email": row["email"]})
    gone = [tag for _, tag in chosen]
    _nobody_left(play, at, gone, "after they were forgotten")
    # Their webhooks are still under way, and both systems still show them.
    late = [message(f"late-{row['id']}", event(row["id"], "contact.updated", data=row)) for row, _ in chosen]
    deliver(at.port, late, connections=2, again=True)
    play.until(
        lambda: not at.rows("SELECT 1 FROM changes WHERE state = 'leased'"), 60, "the late webhooks looked at", 0.5
    )
    time.sleep(5)
    _nobody_left(play, at, gone, "after late webhooks")
    play.figures["forgotten"] = f"{len(gone)} people, {len(known)} of them known before, none left in tables and files"


def _tables(at: Site) -> str:
    names = [name for (name,) in at.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return json.dumps([[str(value) for value in row] for name in names for row in at.rows(f'SELECT * FROM "{name}"')])


def _nobody_left(play: Play, at: Site, tags: list[str], when: str) -> None:
    shown = {"tables": _tables(at)}
    # What was deleted must not lie in free pages or in the write-ahead log either.
    shown |= {path.name: path.read_bytes().decode("latin-1") for path in at.folder.glob("bridge.db*")}
    for place, text in shown.items():
        left = [tag for tag in tags if tag in text]
        play.check(not left, f"{when}, {len(left)} people are still in {place}: {_around(text, left)}")


# --- row 16 -------------------------------------------------------------------------------------------------------

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]\n"
STREAM = "stream: companies\ncrm: companies\nassembly: accounts\njoin: id\nfields:\n  name: {crm: name, assembly: name, required: true}\n"
HOSTILE_EXPRESSIONS = (
    "__import__('os').system('id')",
    "record.__class__.__mro__",
    "open('/etc/passwd').read()",
    "[1,2,3].map(a, [1,2,3].map(b, [1,2,3].map(c, [1,2,3].map(d, a))))",
    "'a' * 1000000000",
    "record.name.matches('(a+)+$') ? " + "record.name + " * 3000 + "'x'",
    "eval('1')",
    "${7*7}{{7*7}}",
)
METADATA = (
    "http://169.254.169.254/latest",
    "http://metadata.google.internal/",
    "http://[fd00:ec2::254]/",
    "http://0xA9FEA9FE/",
    "file:///etc/passwd",
    "http://user:pass@127.0.0.1/",
    "gopher://127.0.0.1/",
    "http://crm.example@169.254.169.254/",
)


def hostile_configuration(play: Play) -> None:
    """Settings and mappings that an enemy wrote; a remote that sends us elsewhere."""
    with site(breaks=play.breaks, workers=0, redis=False, proxied=("crm", "assembly"), allowed_hosts="127.0.0.1") as at:
        names = ("BRIDGE_CRM_BASE_URL", "BRIDGE_ASSEMBLY_BASE_URL")
        urls = [(name, url) for url in METADATA for name in names]
        # Every URL once; for both systems in the full form.
        urls = play.pick(urls[:2], [each for n, each in enumerate(urls) if n % 4 in (0, 3)], urls)
        files = list(_hostile_files().items())[: play.pick(2, 100, 100)]
        with ThreadPoolExecutor(2) as pool:
            refused = list(pool.map(lambda each: _refused(at, *each), urls))
            slowest = max(pool.map(lambda each: _refused_file(at, *each), files))
        play.figures |= {
            "base URLs refused": len(refused),
            "mapping files refused": len(files),
            "slowest check s": round(slowest, 1),
        }
        _redirects(play, at)


def _hostile_files() -> dict[str, str]:
    files = {
        "bomb": BOMB,
        "deep": "a: " + "[" * 5000,
        "large": "x: '" + "y" * 30_000_000 + "'",
        "object": "stream: !!python/object/apply:os.system [id]\n",
    }
    return files | {
        f"expression {n}": STREAM + f"  bad: {{from_crm: {json.dumps(text)}, assembly: additional_properties.X}}\n"
        for n, text in enumerate(HOSTILE_EXPRESSIONS)
    }


def _refused(at: Site, name: str, url: str) -> None:
    """A setting that must be refused before anything is asked of anybody."""
    done = _bridge(at, "check", **{name: url})
    if done.returncode != 2 or "Traceback" in done.stderr + done.stdout:
        raise NotKept(f"{name}={url}: exit status {done.returncode}, {done.stderr[-200:]}")


def _refused_file(at: Site, name: str, text: str) -> float:
    folder = at.folder / f"hostile {name}"
    folder.mkdir()
    (folder / "companies.yaml").write_text(text)
    began = time.monotonic()
    done = _bridge(at, "mappings", "check", str(folder))
    if done.returncode not in (1, 2) or "Traceback" in done.stderr + done.stdout:
        raise NotKept(f"{name} was accepted (exit status {done.returncode}) or ended in a traceback")
    return time.monotonic() - began


def _bridge(at: Site, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    code = (
        ENTRY.replace("main()", "None")
        + "; from tests.chaos.breaks import take_out; marks = sys.argv.pop(1); marks and take_out(marks); from bridge.cli import main; sys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-c", code, at.breaks, *arguments],
        cwd=at.folder,
        env={**os.environ, **at.env, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _redirects(play: Play, at: Site) -> None:
    """Both systems answer with a redirect to a listener that nobody may visit."""
    visits: Counter[str] = Counter()
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen(16)
        trap.settimeout(0.2)
        ending = threading.Event()

        def watch() -> None:
            while not ending.is_set():
                try:
                    caller, _ = trap.accept()
                except TimeoutError:
                    continue
                visits["key shown"] += b"authorization" in caller.recv(4096).lower()
                visits["visits"] += 1
                caller.close()

        thread = threading.Thread(target=watch)
        thread.start()
        target = f"http://127.0.0.1:{trap.getsockname()[1]}/latest/meta-data"
        for proxy in at.proxies.values():
            for status in (301, 302, 307, 308, 303) * 3:
                proxy.weather.canned.append(answer(status, b"", Location=target))
        done = _bridge(at, "check")
        ending.set()
        thread.join()
        sent = sum(proxy.counts["canned"] for proxy in at.proxies.values())
    play.figures["redirects"] = f"{sent} answered, {visits['visits']} followed"
    play.check(sent > 0, "no redirect was answered")
    play.check(not visits, f"redirects were followed: {dict(visits)}")
    play.check("Traceback" not in done.stderr, "a redirect ended in a traceback")


ROWS = (
    Row(14, "closed by default", closed_by_default, "no_gate"),
    Row(15, "no leak", nothing_leaks, "talk_freely"),
    Row(16, "hostile configuration is harmless", hostile_configuration, "follow_redirects"),
)
