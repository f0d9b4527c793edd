"""DESIGN §5: a bug parks its change with an id to find the log by; other records go on, and what was asked stays asked."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.effects import Claim
from bridge.runtime import driver
from bridge.sync.terms import Terms
from tests.support.family import family


def test_a_bug_parks_its_record_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with family(tmp_path) as there:
        other, account = there.new_company(name="Borg", website="borg.example")
        for side, object, id in (("crm", "companies", there.company), ("assembly", "accounts", there.account)):
            getattr(there, side)(object, id, name=f"By {side}")
        there.look("companies", "crm", there.company)
        (asked,) = there.open_items()
        sound = driver.reconcile

        def broken(claim: Claim, terms: Terms) -> Generator[Any, Any, None]:
            if claim.change.record_id == there.company:
                raise ZeroDivisionError
            yield from sound(claim, terms)

        monkeypatch.setattr(driver, "reconcile", broken)
        there.crm("companies", there.company, phone="+1 5")
        there.crm("companies", other, phone="+1 6")
        there.look("companies", "crm", there.company)
        there.look("companies", "crm", other)
        (bug,) = [item for item in there.open_items() if item.cause == "bug"]
        (error_id,) = re.findall(r"find (\w{12}) in the log", bug.detail)
        told = capsys.readouterr()
        assert error_id in told.out + told.err
        assert asked.id in {item.id for item in there.open_items()}, "an open question is not lost with it"
        assert there.row("assembly", "accounts", account)["phone"] == ["+1 6"]

        monkeypatch.setattr(driver, "reconcile", sound)
        there.decide(bug, "retry")
        assert there.row("assembly", "accounts", there.account)["phone"] == ["+1 5"]
        assert [item.id for item in there.open_items()] == [asked.id]
