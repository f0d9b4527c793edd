"""The command line. Commands read settings, call one function of the inside and show what it answers; no logic here."""

from bridge.cli.app import main

__all__ = ["main"]
