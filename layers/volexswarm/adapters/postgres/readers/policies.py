"""Reads policies with their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg.rows import DictRow
from pydantic import BaseModel

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.policies import MODELS
from volexswarm.errors import NotFound
from volexswarm.policies import StoredPolicy, in_force
from volexswarm.rulebook import changes as change
from volexswarm.rulebook.ports import Body
from volexswarm.views.policies import Policy, PolicyVersion

_VERSIONS = """
SELECT version, body, activated_at, activated_by, reason FROM policies WHERE name = %s ORDER BY version
"""


class PostgresPolicyReader:
    """PolicyReader over PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def policy(self, name: str) -> Policy:
        """The policy in force and every version before it, newest first."""
        model = model_of(name)
        with self._database.connection() as connection:
            rows = versions(connection, name)
        if not rows:
            raise NotFound("policy", f"{name}: none has been put in force yet")
        newest = rows[-1]
        found = in_force(model, StoredPolicy(newest["version"], newest["body"]))
        return Policy(
            name=name,
            version=newest["version"],
            body=dict(change.in_full(model, newest["body"])),
            problem=None if found.check.passed else found.check.value,
            history=_history(rows),
        )


def model_of(name: str) -> type[BaseModel]:
    """The model of a policy. Raises NotFound if there is no policy of that name."""
    if name not in MODELS:
        raise NotFound("policy", f"{name}: there are {', '.join(MODELS)}")
    return MODELS[name]


def versions(connection: Connection, name: str) -> list[DictRow]:
    """All versions, oldest first."""
    return connection.execute(_VERSIONS, (name,)).fetchall()


def bodies(model: type[BaseModel], rows: Sequence[DictRow]) -> Mapping[int, Body]:
    """Each valid version's policy, in full."""
    valid = (row for row in rows if in_force(model, StoredPolicy(row["version"], row["body"])).policy is not None)
    return {row["version"]: change.in_full(model, row["body"]) for row in valid}


def _history(rows: Sequence[DictRow]) -> list[PolicyVersion]:
    """What each version changed on the one before it; the first one changed nothing."""
    before = [rows[0]["body"], *(row["body"] for row in rows)]
    told = [
        PolicyVersion(**{**row, "changed": change.differences(earlier, row["body"])})
        for earlier, row in zip(before, rows, strict=False)
    ]
    return told[::-1]
