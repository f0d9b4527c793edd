"""`bridge up` against systems as they are, and what happens when its parts are killed."""

from __future__ import annotations

import os
import signal
import time
import uuid
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from bridge.sandbox import seed
from tests.e2e.whole import Whole, loads, pairs, pids_with, until, whole

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def fill(whole: Whole, companies: int = 20) -> dict[str, int]:
    return whole.crm.control.seed(seed.demo(3, companies))


def backfilled(whole: Whole, id: str) -> bool:
    run = whole.run(id)
    assert run["state"] not in ("failed", "cancelled"), run
    return bool(run["state"] == "done")


def complete(whole: Whole) -> None:
    """Every active company is there once, and no key twice anywhere."""
    active = sum(row["status"] == "active" for row in whole.crm.control.records("companies"))
    assert pairs(whole, "companies", "accounts") == active
    assert pairs(whole, "leads", "deals") == len(whole.crm.control.dump("leads"))
    pairs(whole, "contacts", "contacts")
    notes = [row["source_specific_id"] for row in whole.assembly.control.records("notes")]
    assert sorted(notes) == sorted(row["id"] for row in whole.crm.control.records("activities"))


def test_everything_runs_crashes_are_repaired_and_nothing_stays() -> None:
    with whole() as all:
        fill(all)
        with all.running("up") as up:
            all.ready()
            all.webhooks()
            started = all.bridge("backfill", "--json")
            assert started.returncode == 0, started.stderr
            assert loads(started.stdout)["state"] == "done"
            complete(all)

            (worker,) = all.pids("-m workers.process")
            (api,) = all.pids("serve --fd")
            os.kill(worker, signal.SIGKILL)
            os.kill(api, signal.SIGKILL)
            company = all.crm.control.create("companies", {"name": "While you were away", "website": "away.example"})
            until(lambda: all.pids("-m workers.process") - {worker} != set(), 20, "a new worker")
            until(lambda: all.pids("serve --fd") - {api} != set(), 20, "a new API")
            until(
                lambda: any(
                    company["id"] in row["source_specific_ids"] for row in all.assembly.control.records("accounts")
                ),
                40,
                "the arrival of a webhook sent while the API was down",
            )

            up.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert up.wait(20) == 0
            assert time.monotonic() - began < 12
        until(lambda: not pids_with(str(all.folder)), 5, "the end of every process")


def test_nothing_outlives_a_killed_parent() -> None:
    with whole() as all, all.running("up") as up:
        all.ready()
        assert len(pids_with(str(all.folder))) >= 4
        up.kill()
        up.wait()
        until(lambda: not pids_with(str(all.folder)), 20, "the end of every process")


def test_a_second_bridge_on_the_same_port_is_refused_in_words() -> None:
    with whole() as all:
        with all.running("up"):
            all.ready()
            second = all.bridge("up")
        assert second.returncode == 2
        assert "BRIDGE_PORT" in second.stderr
        assert "Traceback" not in second.stderr


def test_a_backfill_survives_killed_workers_and_a_flushed_redis() -> None:
    with whole(limit=30, redis=True) as all:
        fill(all)
        with all.running("up"):
            all.ready()
            run = all.api("POST", "/admin/backfills", {"connection": "default"})
            until(lambda: len(all.assembly.control.dump("accounts")) > 3, 40, "the first writes")
            for _ in range(2):
                for pid in all.pids("-m workers.process"):
                    os.kill(pid, signal.SIGKILL)
                with redis.Redis.from_url(all.env["BRIDGE_REDIS_URL"]) as client:
                    client.flushall()
                time.sleep(3)
            until(lambda: backfilled(all, run["id"]), 90, "the end of the backfill")
            complete(all)
            stats = all.assembly.control.stats()
            assert stats["too_many"] == 0, stats
            before = all.assembly.control.stats()["calls"], all.crm.control.stats()["calls"]
            again = all.api("POST", "/admin/backfills", {"connection": "default"})
            until(lambda: backfilled(all, again["id"]), 60, "the end of the second backfill")
            for was, now in zip(
                before, (all.assembly.control.stats()["calls"], all.crm.control.stats()["calls"]), strict=True
            ):
                made = {name: count - was.get(name, 0) for name, count in now.items() if count > was.get(name, 0)}
                assert all_reads(made), made


def all_reads(calls: dict[str, int]) -> bool:
    return all(name.endswith((".list", ".get", ".search")) for name in calls)


def test_without_any_redis_a_worker_and_a_command_work_by_the_database() -> None:
    with whole() as all:
        fill(all, 8)
        with all.running("serve"), all.running("worker"):
            all.ready()
            all.webhooks()
            run = all.api("POST", "/admin/backfills", {"connection": "default"})
            until(lambda: backfilled(all, run["id"]), 90, "the end of the backfill")
            complete(all)


def test_a_command_alone_does_the_whole_backfill() -> None:
    with whole() as all:
        fill(all, 8)
        plan = all.bridge("plan", "--json")
        assert plan.returncode == 1, plan.stderr
        assert loads(plan.stdout)["items"]
        assert all.assembly.control.dump("accounts") == []
        done = all.bridge("backfill")
        assert done.returncode == 0, done.stderr
        complete(all)


def test_a_lost_database_is_built_again_from_the_join_keys() -> None:
    with whole() as all:
        fill(all, 10)
        assert all.bridge("backfill").returncode == 0
        complete(all)
        accounts = {row["id"] for row in all.assembly.control.records("accounts")}
        for file in all.folder.glob("bridge.db*"):
            file.unlink()
        (company,) = all.crm.control.dump("companies")[:1]
        all.crm.control.patch("companies", company["id"], {"phone": "+1 999"})
        assert all.bridge("backfill").returncode == 0
        assert {row["id"] for row in all.assembly.control.records("accounts")} == accounts
        complete(all)


def test_a_new_connection_only_observes() -> None:
    with whole() as all:
        fill(all, 5)
        with all.running("up"):
            all.ready()
            all.webhooks()
            company = all.crm.control.dump("companies")[0]
            all.crm.control.patch("companies", company["id"], {"name": "Seen early"})
            until(lambda: all.api("GET", "/admin/events")["items"] != [], 20, "the webhook's arrival")
            time.sleep(3)
            assert all.assembly.control.dump("accounts") == []
            run = all.api("POST", "/admin/backfills", {"connection": "default"})
            until(lambda: backfilled(all, run["id"]), 60, "the end of the backfill")
            names = {row["name"] for row in all.assembly.control.records("accounts")}
            assert "Seen early" in names


def test_everything_works_on_postgresql_too(postgres_url: str) -> None:
    name = f"whole_{uuid.uuid4().hex[:12]}"
    server = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        with whole(database_url=urlsplit(server)._replace(path=f"/{name}").geturl()) as all:
            fill(all, 8)
            with all.running("up"):
                all.ready()
                all.webhooks()
                run = all.api("POST", "/admin/backfills", {"connection": "default"})
                until(lambda: backfilled(all, run["id"]), 90, "the end of the backfill")
                complete(all)
                for pid in all.pids("-m workers.process"):
                    os.kill(pid, signal.SIGKILL)
                company = next(row for row in all.crm.control.records("companies") if row["status"] == "active")
                all.crm.control.patch("companies", company["id"], {"name": "Renamed while the worker was dead"})
                until(
                    lambda: (
                        "Renamed while the worker was dead"
                        in {row["name"] for row in all.assembly.control.records("accounts")}
                    ),
                    40,
                    "the edit's arrival",
                )
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
