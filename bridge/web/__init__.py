"""The HTTP side: webhooks in, administration, health and metrics."""

from bridge.web.app import create_app
from bridge.web.head import BoundedHead

__all__ = ["BoundedHead", "create_app"]
