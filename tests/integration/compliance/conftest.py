from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.compliance.desk import Desk


@pytest.fixture
def desk(database_dsn: str) -> Iterator[Desk]:
    made = Desk(database_dsn)
    yield made
    made.close()
