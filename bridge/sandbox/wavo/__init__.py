"""Wavo as wavo.txt describes it: campaigns, clients and their users, contacts, replies, threads, suppressions."""

from bridge.sandbox.wavo.system import Wavo

__all__ = ["Wavo"]
