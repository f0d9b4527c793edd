"""The HTTP side: webhooks in, administration, health and metrics."""

from bridge.web.app import create_app

__all__ = ["create_app"]
