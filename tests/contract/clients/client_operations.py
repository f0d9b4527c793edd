"""The table of operations in docs/clients.md: which client method sends each, which sandbox plays it, which test runs it.

Run as a script it writes the table between its markers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.clients.assembly import AssemblyClient, LegacyClient
from bridge.clients.crm import CrmClient
from bridge.clients.wavo import GROUPS, WavoClient
from bridge.sandbox import server

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "clients.md"
BEGIN, END = "<!-- operations: generated, see tests/contract/clients/client_operations.py -->", "<!-- /operations -->"
OPERATION = re.compile(r"``(GET|POST|PUT|PATCH|DELETE) (/[^`?\s]*)")
SYSTEMS = {
    "CRM": ("crm", {}, "test_crm_client.py"),
    "Assembly, current": ("assembly", {}, "test_assembly_client.py"),
    "Assembly, legacy": ("assembly", {"dialect": "legacy"}, "test_assembly_legacy.py"),
    "Wavo": ("wavo", {}, "test_wavo_client.py"),
}


@dataclass(frozen=True)
class Method:
    """One public method of a client: ``companies.get`` with the operations its docstring names."""

    name: str
    call: Any
    operations: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Row:
    method: str
    path: str
    client: str
    sandbox: str
    test: str


class Silent:
    """Stands in for a connection where nothing is sent."""


def clients(http: Any) -> dict[str, Any]:
    return {
        "CRM": CrmClient(http, "entity"),
        "Assembly, current": AssemblyClient(http),
        "Assembly, legacy": LegacyClient(http),
        "Wavo": WavoClient(dict.fromkeys(GROUPS, http)),
    }


def methods(client: Any) -> Iterator[Method]:
    for group, part in vars(client).items():
        if not type(part).__module__.startswith("bridge.clients"):
            continue
        for name in vars(type(part)):
            if not name.startswith("_"):
                call = getattr(part, name)
                yield Method(f"{group}.{name}", call, tuple(OPERATION.findall(call.__doc__ or "")))


def sandbox_operations(system: str) -> list[Any]:
    name, switches, _ = SYSTEMS[system]
    return list(server.make(name, key="k", token="t", entity_id="e", switches=switches).system.operations())  # type: ignore[arg-type]


def fits(documented: str, played: str) -> bool:
    """Whether a docstring's path is a sandbox's: braces stand for braces, and ``{item}`` or ``{type}`` also for a word."""
    here, there = documented.split("/"), played.split("/")
    if len(here) != len(there):
        return False
    for mine, other in zip(here, there, strict=True):
        if mine == "{item}" and other in {"accounts", "contacts", "deals"}:
            continue
        if mine.startswith("{") != other.startswith("{") or (not mine.startswith("{") and mine != other):
            return False
    return True


def tests_of(system: str) -> dict[str, str]:
    """Source of each test function, by ``file::name``."""
    file = Path(__file__).with_name(SYSTEMS[system][2])
    source = file.read_text()
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            found[f"{file.name}::{node.name}"] = ast.get_source_segment(source, node) or ""
    return found


def rows(system: str) -> list[Row]:
    """One row for each operation that the sandbox read from the API text; missing parts are empty."""
    known, tests = list(methods(clients(Silent())[system])), tests_of(system)
    found = []
    for played in sandbox_operations(system):
        mine = [
            m for m in known if any(verb == played.method and fits(path, played.path) for verb, path in m.operations)
        ]
        test = next((name for m in mine for name, source in tests.items() if f".{m.name}(" in source), "")
        found.append(Row(played.method, played.path, ", ".join(m.name for m in mine), played.name, test))
    return found


def table() -> str:
    lines = [BEGIN, ""]
    for system in SYSTEMS:
        found = rows(system)
        lines += [
            f"### {system}: {len(found)} operations",
            "",
            "| operation | client method | sandbox | test |",
            "|---|---|---|---|",
        ]
        lines += [f"| `{r.method} {r.path}` | `{r.client}` | `{r.sandbox}` | `{r.test}` |" for r in found]
        lines.append("")
    return "\n".join([*lines, END])


def with_table(text: str) -> str:
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + table() + after


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))
