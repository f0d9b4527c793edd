"""Many seeded worlds, and the proof that something happened in them.

``SIM_SEEDS`` says how many (the default is a taste, CI plays 2,000), ``SIM_FIRST`` where to begin. A failing seed is told
with the command that replays it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.campaign import play
from tests.simulation.coverage import PER_MEETING, cross, crossings, missing
from tests.simulation.operations import WEIGHTS

SEEDS = int(os.environ.get("SIM_SEEDS", "40"))
FIRST = int(os.environ.get("SIM_FIRST", "0"))
CHUNK = 20
CHUNKS = [range(start, min(start + CHUNK, FIRST + SEEDS)) for start in range(FIRST, FIRST + SEEDS, CHUNK)]


@pytest.fixture(scope="session")
def tally(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes of this run: each chunk leaves its counts there."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "simulation-counts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_no_seed_breaks_a_rule(seeds: range, tally: Path) -> None:
    counts: Counter[str] = Counter()
    failed = []
    for seed in seeds:
        outcome = play(seed)
        counts.update(outcome.counts)
        if outcome.failed:
            told = "\n  ".join(map(str, outcome.violations))
            failed.append(f"seed {seed} (python -m tests.simulation {seed} --shrink):\n  {told}")
    assert not failed, "\n".join(failed)
    (tally / f"{seeds.start}.json").write_text(json.dumps(counts))
    done = [json.loads(path.read_text()) for path in tally.glob("*.json")]
    if len(done) == len(CHUNKS):
        # Whichever chunk ends last looks at the whole: a simulation in which nothing happens proves nothing.
        total: Counter[str] = Counter()
        for one in done:
            total.update(one)
        assert not missing(total, SEEDS)


def test_a_campaign_in_which_little_happens_fails() -> None:
    told = missing(Counter(), 2000)
    for name in ("op edit", "op answer", "edit × late", "clear × write", "edit × unanswered × commit", "plan applied"):
        assert any(line.startswith(f"{name}:") for line in told)
    enough = Counter({line.partition(":")[0]: 10_000 for line in told})
    enough.update({cross(name, met): 10 for name in WEIGHTS for met in PER_MEETING})
    assert missing(enough, 2000) == []


def test_an_operation_meets_what_happens_soon_after_it() -> None:
    meetings = [(5.0, "fault", "lost"), (10.0, "operation", "edit"), (12.0, "fault", "late"), (39.0, "crash", "write")]
    met = {"edit × late", "edit × write", "edit × unanswered × write"}
    assert crossings([*meetings, (41.0, "crash", "duty")]) == Counter(dict.fromkeys(met, 1))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_replays_exactly(seed: int) -> None:
    first, second = play(seed), play(seed)
    assert list(map(str, first.events)) == list(map(str, second.events))
    assert first.effects == second.effects
