"""The mapping language: YAML files to compiled streams.

``load`` takes the texts of a mappings folder and gives ``Mappings``, or raises ``MappingError`` with every mistake.
"""

from bridge.core.mapping.grammar import schema, schema_text
from bridge.core.mapping.loader import load, load_with_warnings
from bridge.core.mapping.model import Mappings
from bridge.core.mapping.notes import WEBHOOKS_FILE, excerpt, is_cases_file, is_stream_file
from bridge.core.mapping.paths import get_path, join_path, split_path

__all__ = [
    "WEBHOOKS_FILE",
    "Mappings",
    "excerpt",
    "get_path",
    "is_cases_file",
    "is_stream_file",
    "join_path",
    "load",
    "load_with_warnings",
    "schema",
    "schema_text",
    "split_path",
]
