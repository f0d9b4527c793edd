"""Commands run inside the test's own process: both systems served, logging put back as it was."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.support.sandboxes import Box, assembly_sandbox, crm_sandbox


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers, root.level
    yield
    root.handlers, root.level = before
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def crm() -> Iterator[Box]:
    with crm_sandbox() as box:
        yield box


@pytest.fixture(scope="module")
def assembly() -> Iterator[Box]:
    with assembly_sandbox() as box:
        yield box
