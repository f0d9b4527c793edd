"""What a benchmark answers, and the machine it ran on."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: the median of ``runs`` and their range; without runs, what was not measured."""

    name: str
    runs: tuple[float, ...]
    unit: str
    aim: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    @property
    def shown(self) -> str:
        return f"{self.median:,.4g} {self.unit}" if self.runs else "not measured"

    @property
    def range(self) -> str:
        return f"{min(self.runs):.4g} to {max(self.runs):.4g}" if len(self.runs) > 1 else ""


class WrongEnd(AssertionError):
    """The run was fast and its end state is not what it should be: its figures count for nothing."""


def verify(holds: bool, what: str) -> None:
    if not holds:
        raise WrongEnd(what)


def until(condition: Callable[[], bool], seconds: float, what: str, pause: float = 0.02) -> float:
    """How many seconds it took until ``condition``. Raises ``WrongEnd`` when that is too long."""
    began = time.monotonic()
    while not condition():
        verify(time.monotonic() - began < seconds, f"{what}: not within {seconds:g} s")
        time.sleep(pause)
    return time.monotonic() - began


def machine() -> str:
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    load = os.getloadavg()[0]
    return f"{model or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f} before the run"


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0
