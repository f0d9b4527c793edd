"""What only served to work is dropped by a duty, after as many days as the settings say."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from bridge.bootstrap import build, load_settings
from bridge.bootstrap.working import duties
from tests.support.engine import SHIPPED

SETTINGS = {
    "CRM_BASE_URL": "http://127.0.0.1:9/api/crm",
    "CRM_API_KEY": "k",
    "CRM_ENTITY_ID": "497f6eca-6276-4993-bfeb-53cbbbba6f08",
    "ASSEMBLY_BASE_URL": "http://127.0.0.1:9",
    "ASSEMBLY_API_KEY": "k",
    "MAPPINGS_DIR": str(SHIPPED),
    "RETENTION_DAYS": "2",
}


def test_old_webhook_bodies_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BRIDGE_")]:
        monkeypatch.delenv(name)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"BRIDGE_{name}", value)
    monkeypatch.chdir(tmp_path)
    with contextlib.closing(build(load_settings())) as bridge:
        with sqlite3.connect(tmp_path / "bridge.db") as database:
            for days in (1, 3):
                database.execute(
                    "INSERT INTO inbox (connection, event_id, type, object, record_id, body, hints, received_at, state) "
                    f"VALUES ('default', 'e{days}', 't', 'companies', 'c', x'7b7d', '[]', datetime('now', '-{days} days'), 'stored')"
                )
        (prune,) = [duty for duty in duties(bridge, "me")._duties if duty.name == "prune"]
        prune.run("default", threading.Event())
        assert [row.event_id for row in bridge.store.inbox.page().items] == ["e1"]
