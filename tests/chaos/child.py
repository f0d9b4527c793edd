"""The API and the worker as chaos starts them: the shipped entry points, after a guard was taken out if asked.

python -c '…; from tests.chaos.child import main; main()' BREAK api FD
python -c '…; from tests.chaos.child import main; main()' BREAK worker
"""

from __future__ import annotations

import runpy
import sys

from tests.chaos.breaks import take_out


def main() -> None:
    breaks, role, *rest = sys.argv[1:]
    for name in filter(None, breaks.split(",")):
        take_out(name)
    if role == "api":
        from bridge.cli import main as bridge

        sys.argv = ["bridge", "serve", "--fd", *rest]
        bridge()
    else:
        sys.argv = ["worker"]
        runpy.run_module("workers.process", run_name="__main__", alter_sys=True)
