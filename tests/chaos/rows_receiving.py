"""Rows 1, 6, 12 and 13: what happens at the door."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator

import psycopg

from tests.chaos.play import Play, Row
from tests.chaos.sender import KEY, Message, Told, deliver, event, message, percentile, request, signed
from tests.chaos.site import Site, site


def messages(count: int, prefix: str = "evt", records: int = 200) -> Iterator[Message]:
    for number in range(count):
        yield message(f"{prefix}-{number}", event(f"c-{number % records}"))


def stored(at: Site) -> set[str]:
    return {row[0] for row in at.rows("SELECT event_id FROM inbox")}


def stored_before_told(play: Play) -> None:
    """Row 1. Senders go on at full speed while the receivers are killed one after another."""
    count, kills = play.pick((600, 3), (2000, 8), (5000, 50))
    with site(breaks=play.breaks, apis=2, workers=0, redis=False, remotes=False) as at:
        told: list[Told] = []
        finished = threading.Event()

        def send() -> None:
            number = 0
            # Again and again until the killing is over: the number of events is a floor.
            while number == 0 or not finished.is_set():
                deliver(at.port, messages(count, f"e{number}"), patience=10, stop=over, into=told)
                number += 1

        def over() -> bool:
            return finished.is_set() and len(told) >= count

        sender = threading.Thread(target=send)
        sender.start()
        pick = random.Random(1)
        for number in range(kills):
            name = ("api", "api-2")[number % 2]
            time.sleep(pick.uniform(0.2, 0.6))
            at.kill(name)
            at.revive(name)
            at.ready()
        finished.set()
        sender.join()
        acknowledged = {each.id for each in told if each.status == 202}
        lost = acknowledged - stored(at)
        play.figures |= {"events": len(told), "acknowledged": len(acknowledged), "kills": at.kills, "lost": len(lost)}
        play.check(len(acknowledged) >= count / 2, f"only {len(acknowledged)} events were acknowledged")
        play.check(not lost, f"{len(lost)} acknowledged events are not in the inbox")
        hinted = at.one("SELECT count(DISTINCT record_id) FROM changes")
        play.check(hinted == len({row[0] for row in at.rows("SELECT record_id FROM inbox")}), "an event left no change")


def no_race_in_deduplication(play: Play) -> None:
    """Row 6. The same ids at the same moment at two processes, on both databases."""
    ids, copies = play.pick((20, 16), (100, 64), (200, 64))
    for postgres in (False, True):
        with site(breaks=play.breaks, apis=2, workers=0, redis=False, remotes=False, postgres=postgres) as at:
            time.sleep(1.5)
            every = [message(f"same-{number}", event(f"c-{number}")) for number in range(ids)]
            began = time.monotonic()
            # Copies of one id next to one another: 64 connections hold them all at once.
            told = deliver(at.port, [one for one in every for _ in range(copies)], connections=64)
            seconds = time.monotonic() - began
            where = "PostgreSQL" if postgres else "SQLite"
            statuses = Counter(each.status for each in told)
            found = at.one("SELECT count(*) FROM inbox")
            play.figures[where] = f"{found} stored of {len(told)} posts, {len(told) / seconds:.0f}/s"
            play.check(statuses == Counter({202: ids * copies}), f"{where}: answers {dict(statuses)}")
            play.check(found == ids, f"{where}: {found} stored of {ids}")
            play.check(at.one("SELECT count(*) FROM changes WHERE generation > 1") == 0, "a duplicate hinted again")


# --- row 12 -------------------------------------------------------------------------------------------------------


def forged(number: int, pick: random.Random) -> bytes:
    """One request that no honest sender makes, built from a good one by one or several mutations."""
    body = event(f"forged-{number}")
    headers = signed(f"forged-{number}", body)
    path, method = "/webhooks/crm/default", "POST"
    match number % 14:
        case 0:
            headers["webhook-signature"] = "v1," + "A" * 43 + "="
        case 1:
            body = body.replace(b"company", b"companY")
        case 2:
            headers |= signed(f"forged-{number}", body, key=pick.randbytes(24))
        case 3:
            headers |= signed(f"forged-{number}", body, at=time.time() - pick.choice((301, 3600, 10**8)))
        case 4:
            headers |= signed(f"forged-{number}", body, at=time.time() + pick.choice((400, 3600, 10**6)))
        case 5:
            headers["webhook-id"] = pick.choice(("", "another", "x" * 4000, "a b"))
        case 6:
            headers["webhook-timestamp"] = pick.choice(("", "now", "-1", "1e9", "9" * 40, "0x10"))
        case 7:
            headers.pop(pick.choice(sorted(headers)))
        case 8:
            headers["webhook-signature"] = pick.choice(
                ("", "v1,", "v2," + headers["webhook-signature"][3:], "v1," + "!" * 44)
            )
        case 9:
            headers = {"X-Signature": pick.choice(("", "sha256=", "sha1=00", "sha256=" + "0" * 64, "sha256=é"))}
        case 10:
            body = pick.randbytes(pick.randint(0, 300))
        case 11:
            headers["webhook-signature"] = " ".join(["v1," + "B" * 43 + "="] * 50)
        case 12:
            path = pick.choice(
                ("/webhooks/crm/other", "/webhooks/crm/", "/webhooks/crm/%00", "/webhooks/crm/default%2F")
            )
            headers |= signed(f"forged-{number}", body, key=b"x" * 24)
        case _:
            headers = {name: "".join(chr(pick.randint(33, 255)) for _ in range(20)) for name in headers}
    return request(path, body, headers, method)


def forged_refused_honest_kept(play: Play) -> None:
    """Row 12. A storm of forgeries; a secret that is being changed; a database that is away."""
    count = play.pick(700, 10_000, 100_000)
    with site(breaks=play.breaks, workers=0, redis=False, remotes=False) as at:
        pick = random.Random(12)
        told = deliver(at.port, (Message(str(n), forged(n, pick)) for n in range(count)), connections=32)
        statuses = Counter(each.status for each in told)
        play.figures["forged"] = dict(sorted(statuses.items()))
        play.check(
            not any(200 <= status < 300 for status in statuses), f"a forged request was accepted: {dict(statuses)}"
        )
        play.check(not any(status >= 500 or status == 0 for status in statuses), f"5xx or none: {dict(statuses)}")
        play.check(at.one("SELECT count(*) FROM inbox") == 0, "a forged event was stored")
        play.check("Traceback" not in at.log("api"), "a forged request ended in a traceback")
        _rotation(play, at)
    for postgres in (False, True):
        with site(breaks=play.breaks, workers=0, redis=False, remotes=False, postgres=postgres) as at:
            _database_away(play, at, postgres)


def _rotation(play: Play, at: Site) -> None:
    """Old and new secret are both set while the sender changes over; then only the new one."""
    new = b"fedcba9876543210fedcba98"
    secret = at.env["BRIDGE_CRM_WEBHOOK_SECRET"]
    second = "whsec_" + base64.b64encode(new).decode()
    told: list[Told] = []
    for secrets_set, keys in ((f"{secret},{second}", (KEY, new)), (second, (new,))):
        at.env["BRIDGE_CRM_WEBHOOK_SECRET"] = secrets_set
        at.kill("api", signal.SIGTERM)
        child = at.processes["api"].child
        assert child is not None
        child.wait(10)
        at.revive("api")
        at.ready()
        each = [message(f"rotate-{len(keys)}-{n}", event(f"r-{n}"), key=keys[n % len(keys)]) for n in range(200)]
        told += deliver(at.port, each, connections=8)
    refused = [one for one in told if one.status != 202]
    play.figures["while rotating"] = f"{len(told) - len(refused)} of {len(told)} taken"
    play.check(not refused, f"{len(refused)} honest events were refused while a secret changed")


def _database_away(play: Play, at: Site, postgres: bool) -> None:
    with _away(at, postgres):
        told = deliver(at.port, messages(20, "away"), connections=10)
    statuses = Counter(each.status for each in told)
    where = "PostgreSQL" if postgres else "SQLite"
    play.figures[f"{where} away"] = dict(statuses)
    play.check(set(statuses) == {503}, f"{where} away: {dict(statuses)}")
    told = deliver(at.port, messages(20, "away"), connections=4, again=True)
    play.check(at.one("SELECT count(*) FROM inbox") == 20, f"{where}: not all stored once it was back")


@contextlib.contextmanager
def _away(at: Site, postgres: bool) -> Iterator[None]:
    """Somebody else holds what every writer needs."""
    if postgres:
        with psycopg.connect(at.database_url) as holder:
            holder.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
            yield
            holder.rollback()
        return
    with contextlib.closing(sqlite3.connect(at.folder / "bridge.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


# --- row 13 -------------------------------------------------------------------------------------------------------


async def _loris(port: int, ending: asyncio.Event) -> None:
    """Opens a request and feeds it a byte every second."""
    while not ending.is_set():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /webhooks/crm/default HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{")
            while not ending.is_set():
                writer.write(b" ")
                await writer.drain()
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(ending.wait(), 1)
            writer.close()
        except OSError:
            await asyncio.sleep(0.1)


async def _oversized(port: int, count: int, megabytes: int) -> Counter[int]:
    """Bodies that say how large they are, and bodies that do not."""
    statuses: Counter[int] = Counter()
    chunk = b"x" * 65536

    async def one(number: int) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if number % 2:
                writer.write(
                    f"POST /webhooks/crm/default HTTP/1.1\r\nHost: x\r\nContent-Length: {megabytes << 20}\r\n\r\n".encode()
                )
            else:
                writer.write(b"POST /webhooks/crm/default HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            with contextlib.suppress(OSError):
                for _ in range((megabytes << 20) // len(chunk)):
                    writer.write(chunk if number % 2 else f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                    await writer.drain()
                    if reader._buffer:  # type: ignore[attr-defined]
                        break
                if not number % 2:
                    writer.write(b"0\r\n\r\n")
            line = await asyncio.wait_for(reader.readline(), 20)
            statuses[int(line.split()[1]) if line else 0] += 1
            writer.close()
        except (TimeoutError, OSError):
            statuses[0] += 1

    gate = asyncio.Semaphore(8)

    async def gated(number: int) -> None:
        async with gate:
            await one(number)

    await asyncio.gather(*(gated(number) for number in range(count)))
    return statuses


def fast_under_attack(play: Play) -> None:
    """Row 13. Senders that dribble and senders that drown, beside honest ones at 200 a second."""
    lorises, bodies, seconds = play.pick((40, 40, 4), (200, 200, 10), (200, 1000, 40))
    with site(breaks=play.breaks, workers=0, redis=False, remotes=False) as at:
        deliver(at.port, messages(100, "warm"), connections=8)
        before = at.memory_mb("api")
        statuses: Counter[int] = Counter()

        def attack(ending: asyncio.Event) -> None:
            async def run() -> None:
                tasks = [asyncio.create_task(_loris(at.port, ending)) for _ in range(lorises)]
                statuses.update(await _oversized(at.port, bodies, 4))
                await ending.wait()
                await asyncio.gather(*tasks)

            loop.run_until_complete(run())

        loop = asyncio.new_event_loop()
        ending = asyncio.Event()
        thread = threading.Thread(target=attack, args=(ending,))
        thread.start()
        told = deliver(at.port, messages(200 * seconds, "honest"), connections=16, rate=200)
        play.until(lambda: sum(statuses.values()) > 0, 120, "the end of the oversized bodies")
        peak = at.memory_mb("api", most=True)
        loop.call_soon_threadsafe(ending.set)
        thread.join()
        loop.close()
        slow = percentile([each.seconds for each in told], 99)
        play.figures |= {
            "honest p50 ms": round(percentile([each.seconds for each in told], 50) * 1000, 1),
            "honest p99 ms": round(slow * 1000, 1),
            "oversized": dict(statuses),
            "memory MB": f"{before:.0f} → {peak:.0f}",
        }
        play.check(all(each.status == 202 for each in told), "an honest event was not taken")
        play.check(set(statuses) <= {413, 0}, f"oversized bodies were answered {dict(statuses)}")
        play.check(statuses[413] > bodies / 3, f"oversized bodies were answered {dict(statuses)}")
        play.check(slow < 0.25, f"honest p99 {slow * 1000:.0f} ms")
        play.check(peak - before < 60, f"memory went from {before:.0f} to {peak:.0f} MB")


ROWS = (
    Row(1, "2xx means stored", stored_before_told, "acknowledge_early"),
    Row(6, "deduplication has no race", no_race_in_deduplication, "no_deduplication"),
    Row(12, "forged is refused, honest never lost", forged_refused_honest_kept, "any_signature"),
    Row(13, "fast under attack", fast_under_attack, "no_body_limit", alone=True),
)
