"""What is built before the work begins is no business of the garbage collector any more."""

from __future__ import annotations

import subprocess
import sys

FROZEN = """
import gc, sys
from bridge.runtime import heap
table = [{} for _ in range(1000)]
heap.settle()
assert gc.get_freeze_count() > 1000
assert not any(each is table for each in gc.get_objects())
"""


def test_what_was_built_is_left_out_of_collections() -> None:
    assert subprocess.run([sys.executable, "-c", FROZEN], check=False).returncode == 0
