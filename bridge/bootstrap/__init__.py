"""The composition root: settings in, a wired ``Bridge`` out. The only place that knows which parts meet."""

from bridge.bootstrap.parts import Bridge, Rules, SystemConnector, WiredConnection
from bridge.bootstrap.wiring import build, check_mappings, load_settings
from bridge.bootstrap.working import current, run_worker, working

__all__ = [
    "Bridge",
    "Rules",
    "SystemConnector",
    "WiredConnection",
    "build",
    "check_mappings",
    "current",
    "load_settings",
    "run_worker",
    "working",
]
