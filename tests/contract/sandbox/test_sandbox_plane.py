"""The control plane: edits, dumps, faults, stale reads, limits, and the process itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from bridge.sandbox.control import Control, ControlError
from bridge.sandbox.limiter import Limiter
from tests.support.sandboxes import Box, assembly_sandbox, crm_sandbox

ACME = {"type": "Company", "name": "Acme", "domain": "acme.com"}


def test_the_plane_needs_its_token(crm_box: Box, crm: httpx.Client) -> None:
    with Control(crm_box.url, "wrong") as stranger, pytest.raises(ControlError, match="401"):
        stranger.health()
    assert httpx.get(f"{crm_box.control.origin}/_sandbox/health").status_code == 401


def test_unknown_objects_records_and_names_are_told(crm_box: Box, crm: httpx.Client) -> None:
    control = crm_box.control
    for refused in (
        lambda: control.dump("people"),
        lambda: control.patch("companies", "nobody", {}),
        lambda: control.delete("companies", "nobody"),
        lambda: control.switches(nonsense=1),
        lambda: control.fault("explode"),
        lambda: control.fault("reset", often=True),
        lambda: control.webhooks(nonsense=1),
        lambda: control.seed({"companies": ["Acme"]}),  # type: ignore[list-item]
    ):
        with pytest.raises(ControlError) as told:
            refused()
        assert told.value.status in (400, 404)


def test_a_person_creates_changes_and_deletes(assembly_box: Box, assembly: httpx.Client) -> None:
    control = assembly_box.control
    row = control.create("accounts", {"name": "Acme", "domain": "acme.com", "additional_properties": {"a": 1, "b": 2}})
    control.patch("accounts", row["id"], {"phone": ["1"], "additional_properties": {"b": None, "c": 3}})
    shown = assembly.get(f"/accounts/{row['id']}").json()["account"]
    assert (shown["phone"], shown["additional_properties"]) == (["1"], {"a": 1, "c": 3})
    assert shown["updated_at"] > row["updated_at"]
    control.delete("accounts", row["id"])
    assert assembly.get("/accounts/acme.com").status_code == 404


def test_the_same_seed_makes_the_same_ids(crm_box: Box, crm: httpx.Client) -> None:
    first = [crm.post("/companies", json={"name": "A"}).json()["id"] for _ in range(3)]
    crm_box.control.reset()
    assert [crm.post("/companies", json={"name": "A"}).json()["id"] for _ in range(3)] == first
    with crm_sandbox(seed=2) as other:
        assert other.control.create("companies", {"name": "A"})["id"] not in first


def test_seed_and_dump_are_pages_of_the_same_records(crm_box: Box, crm: httpx.Client) -> None:
    rows = [{"id": f"id{n}", "name": f"{n}"} for n in range(25)]
    assert crm_box.control.seed({"companies": rows, "contacts": []}, batch=10) == {"companies": 25, "contacts": 0}
    assert [row["id"] for row in crm_box.control.records("companies", page=7)] == [row["id"] for row in rows]
    assert crm_box.control.health()["records"]["companies"] == 25


def test_stats_count_calls_and_answers(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly.get("/accounts")
    assembly.get("/accounts/nobody")
    assembly.post("/accounts", json={})
    stats = assembly_box.control.stats()
    assert stats["calls"] == {"accounts.list": 1, "accounts.get": 1, "accounts.create": 1}
    assert stats["statuses"] == {"200": 1, "404": 1, "400": 1}
    assert (stats["total"], stats["most_arrived_in_a_second"]) == (3, 3)


# --- limits -------------------------------------------------------------------------------------------------------


def test_a_sliding_window_counts_any_second() -> None:
    limiter = Limiter(3, window="sliding")
    assert [limiter.admit(at) for at in (0.75, 0.875, 1.0, 1.5, 1.74)] == [True, True, True, False, False]
    assert [limiter.admit(at) for at in (1.75, 1.8, 1.875)] == [True, False, True]


def test_a_fixed_window_counts_the_clocks_second() -> None:
    limiter = Limiter(3, window="fixed")
    assert [limiter.admit(at) for at in (0.9, 0.95, 0.99, 0.999)] == [True, True, True, False]
    assert [limiter.admit(at) for at in (1.0, 1.01, 1.02, 1.5, 2.0)] == [True, True, True, False, True]


@pytest.mark.parametrize("window", ["sliding", "fixed"])
def test_more_than_30_a_second_are_429(assembly_box: Box, assembly: httpx.Client, window: str) -> None:
    assembly_box.control.switches(limit_per_second=30, limit_window=window)
    with ThreadPoolExecutor(4) as pool:
        begun = time.monotonic()
        statuses = list(pool.map(lambda _: assembly.get("/accounts").status_code, range(90)))
        spent = time.monotonic() - begun
    stats = assembly_box.control.stats()
    assert stats["too_many"] == statuses.count(429) > 0
    # A fixed window may begin anywhere in the second.
    most = 30 * (int(spent) + (1 if window == "sliding" else 2))
    assert 30 <= statuses.count(200) <= most
    if window == "sliding":
        assert stats["most_admitted_in_a_second"] == 30


def test_assembly_has_its_documented_limit_by_itself() -> None:
    with assembly_sandbox(limit_per_second=None) as box:
        assert box.control.switches()["limit_per_second"] == 30


# --- faults -------------------------------------------------------------------------------------------------------


def test_a_status_fault_strikes_the_next_matching_calls_only(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.fault("status", operation="accounts.*", method="POST", status=503, next=2)
    assert assembly.get("/accounts").status_code == 200
    assert [assembly.post("/accounts", json=ACME).status_code for _ in range(3)] == [503, 503, 200]
    assert assembly_box.control.faults()[0]["struck"] == 2


def test_a_429_with_retry_after(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.fault("status", path="/deals*", status=429, retry_after=1.5)
    answer = assembly.get("/deals")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1.5")


def test_a_fault_may_strike_after_the_system_has_done_it(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.fault("status", operation="accounts.create", status=500, applied=True, next=1)
    assert assembly.post("/accounts", json=ACME).status_code == 500
    assert assembly.get("/accounts/acme.com").status_code == 200


@pytest.mark.parametrize("applied", [False, True])
def test_a_reset_before_or_after_applying(assembly_box: Box, assembly: httpx.Client, applied: bool) -> None:
    assembly_box.control.fault("reset", operation="accounts.create", applied=applied, next=1)
    with pytest.raises(httpx.TransportError):
        assembly.post("/accounts", json=ACME)
    assert assembly.get("/accounts/acme.com").status_code == (200 if applied else 404)


def test_a_truncated_body(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.fault("truncate", operation="accounts.create", next=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        assembly.post("/accounts", json=ACME)
    assert assembly.get("/accounts/acme.com").status_code == 200


def test_a_body_that_is_not_json(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.fault("not_json", next=1)
    answer = assembly.get("/accounts")
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")


def test_a_hang_outlasts_the_caller(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.fault("hang", operation="accounts.create", seconds=5, applied=True, next=1)
    with pytest.raises(httpx.ReadTimeout):
        assembly.post("/accounts", json=ACME, timeout=0.2)
    assert assembly.get("/accounts/acme.com").status_code == 200
    assembly_box.control.fault("hang", seconds=0.1, next=1)
    with pytest.raises(httpx.TransportError):
        assembly.get("/accounts")


def test_latency_adds_up_and_can_be_cleared(assembly_box: Box, assembly: httpx.Client) -> None:
    first = assembly_box.control.fault("latency", seconds=0.1)
    assembly_box.control.fault("latency", seconds=0.1, jitter=0.01)
    begun = time.monotonic()
    assembly.get("/accounts")
    assert time.monotonic() - begun >= 0.2
    assembly_box.control.clear_faults(first)
    assert [rule["id"] for rule in assembly_box.control.faults()] == [first + 1]
    assembly_box.control.clear_faults()
    begun = time.monotonic()
    assembly.get("/accounts")
    assert time.monotonic() - begun < 0.1


def test_chance_is_seeded(assembly_box: Box, assembly: httpx.Client) -> None:
    def strikes() -> list[int]:
        assembly_box.control.reset()
        assembly_box.control.fault("status", status=500, probability=0.5)
        return [assembly.get("/accounts").status_code for _ in range(20)]

    first = strikes()
    assert {200, 500} == set(first)
    assert strikes() == first


# --- stale reads and clocks ---------------------------------------------------------------------------------------


def test_stale_reads_show_the_past_and_writes_see_the_present(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly.post("/accounts", json=ACME)
    assembly_box.control.switches(stale_reads_ms=300)
    assembly.put("/accounts/acme.com", json={"name": "New"})
    made = assembly.post("/accounts", json={**ACME, "domain": "b.com"}).json()["id"]
    assert assembly.get("/accounts/acme.com").json()["account"]["name"] == "Acme"
    assert assembly.get(f"/accounts/{made}").status_code == 404
    assert len(assembly.get("/accounts").json()["accounts"]["data"]) == 1
    assert assembly.post("/accounts", json={**ACME, "domain": "b.com"}).status_code == 409
    time.sleep(0.35)
    assert assembly.get("/accounts/acme.com").json()["account"]["name"] == "New"
    assert assembly.get(f"/accounts/{made}").status_code == 200
    assembly.delete("/accounts/acme.com")
    assert assembly.get("/accounts/acme.com").status_code == 200
    assembly_box.control.switches(stale_reads_ms=0)
    assert assembly.get("/accounts/acme.com").status_code == 404


def test_a_reset_ends_stale_reads_memory_and_not_the_switch(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.switches(stale_reads_ms=200)
    assembly_box.control.reset()
    assembly.post("/accounts", json=ACME)
    assert assembly.get("/accounts/acme.com").status_code == 404
    time.sleep(0.25)
    assert assembly.get("/accounts/acme.com").status_code == 200


def test_a_skewed_clock_shows_in_stamps_and_date(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.switches(clock_skew_seconds=-86400 * 400)
    answer = assembly.post("/accounts", json=ACME)
    stamp = assembly.get("/accounts/acme.com").json()["account"]["updated_at"]
    assert stamp[:4] in answer.headers["date"]
    assert stamp < time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400 * 399))


# --- the process --------------------------------------------------------------------------------------------------


def test_a_sandbox_is_a_process_of_its_own_and_stops_fast(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    code = f"from bridge.sandbox.server import run; run('crm', key='k', token='t', port_file={str(port_file)!r})"
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        deadline = time.monotonic() + 20
        while not port_file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        with Control(f"http://127.0.0.1:{port_file.read_text()}/api/crm", "t") as control:
            assert control.health()["system"] == "crm"
            os.kill(child.pid, signal.SIGTERM)
            begun = time.monotonic()
            child.wait(10)
            assert time.monotonic() - begun < 3
    finally:
        child.kill()
        child.wait(10)


def test_without_a_port_file_the_address_is_told_on_stdout() -> None:
    code = "from bridge.sandbox.server import run; run('wavo', key='k', token='t')"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        assert '"system": "wavo"' in line
        assert line.rstrip().endswith('/api/v1"}')
    finally:
        child.terminate()
        child.communicate(timeout=10)
