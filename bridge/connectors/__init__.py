"""Connectors: the typed clients cut down to what the engine needs (``bridge.core.ports.Connector``).

They normalise only where an API itself varies: ``companyId`` on CRM contacts, ``stageId`` on leads; on Assembly records
``additional_properties`` as a map, ``source_specific_ids`` and ``phone`` as lists, ``company_id`` on contacts and
``account_source_specific_id`` on deals where the answer shows them. Everything else is as the remote sent it.
"""

from bridge.connectors.assembly import AssemblyConnector
from bridge.connectors.assembly_legacy import LegacyConnector
from bridge.connectors.crm import CrmConnector
from bridge.connectors.options import AssemblyOptions, CrmOptions, options

__all__ = ["AssemblyConnector", "AssemblyOptions", "CrmConnector", "CrmOptions", "LegacyConnector", "options"]
