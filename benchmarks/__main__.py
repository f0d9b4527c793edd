"""``python -m benchmarks``: the figures of docs/benchmarks.md, on this machine.

python -m benchmarks                     every part, three runs where a run is short
python -m benchmarks ingest engine       some of them
python -m benchmarks --full              longer runs, 1,000,000 links
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks import calls, engine, growth, ingest, latency, peer, saturation
from benchmarks.measures import Figure, machine

PARTS: Final[Mapping[str, Callable[..., Iterator[Figure]]]] = {
    "ingest": ingest.ingest,
    "engine": engine.engine,
    "saturation": saturation.saturation,
    "calls": calls.calls,
    "growth": growth.growth,
    "latency": latency.latency,
    "peer": peer.peer,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--full", action="store_true")
    parser.add_argument(
        "--install", action="store_true", help="let the part peer install Node-RED from npm, for its run"
    )
    given = parser.parse_args()
    if strangers := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(strangers))}; there are {', '.join(PARTS)}")
    console, about, began = Console(), machine(), time.monotonic()
    table = Table("figure", "median", "range", "aim", title=about)
    for name in given.parts or PARTS:
        options = {"install": given.install} if name == "peer" else {}
        for figure in PARTS[name](given.runs, full=given.full, **options):
            table.add_row(figure.name, figure.shown, figure.range, figure.aim)
            console.print(f"{figure.name}: {figure.shown}", style="dim")
    console.print(table)
    console.print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
