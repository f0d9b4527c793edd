"""`bridge demo` as a new user sees it, with no Redis on PATH, and what it leaves behind: nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.whole import BRIDGE, ROOT, pids_with, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def demo(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """No PATH but the interpreter's: no Redis, no valkey."""
    env = {**os.environ, "PATH": str(Path(sys.executable).parent), "COLUMNS": "140"}
    return subprocess.Popen(
        [*BRIDGE, "demo", "--keep", str(folder), *arguments],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_once_shows_everything_agrees_and_leaves_nothing(tmp_path: Path) -> None:
    process = demo(tmp_path / "demo", "--once", "--companies", "25")
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    assert output.count("✓") == 8, output
    assert "✗" not in output
    for words in (
        "Both sides agree",
        "The second backfill made 0 writes",
        "waiting",
        "429s",
        "/docs",
        "email is empty",
    ):
        assert words in output, output
    until(lambda: not pids_with(str(tmp_path)), 15, "the end of every process")


def test_a_demo_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    process = demo(tmp_path / "demo")
    until(lambda: len(pids_with(str(tmp_path))) >= 5, 60, "the start")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    output, _ = process.communicate(timeout=30)
    assert time.monotonic() - began < 15, output
    assert "Traceback" not in output
    until(lambda: not pids_with(str(tmp_path)), 10, "the end of every process")


def test_a_demo_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    process = demo(tmp_path / "demo")
    until(lambda: len(pids_with(str(tmp_path))) >= 5, 60, "the start")
    process.kill()
    process.communicate(timeout=10)
    until(lambda: not pids_with(str(tmp_path)), 20, "the end of every process")


def test_a_wrong_folder_of_mappings_is_told_in_a_line(tmp_path: Path) -> None:
    process = demo(tmp_path / "demo", "--mappings", str(tmp_path / "nowhere"))
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "Traceback" not in output
    assert "--mappings" in output
