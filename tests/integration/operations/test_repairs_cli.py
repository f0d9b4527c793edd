"""``undo`` and ``forget`` on the command line, against real sandboxes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from bridge.cli.app import main
from tests.support.engine import CONNECTION, SHIPPED
from tests.support.family import Family, family


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Family]:
    with family(tmp_path) as made:
        for name in [name for name in os.environ if name.startswith("BRIDGE_")]:
            monkeypatch.delenv(name)
        settings = {
            "CRM_BASE_URL": made.bridge.crm.url,
            "CRM_API_KEY": made.bridge.crm.key,
            "CRM_ENTITY_ID": made.bridge.crm.entity_id,
            "ASSEMBLY_BASE_URL": made.bridge.assembly.url,
            "ASSEMBLY_API_KEY": made.bridge.assembly.key,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'bridge.db'}",
            "MAPPINGS_DIR": str(SHIPPED),
            "REMOTE_LAG_SECONDS": "1",
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"BRIDGE_{name}", value)
        monkeypatch.chdir(tmp_path)
        yield made


def test_a_plan_is_shown_and_carried_out_when_asked(there: Family, capsys: pytest.CaptureFixture[str]) -> None:
    there.crm("companies", there.company, name="Wrong")
    there.look("companies", "crm", there.company)
    assert main(["undo", "--cause", "carried", "--dry-run"]) == 1
    assert '  name: "Wrong" → "Acme" in assembly' in capsys.readouterr().err.splitlines()
    assert there.name("assembly") == "Wrong"
    assert main(["undo", "--cause", "carried", "--yes"]) == 0
    assert there.name("assembly") == "Acme"
    assert main(["undo", "--cause", "carried", "--yes"]) == 0, "nothing is left to take back"
    capsys.readouterr()
    assert main(["undo", "--record", f"contacts/crm:{there.contact}", "--dry-run"]) == 1
    plan = capsys.readouterr().err.splitlines()
    assert "  the bridge made it: it is deleted in assembly, or archived where it cannot be deleted" in plan
    assert '  name: "Ann Doe"' in plan


def test_a_person_is_forgotten(there: Family, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "ann", "--yes"]) == 2
    capsys.readouterr()
    assert main(["forget", "ann@acme.example", "--yes", "--json"]) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert set(told["records"]) == {f"contacts/crm:{there.contact}", f"contacts/assembly:{there.person}"}
    link = there.bridge.store.links.by_end(CONNECTION, "contacts", "crm", [there.contact])[there.contact]
    assert link.state == "dead"
