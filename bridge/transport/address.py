"""Base URLs that are safe to send a key to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from bridge.core.errors import SettingsError


def check_base_url(url: str, *, name: str = "base URL") -> str:
    """``url`` without its closing slash; raises ``SettingsError`` for one that no request should go to.

    The path stays as it is: it carries what the documents show before the resource (``…/api/crm``). Plain http is
    refused where the key would cross a public network, allowed on this machine, on private addresses and for
    single-word hosts (the names of a compose file).
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(f"{name} is not a URL; write something like https://api.example.com/api") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise SettingsError(f"{name} must start with https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise SettingsError(f"{name} must not hold a user name or password; the key has a setting of its own")
    if parts.query or parts.fragment:
        raise SettingsError(f"{name} must not have a query or fragment")
    if parts.scheme == "http" and not _is_near(host):
        raise SettingsError(f"{name} uses http, which would send the key unencrypted to {host}; write https://")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_near(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return address.is_loopback or address.is_private
