"""``python -m tests.chaos``: the promises between real processes, one row each, with the figures seen.

python -m tests.chaos                the quick form of every row (about ten minutes on two cores)
python -m tests.chaos --full         the whole of every row
python -m tests.chaos --row 4        one row; may be repeated
python -m tests.chaos --break        every row with its guard taken out: each must fail
"""

from __future__ import annotations

import argparse
import signal
import sys
import time

from rich.console import Console
from rich.table import Table

from tests.chaos.play import Result, perform
from tests.chaos.rows import ROWS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="size", action="store_const", const="quick", default="quick")
    size.add_argument("--taste", dest="size", action="store_const", const="taste", help="the smallest form")
    size.add_argument("--full", dest="size", action="store_const", const="full")
    parser.add_argument("--row", type=int, action="append", choices=[row.number for row in ROWS])
    parser.add_argument("--break", dest="broken", action="store_true", help="take each row's guard out: it must fail")
    given = parser.parse_args()
    # Whoever ends this early ends all that it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console()
    results = []
    began = time.monotonic()
    for row in ROWS:
        if given.row and row.number not in given.row:
            continue
        result = perform(row, "taste" if given.broken else given.size, broken=given.broken)
        results.append(result)
        console.print(
            f"{row.number:2d} {row.promise}: {'ok' if result.good else 'FAILED'} ({result.seconds:.0f} s) {result.problem}",
            markup=False,
        )
    console.print(table(results, broken=given.broken))
    console.print(f"{given.size}{', guards taken out' if given.broken else ''}: {time.monotonic() - began:.0f} s")
    return int(not all(result.good for result in results))


def table(results: list[Result], *, broken: bool) -> Table:
    made = Table("#", "promise", "guard out" if broken else "kept", "s", "figures", show_lines=True)
    for result in results:
        words = [f"{name}: {value}" for name, value in result.figures.items()]
        words += [f"({said})" for said in result.said]
        if result.error:
            verdict = f"NOT PLAYED: {result.problem}"
        elif broken:
            verdict = (
                f"NOT missed: {result.row.breaks}" if result.kept else f"{result.row.breaks}: missed\n{result.problem}"
            )
        else:
            verdict = "yes" if result.kept else f"NO: {result.problem}"
        made.add_row(str(result.row.number), result.row.promise, verdict, f"{result.seconds:.0f}", "\n".join(words))
    return made


if __name__ == "__main__":
    sys.exit(main())
