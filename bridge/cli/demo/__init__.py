"""``bridge demo``: everything at once against simulated systems, to be watched."""

from bridge.cli.demo.command import demo

__all__ = ["demo"]
