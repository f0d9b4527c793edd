"""Assembly as assembly.txt describes it, and its older dialect as assembly-legacy.txt does (``dialect`` of the switches)."""

from bridge.sandbox.assembly.system import Assembly

__all__ = ["Assembly"]
