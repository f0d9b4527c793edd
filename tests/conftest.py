"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from support.postgres import NoPostgres, cluster


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: the one of BRIDGE_TEST_POSTGRES_URL, else a private one. In CI its absence is a failure."""
    given = os.environ.get("BRIDGE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    try:
        with cluster() as url:
            yield url
    except NoPostgres as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
