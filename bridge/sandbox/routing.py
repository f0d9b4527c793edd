"""The operations of a system: method and path to handler, and the OpenAPI description made from the same list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.messages import Answer, Call, Refusal, Request, Row
from bridge.sandbox.shapes import Body

_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter and its JSON schema."""

    name: str
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One documented call. ``source`` is the API text and the heading or example it was read from.

    ``answers`` maps each success status to the JSON schema of its body (``None``: no body). ``group`` is the rate-limit
    group where limits differ by group, or the scope that the key needs.
    """

    name: str
    method: str
    path: str
    handle: Callable[[Call], Answer]
    source: str
    query: tuple[Parameter, ...] = ()
    body: Body | None = None
    answers: Mapping[int, Mapping[str, Any] | None] = field(default_factory=lambda: {200: {"type": "object"}})
    group: str = ""

    def call(self, request: Request, params: Mapping[str, str]) -> Answer:
        body = self.body.check(request.json()) if self.body is not None else {}
        return self.handle(Call(request, params, body))


class _Node:
    __slots__ = ("any", "literal", "methods", "parameter")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.parameter = ""
        self.methods: dict[str, tuple[Operation, tuple[str, ...]]] = {}


class Router:
    """A literal segment wins over a parameter (``/accounts/labels`` over ``/accounts/{id}``)."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = tuple(operations)
        self._root = _Node()
        for operation in self.operations:
            node = self._root
            names: list[str] = []
            for part in operation.path.strip("/").split("/"):
                parameter = _PARAMETER.fullmatch(part)
                if parameter:
                    names.append(parameter[1])
                    node.any = node.any or _Node()
                    node = node.any
                else:
                    node = node.literal.setdefault(part, _Node())
            node.methods[operation.method] = (operation, tuple(names))

    def match(self, method: str, segments: tuple[str, ...]) -> tuple[Operation, dict[str, str]]:
        """Raises a 404 for an unknown path and a 405 for a known one with another method."""
        found = self._walk(self._root, segments, 0, method, [])
        if isinstance(found, tuple):
            operation, names, values = found
            return operation, dict(zip(names, values, strict=True))
        raise Refusal(405 if found else 404, "method not allowed" if found else "not found")

    def _walk(
        self, node: _Node, segments: tuple[str, ...], index: int, method: str, values: list[str]
    ) -> tuple[Operation, tuple[str, ...], list[str]] | bool:
        """The match, or whether the path is known under another method."""
        if index == len(segments):
            if method in node.methods:
                operation, names = node.methods[method]
                return operation, names, list(values)
            return bool(node.methods)
        known = False
        literal = node.literal.get(segments[index])
        if literal is not None:
            found = self._walk(literal, segments, index + 1, method, values)
            if isinstance(found, tuple):
                return found
            known = found
        if node.any is not None and segments[index]:
            values.append(segments[index])
            found = self._walk(node.any, segments, index + 1, method, values)
            values.pop()
            if isinstance(found, tuple):
                return found
            known = known or found
        return known


def openapi(title: str, base_path: str, operations: Iterable[Operation], security: Row, errors: Row) -> Row:
    """OpenAPI 3.1 of one system. ``errors`` is the schema of every refusal; ``security`` one security scheme."""
    paths: dict[str, Row] = {}
    for operation in operations:
        paths.setdefault(base_path + operation.path, {})[operation.method.lower()] = _describe(operation, errors)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "sandbox"},
        "paths": paths,
        "components": {"securitySchemes": {"key": security}},
        "security": [{"key": []}],
    }


def _describe(operation: Operation, errors: Row) -> Row:
    parameters: list[Row] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PARAMETER.findall(operation.path)
    ]
    parameters += [
        {"name": one.name, "in": "query", "required": one.required, "schema": dict(one.schema)}
        for one in operation.query
    ]
    described: Row = {
        "operationId": f"{operation.name} {operation.path}",
        "description": operation.source,
        "parameters": parameters,
        "responses": {
            **{str(status): _response(schema) for status, schema in operation.answers.items()},
            "4XX": _response(errors),
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": not operation.body.may_be_missing,
            "content": {"application/json": {"schema": operation.body.schema()}},
        }
    return described


def _response(schema: Mapping[str, Any] | None) -> Row:
    if schema is None:
        return {"description": "no body"}
    return {"description": "JSON", "content": {"application/json": {"schema": dict(schema)}}}
