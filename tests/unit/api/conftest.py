from __future__ import annotations

import pytest
from chalice.test import Client

from app import app
from tests.fakes.api import FakeSwarm


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> FakeSwarm:
    fake = FakeSwarm()
    fake.install(monkeypatch)
    return fake


@pytest.fixture
def client(swarm: FakeSwarm) -> Client:
    return Client(app)
