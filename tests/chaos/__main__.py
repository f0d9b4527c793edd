"""``python -m tests.chaos``: the promises between real processes, one row each, with the figures seen.

python -m tests.chaos                every row with fewer repetitions
python -m tests.chaos --full         the whole of every row
python -m tests.chaos --row 4        one row; may be repeated
python -m tests.chaos --break        every row with its guard taken out: each must fail
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from rich.console import Console
from rich.table import Table

from tests.chaos.play import Result, Row, Size, perform
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
    form: Size = "taste" if given.broken else given.size
    wanted = [row for row in ROWS if not given.row or row.number in given.row]
    results = []
    began = time.monotonic()
    for result in play_all(wanted, form, broken=given.broken):
        results.append(result)
        verdict = "ok" if result.good else "FAILED"
        console.print(
            f"{result.row.number:2d} {result.row.promise}: {verdict} ({result.seconds:.0f} s) {result.problem}",
            markup=False,
        )
    console.print(table(sorted(results, key=lambda each: each.row.number), broken=given.broken))
    console.print(f"{form}{', guards taken out' if given.broken else ''}: {time.monotonic() - began:.0f} s")
    return int(not all(result.good for result in results))


def play_all(rows: Sequence[Row], size: Size, *, broken: bool) -> Iterator[Result]:
    """First those that want the machine to themselves; the others two at a time, as they mostly wait. All alone in the full
    form, whose figures are quoted; four at a time without their guards, as what is missed then is no matter of speed."""
    together = [row for row in rows if broken or (not row.alone and size != "full")]
    for row in rows:
        if row not in together:
            yield perform(row, size, broken=broken)
    pool = ThreadPoolExecutor(4 if broken else 2)
    try:
        for future in as_completed([pool.submit(perform, row, size, broken=broken) for row in together]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


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
