"""Row 15: canaries in every secret and every personal field, and people who are to be forgotten."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

import httpx
import redis

from tests.chaos.common import RAISED, SHORT, companies, keys_of, remotes
from tests.chaos.play import Play, Row
from tests.chaos.sender import SECRET, deliver, event, message
from tests.chaos.site import NO_BRAKE, QUICK_TIMES, TOKEN, Site, site, use_connections


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


ROWS = (Row(15, "no leak", nothing_leaks, "talk_freely"),)
