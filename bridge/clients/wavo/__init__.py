"""A typed client for every operation of Wavo's API.

``WavoClient(groups).contacts.search(email)``: each group of operations has a connection with a rate limit of its own.
"""

from bridge.clients.wavo.calls import Fields
from bridge.clients.wavo.groups import GROUPS, LIMITS, Group, Groups, rate
from bridge.clients.wavo.messages import Replies, Suppressions
from bridge.clients.wavo.people import Campaigns, Clients, Contacts, Interest, Status


class WavoClient:
    """What one token may see. Shared by threads."""

    def __init__(self, groups: Groups) -> None:
        self.campaigns = Campaigns(groups["campaigns"])
        self.clients = Clients(groups["clients"])
        self.contacts = Contacts(groups["contacts"], groups["contact_search"])
        self.replies = Replies(groups["replies"])
        self.suppressions = Suppressions(groups["suppressions"])


__all__ = [
    "GROUPS",
    "LIMITS",
    "Campaigns",
    "Clients",
    "Contacts",
    "Fields",
    "Group",
    "Groups",
    "Interest",
    "Replies",
    "Status",
    "Suppressions",
    "WavoClient",
    "rate",
]
