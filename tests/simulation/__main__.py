"""``python -m tests.simulation``: play seeds for as long as wanted, replay one with its trace, make it smaller.

python -m tests.simulation 0 2000          seeds 0 to 1999; tells the failing ones and what was played
python -m tests.simulation 17 --trace      one seed, event by event
python -m tests.simulation 17 --shrink     the fewest operations that still fail
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.campaign import Outcome, play
from tests.simulation.shrink import shrink


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int, nargs="?", default=1)
    parser.add_argument("--trace", action="store_true", help="print every event and effect")
    parser.add_argument("--shrink", action="store_true", help="drop operations while it still fails")
    parser.add_argument("--counts", action="store_true", help="tell how often each thing was played")
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    failed, started = 0, time.perf_counter()
    for seed in range(given.first, given.first + given.count):
        outcome = play(seed, trace=given.trace)
        if outcome.failed and given.shrink:
            outcome = play(seed, shrink(outcome).operations, trace=given.trace)
        counts.update(outcome.counts)
        rules.update({violation.rule for violation in outcome.violations})
        if given.trace or given.shrink:
            tell_all(outcome)
        if outcome.failed:
            failed += 1
            print(f"seed {seed}:", *(f"  {violation}" for violation in outcome.violations), sep="\n")
    took = time.perf_counter() - started
    print(f"{given.count} seeds, {failed} failed, {given.count / took:.1f} seeds/s", dict(rules.most_common()) or "")
    if given.counts:
        for name, number in sorted(counts.items()):
            print(f"{number:8d} {name}")
    return 1 if failed else 0


def tell_all(outcome: Outcome) -> None:
    print(f"seed {outcome.seed}, {outcome.effects} effects", *outcome.operations, sep="\n  ")
    for event in outcome.events:
        print(event)
    print(outcome.about)


if __name__ == "__main__":
    sys.exit(main())
