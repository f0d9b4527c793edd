"""``python -m tests.mutants [NAME …]``: apply each mutant in a copy of the tree and run the tests that should notice.

Prints one line a mutant; exit status 1 if any survives, or if its tests fail without it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.mutants import MUTANTS, ROOT, Mutant

PARTS = ("bridge", "workers", "tests", "mappings", "pyproject.toml")
LIMIT = 300
FAILED, NOTHING_SELECTED = 1, 5


def copy_tree(target: Path) -> None:
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, target / name)


def run(tree: Path, tests: tuple[str, ...], only: str) -> subprocess.CompletedProcess[str]:
    """The copy's own code: its path comes before that of an editable install."""
    command = [sys.executable, "-m", "pytest", *tests, "-q", "-x", "-p", "no:cacheprovider", "--tb=line"]
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command + (["-k", only] if only else []),
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def judge(mutant: Mutant) -> str:
    """``killed``, or why not."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        mutant.apply(tree)
        try:
            done = run(tree, mutant.tests, mutant.only)
        except subprocess.TimeoutExpired:
            return "killed (by time)"
    if done.returncode == FAILED:
        return "killed"
    if done.returncode == NOTHING_SELECTED:
        return "NO TEST SELECTED"
    return "SURVIVED" if done.returncode == 0 else f"BROKEN: {done.stdout[-300:]}{done.stderr[-300:]}"


def unharmed(mutants: Sequence[Mutant]) -> bool:
    """Whether the same tests pass without any mutant: else their failing would prove nothing."""
    wanted: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for mutant in mutants:
        wanted[mutant.tests].add(mutant.only)
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        for tests, words in sorted(wanted.items()):
            only = "" if "" in words else " or ".join(sorted(words))
            done = run(tree, tests, only)
            print(f"without a mutant: {', '.join(tests)}: {done.stdout.strip().splitlines()[-1]}", flush=True)
            if done.returncode != 0:
                return False
    return True


def main(names: list[str]) -> int:
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if not chosen or any(mutant.occurrences() != 1 for mutant in chosen):
        print("no such mutant, or its text does not occur exactly once: see tests/mutants/test_mutants_apply.py")
        return 2
    if not unharmed(chosen):
        print("the tests fail without any mutant")
        return 1
    survivors = 0
    for mutant in chosen:
        began = time.monotonic()
        verdict = judge(mutant)
        survivors += not verdict.startswith("killed")
        print(f"{verdict:10}  {mutant.name:38}  {time.monotonic() - began:5.1f} s  {mutant.rule}", flush=True)
    print(f"{len(chosen)} mutants, {len(chosen) - survivors} killed, {survivors} survived")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
