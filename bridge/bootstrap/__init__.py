"""The composition root: settings in, a wired ``Bridge`` out. The only place that knows which parts meet."""

from bridge.bootstrap.parts import Bridge, Dialect, Rules, SystemConnector, WiredConnection
from bridge.bootstrap.wiring import build, load_settings, read_rules
from bridge.bootstrap.working import current, run_worker, working

__all__ = [
    "Bridge",
    "Dialect",
    "Rules",
    "SystemConnector",
    "WiredConnection",
    "build",
    "current",
    "load_settings",
    "read_rules",
    "run_worker",
    "working",
]
