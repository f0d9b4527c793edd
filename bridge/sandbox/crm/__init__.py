"""The CRM of crm.txt: companies, contacts, memberships, pipeline stages, leads, activities and the rest of its 34 operations.

The text shows paths, queries, and the bodies of some requests; most answers are open and so are ``CrmSwitches``.
"""

from bridge.sandbox.crm.system import Crm

__all__ = ["Crm"]
