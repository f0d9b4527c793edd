"""A broken edit of the mappings shows in health, which stays good: the last good version runs."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from bridge.cli import main
from tests.support.api_server import Server

ROOT = Path(__file__).parents[3]


def test_a_broken_edit_shows_in_health_until_it_is_mended(
    own_server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mappings"
    shutil.copytree(ROOT / "mappings", folder)
    own_server.settings["MAPPINGS_DIR"] = str(folder)
    own_server.start()
    mapping = folder / "companies.yaml"
    good = mapping.read_text()

    mapping.write_text(good.replace("as: domain", "as: domian"))
    await_ready(own_server, {"status": "ok", "mappings": "broken"})
    assert main(["health", "--url", own_server.url]) == 0
    assert "an edit of the mappings is broken" in capsys.readouterr().out

    mapping.write_text(good)
    await_ready(own_server, {"status": "ok"})
    assert main(["health", "--url", own_server.url]) == 0
    assert "broken" not in capsys.readouterr().out


def await_ready(server: Server, said: dict[str, str]) -> None:
    """Within two seconds of the edit."""
    end = time.monotonic() + 2
    while (answer := server.client.get(f"{server.url}/health/ready")).json() != said:
        assert time.monotonic() < end, answer.text
        time.sleep(0.05)
    assert answer.status_code == 200
