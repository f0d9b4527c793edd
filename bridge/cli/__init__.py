"""The command line. Commands read settings, call one function of the inside and show what it answers; no logic here."""

from __future__ import annotations

import importlib
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    The command tree is loaded here and not with the package, so that a sandbox (``python -m bridge.cli.sandboxes``)
    starts without the parts of a whole bridge.
    """
    status: int = importlib.import_module("bridge.cli.app").main(arguments)
    return status


__all__ = ["main"]
