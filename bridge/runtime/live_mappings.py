"""The mapping files of one folder, followed while they are edited (DESIGN §7).

A saved edit is in force within a second. A broken one keeps the last good version running, and says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeAlias, TypeVar

import structlog

from bridge.core.errors import MappingError, SettingsError

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
Loaded = TypeVar("Loaded")
Stamp: TypeAlias = tuple[tuple[str, int, int], ...]
"""Name, modification time and size of every file."""


def read_folder(folder: Path) -> Mapping[str, str]:
    """File name to text of every ``*.yaml``. Raises ``SettingsError`` if there is none or one cannot be read."""
    try:
        texts = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.yaml"))}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the mappings in {folder}: {error}") from error
    if not texts:
        raise SettingsError(f"there is no mapping in {folder}: set BRIDGE_MAPPINGS_DIR to the folder with *.yaml files")
    return texts


def _stamp(folder: Path) -> Stamp:
    found = []
    for path in sorted(folder.glob("*.yaml")):
        status = path.stat()
        found.append((path.name, status.st_mtime_ns, status.st_size))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Reading(Generic[Loaded]):
    """What is in force, and what is wrong with a newer edit that is not."""

    loaded: Loaded
    problem: str | None = None


class LiveFolder(Generic[Loaded]):
    """``load`` turns the texts of a folder into what is used; it raises ``MappingError`` for a broken edit."""

    def __init__(
        self,
        folder: Path,
        load: Callable[[Mapping[str, str]], Loaded],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ``MappingError`` or ``SettingsError`` if there is no good version to begin with."""
        self.folder = folder
        self._load = load
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._stamp = _stamp(folder)
        self._looked = monotonic()
        self._reading = Reading(load(read_folder(folder)))

    @property
    def reading(self) -> Reading[Loaded]:
        """Looks at the folder once a second at most; shared by threads."""
        if self._monotonic() - self._looked >= LOOK_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._looked = self._monotonic()
                self._look()
            finally:
                self._lock.release()
        return self._reading

    @property
    def current(self) -> Loaded:
        return self.reading.loaded

    def reload(self) -> Reading[Loaded]:
        """Read the files now, changed or not."""
        with self._lock:
            self._stamp = ()
            self._look()
        return self._reading

    def _look(self) -> None:
        try:
            stamp = _stamp(self.folder)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._reading = Reading(self._load(read_folder(self.folder)))
            log.info("mappings loaded", folder=self.folder.name)
        except (MappingError, SettingsError, OSError) as error:
            self._reading = Reading(self._reading.loaded, problem=str(error))
            log.error("mappings are broken, the last good version stays in force", problem=str(error))
