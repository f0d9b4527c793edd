"""A saved edit of a mapping is in force within a second; a broken one leaves the last good version running."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from bridge.core.errors import MappingError, Mistake, SettingsError
from bridge.runtime.live_mappings import LiveFolder


class Steady:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def load(texts: Mapping[str, str]) -> str:
    for name, text in texts.items():
        if "broken" in text:
            raise MappingError([Mistake(name, 3, 5, "unknown key 'feilds'", "Did you mean fields?")])
    return "|".join(texts.values())


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "companies.yaml").write_text("one")
    return tmp_path


def save(path: Path, text: str, second: int) -> None:
    path.write_text(text)
    os.utime(path, (second, second))


def test_an_edit_is_seen_after_a_second(folder: Path, steady: Steady) -> None:
    live = LiveFolder(folder, load, monotonic=steady)
    save(folder / "companies.yaml", "two", 100)
    assert live.current == "one", "looked at the disk more than once a second"
    steady.now = 1.0
    assert live.current == "two"
    assert live.reading.problem is None


def test_a_broken_edit_keeps_the_last_good_version_and_says_where(folder: Path, steady: Steady) -> None:
    live = LiveFolder(folder, load, monotonic=steady)
    save(folder / "companies.yaml", "broken", 100)
    steady.now = 2.0
    assert live.current == "one"
    assert live.reading.problem == "companies.yaml:3:5: unknown key 'feilds' Did you mean fields?"
    save(folder / "companies.yaml", "mended", 200)
    steady.now = 4.0
    assert live.current == "mended"
    assert live.reading.problem is None


def test_a_new_and_a_removed_file_count_as_edits(folder: Path, steady: Steady) -> None:
    live = LiveFolder(folder, load, monotonic=steady)
    (folder / "deals.yaml").write_text("deals")
    steady.now = 1.0
    assert live.current == "one|deals"
    (folder / "deals.yaml").unlink()
    steady.now = 2.0
    assert live.current == "one"


def test_an_emptied_folder_keeps_the_last_good_version(folder: Path, steady: Steady) -> None:
    live = LiveFolder(folder, load, monotonic=steady)
    (folder / "companies.yaml").unlink()
    steady.now = 1.0
    assert live.current == "one"
    assert "no mapping" in str(live.reading.problem)


def test_reload_does_not_wait(folder: Path, steady: Steady) -> None:
    live = LiveFolder(folder, load, monotonic=steady)
    save(folder / "companies.yaml", "two", 100)
    assert live.reload().loaded == "two"


def test_there_must_be_a_good_version_to_begin_with(folder: Path, tmp_path: Path) -> None:
    (folder / "companies.yaml").write_text("broken")
    with pytest.raises(MappingError):
        LiveFolder(folder, load)
    with pytest.raises(SettingsError, match="BRIDGE_MAPPINGS_DIR"):
        LiveFolder(tmp_path / "nowhere", load)
