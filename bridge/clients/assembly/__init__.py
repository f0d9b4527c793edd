"""Typed clients for every operation of Assembly: its current dialect, and its legacy one (``LegacyClient``).

``AssemblyClient(http).accounts.get(SourceId("crm-1")).value``: methods answer a ``Reply`` or ``Rows`` of the records as
they came, and raise ``RemoteError``. Keys are ids, domains or ``SourceId``.
"""

from bridge.clients.assembly.accounts import Accounts, AccountType, Contacts
from bridge.clients.assembly.addressing import Key, SourceId
from bridge.clients.assembly.calls import Fields
from bridge.clients.assembly.deals import Deals
from bridge.clients.assembly.extras import (
    LABEL_TYPES,
    Item,
    Labels,
    LabelsPath,
    LabelType,
    Notes,
    Properties,
    Usage,
    UsageType,
)
from bridge.clients.assembly.legacy import LegacyAccounts, LegacyClient, LegacyProperties, LegacyUsage
from bridge.transport import Http


class AssemblyClient:
    """One organisation. Shared by threads."""

    def __init__(self, http: Http, labels_path: LabelsPath = "/accounts/labels") -> None:
        self.http = http
        self.accounts = Accounts(http)
        self.contacts = Contacts(http)
        self.deals = Deals(http)
        self.properties = Properties(http)
        self.labels = Labels(http, labels_path)
        self.usage = Usage(http)
        self.notes = Notes(http)


__all__ = [
    "LABEL_TYPES",
    "AccountType",
    "Accounts",
    "AssemblyClient",
    "Contacts",
    "Deals",
    "Fields",
    "Item",
    "Key",
    "LabelType",
    "Labels",
    "LabelsPath",
    "LegacyAccounts",
    "LegacyClient",
    "LegacyProperties",
    "LegacyUsage",
    "Notes",
    "Properties",
    "SourceId",
    "Usage",
    "UsageType",
]
