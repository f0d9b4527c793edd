"""A typed client for every operation of the CRM's HTTP API (34 of them).

``CrmClient(http, entity_id).companies.get(company_id).value``: methods answer a ``Reply`` or ``Rows`` of the records as
they came, and raise ``RemoteError``. The base URL ends where the document's resources begin (``…/api/crm``).
"""

from bridge.clients.crm.calls import CrmCalls, Fields, Names
from bridge.clients.crm.companies import Companies, Contacts, Lifecycle, Memberships, Relationship
from bridge.clients.crm.outreach import Outreach
from bridge.clients.crm.sales import Activities, Leads, Stages, Tasks
from bridge.transport import Http


class CrmClient:
    """One entity of one CRM. Shared by threads."""

    def __init__(self, http: Http, entity_id: str, names: Names | None = None) -> None:
        calls = CrmCalls(http, entity_id, names or Names())
        self.http = http
        self.companies = Companies(calls)
        self.contacts = Contacts(calls)
        self.memberships = Memberships(calls)
        self.stages = Stages(calls)
        self.leads = Leads(calls)
        self.activities = Activities(calls)
        self.tasks = Tasks(calls)
        self.outreach = Outreach(calls)


__all__ = [
    "Activities",
    "Companies",
    "Contacts",
    "CrmClient",
    "Fields",
    "Leads",
    "Lifecycle",
    "Memberships",
    "Names",
    "Outreach",
    "Relationship",
    "Stages",
    "Tasks",
]
