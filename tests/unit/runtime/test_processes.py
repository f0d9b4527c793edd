"""Children end with their parent, crashed ones come back, and stopping leaves nothing running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.runtime.processes import Backoff, Child, Program, Supervisor, describe

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")


def alive(pid: int) -> bool:
    """Whether a process with this pid runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def group(pgid: int) -> list[int]:
    """Pids of a process group that still run."""
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[2]) == pgid and fields[0] != "Z":
                pids.append(int(entry.name))
    return pids


def test_a_stopped_child_is_gone_with_its_guard() -> None:
    child = Child(SLEEP)
    assert until(lambda: len(group(child.pid)) == 2)
    began = time.monotonic()
    status = child.stop()
    assert status == -signal.SIGTERM
    assert time.monotonic() - began < 3
    assert until(lambda: group(child.pid) == [])


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_time() -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(600)"
    )
    child = Child((sys.executable, "-c", stubborn), grace=0.3, log=Path(os.devnull))
    time.sleep(0.5)
    assert child.stop(5) == -signal.SIGKILL
    assert until(lambda: group(child.pid) == [])


def test_grandchildren_end_with_the_child(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = f"import subprocess, pathlib, time; p = subprocess.Popen(['sleep', '600']); pathlib.Path({str(file)!r}).write_text(str(p.pid)); time.sleep(600)"
    child = Child((sys.executable, "-c", code))
    assert until(lambda: file.exists() and file.read_text() != "")
    grandchild = int(file.read_text())
    assert alive(grandchild)
    child.stop()
    assert until(lambda: not alive(grandchild))


def test_children_of_a_killed_parent_end_by_themselves(tmp_path: Path) -> None:
    file, folder = tmp_path / "pid", tmp_path / "private"
    folder.mkdir()
    code = f"""
import pathlib, time
from bridge.runtime.processes import Child
child = Child(("sleep", "600"), remove=pathlib.Path({str(folder)!r}))
pathlib.Path({str(file)!r}).write_text(str(child.pid))
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code])
    assert until(lambda: file.exists() and file.read_text() != "")
    pid = int(file.read_text())
    assert alive(pid)
    parent.kill()
    parent.wait()
    assert until(lambda: group(pid) == [], 8)
    assert not folder.exists()


def test_one_child_does_not_hold_another_ones_pipe() -> None:
    first, second = Child(SLEEP), Child(SLEEP)
    try:
        first.request_stop()
        assert first.wait(3) == -signal.SIGTERM
        assert second.poll() is None
    finally:
        second.stop()


def test_the_output_of_a_child_goes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = Child(("sh", "-c", "echo out; echo err >&2; exit 3"), log=log)
    assert child.wait(5) == 3
    assert log.read_text().split() == ["out", "err"]


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor(backoff=Backoff(first=0.05, longest=0.2))


def test_a_crashed_program_is_started_again(supervisor: Supervisor) -> None:
    try:
        supervisor.start(Program("worker", SLEEP))
        before = supervisor.pids()["worker"]
        os.kill(before, signal.SIGKILL)
        assert until(lambda: supervisor.pids().get("worker", before) != before)
    finally:
        supervisor.stop()


def test_stopping_the_supervisor_leaves_nothing_running(supervisor: Supervisor) -> None:
    for name in ("one", "two", "three"):
        supervisor.start(Program(name, SLEEP))
    pids = list(supervisor.pids().values())
    assert len(pids) == 3
    supervisor.stop()
    assert until(lambda: all(group(pid) == [] for pid in pids))


def test_the_end_of_a_vital_program_is_told_and_not_repaired(supervisor: Supervisor) -> None:
    try:
        supervisor.start(Program("sandbox", ("sh", "-c", "exit 1"), vital=True))
        assert supervisor.failed.wait(5)
        time.sleep(0.3)
        assert supervisor.pids() == {}
    finally:
        supervisor.stop()


def test_a_program_that_keeps_crashing_is_started_ever_more_slowly() -> None:
    events: list[str] = []
    supervisor = Supervisor(backoff=Backoff(first=0.1, longest=0.4), on_event=lambda _, what: events.append(what))
    try:
        supervisor.start(Program("broken", ("sh", "-c", "exit 7")))
        assert until(lambda: len([e for e in events if "ended" in e]) >= 4)
    finally:
        supervisor.stop()
    waits = [event.rsplit("restart in ", 1)[1] for event in events if "restart" in event]
    assert waits[:4] == ["0.1 s", "0.2 s", "0.4 s", "0.4 s"]


def test_a_status_is_told_in_words() -> None:
    assert [describe(3), describe(-9), describe(-63)] == ["exit 3", "SIGKILL", "signal 63"]
