"""The steps of a bring-up, in order: first the servers, then what is done on them, then the feed and the API."""

from __future__ import annotations

from volexlocal.state import Step

SERVERS = {
    "postgres": "PostgreSQL",
    "openbao": "OpenBao (Vault)",
    "valkey": "Valkey (Redis)",
    "exchange": "Simulated exchange",
    "emulator": "AWS emulator",
    "proxy": "Front proxy",
}
PROVISION = {
    "migrate": "Database schema",
    "vault": "Vault: policies, identities, signing key, credentials",
    "strategies": "Default strategies and limits",
    "identities": "Identities of the functions in Secrets Manager",
    "deploy": "Functions, queues, API",
    "messages": "Messages that the last queues took with them",
}
FEED = {"realtime-data": "Feed from the exchange"}
KEEPERS = {"keepers": "Books opened, health checked"}
LAST = {"api": "API answers"}

AFTER_EMULATOR_RESTART = ("identities", "deploy", "messages")
"""What the emulator forgets when it dies."""


def steps() -> list[Step]:
    """All of them, waiting."""
    return [Step(name=name, title=title) for name, title in (SERVERS | PROVISION | FEED | KEEPERS | LAST).items()]
