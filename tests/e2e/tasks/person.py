"""A person at the HTTP API."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from tests.e2e.conftest import Swarm


class Person:
    """Logged in as the administrator; each answer's data, of calls that must succeed."""

    def __init__(self, swarm: Swarm) -> None:
        self._http = httpx.Client(base_url=f"{swarm.cloud.api_url}/api", timeout=35)
        token = self.posts("/login", username="admin", password=swarm.cloud.admin_password)["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def gets(self, path: str, **query: Any) -> Any:
        return self._answer(self._http.get(path, params=query))

    def posts(self, path: str, **body: Any) -> Any:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return self._answer(self._http.post(path, json=body, headers=headers))

    def _answer(self, response: httpx.Response) -> Any:
        assert response.is_success, response.text
        return response.json()["data"]
