"""docs/clients.md says what is: every operation has its method, sandbox and test; every trap its place."""

from __future__ import annotations

import contextlib
import inspect
import re
import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import client_operations
import pytest
from client_operations import DOCUMENT, ROOT, SYSTEMS, Method, Silent, clients, fits, methods, rows

from bridge.transport import Call

TEXT = DOCUMENT.read_text()
TRAPS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.split("## Traps")[1].split("## Operations")[0].splitlines()
    if re.match(r"\| \d+ ", line)
]
COUNTS = {"CRM": 34, "Assembly, current": 73, "Assembly, legacy": 20, "Wavo": 17}


def test_the_table_of_operations_is_up_to_date() -> None:
    assert client_operations.with_table(TEXT) == TEXT, "run tests/contract/clients/client_operations.py"


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_operation_has_a_method_and_a_test(system: str) -> None:
    found = rows(system)
    assert len(found) == COUNTS[system]
    assert [row for row in found if not (row.client and row.sandbox and row.test)] == []


def every_method() -> list[Any]:
    return [pytest.param(s, m, id=f"{s}:{m.name}") for s, c in clients(Silent()).items() for m in methods(c)]


class Sent(Exception):
    """Raised in place of sending."""


class Capture:
    def __init__(self) -> None:
        self.calls: list[Call] = []

    def read(self, call: Call) -> Any:
        self.calls.append(call)
        raise Sent

    write = read


def sample(hint: Any) -> Any:
    """Some value for a parameter of this type."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return args[0]
    if origin in (Union, types.UnionType):
        return sample(args[0])
    if hint in (int, float):
        return 1
    name = getattr(origin, "__name__", "")
    return {"name": "x"} if "Mapping" in name else ["x"] if "Sequence" in name else "x"


@pytest.mark.parametrize(("system", "method"), every_method())
def test_a_method_sends_what_its_docstring_names(system: str, method: Method) -> None:
    assert method.operations, "its docstring names no operation"
    capture = Capture()
    call = next(m.call for m in methods(clients(capture)[system]) if m.name == method.name)
    hints = get_type_hints(call)
    required = [p.name for p in inspect.signature(call).parameters.values() if p.default is inspect.Parameter.empty]
    with contextlib.suppress(Sent):
        next(iter(call(*[sample(hints[name]) for name in required])))
    (sent,) = capture.calls
    assert any(sent.method == verb and fits(path, sent.template) for verb, path in method.operations)


def test_all_traps_are_in_the_table() -> None:
    assert [int(row[0].strip("| ")) for row in TRAPS] == list(range(1, 39))


@pytest.mark.parametrize("row", TRAPS, ids=[row[0].strip("| ") for row in TRAPS])
def test_a_traps_places_and_tests_exist(row: list[str]) -> None:
    places = re.findall(r"`(bridge/[\w/]+\.py)::(\w+)`", row[2])
    proofs = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row[4]) if len(row) > 4 else []
    assert row[0].strip("| ") == "32" or (places and proofs)
    for file, name in (*places, *proofs):
        assert re.search(rf"^\s*(def|class) {name}\b|^{name}\b", (ROOT / file).read_text(), re.MULTILINE), (
            f"{file}::{name}"
        )
