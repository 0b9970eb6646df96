"""What provisioning has to know of a running cloud, whichever way its servers run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from volexlocal import private
from volexlocal.configuration import Configuration
from volexlocal.home import Home
from volexlocal.parts import Parts
from volexlocal.vault_keys import VaultKeys


@dataclass(frozen=True)
class Site:
    """Addresses and keys of the servers.

    `target` as `infra.deploy` names it; `dsn` reaches the database from here, `stored_dsn` is what functions shall use;
    `exchange` {"apiKey", "secret"}; `aws_endpoint` of the emulator; `settings` of the product, by field.
    """

    target: Literal["embedded", "localstack"]
    dsn: str
    stored_dsn: str
    vault_url: str
    vault_token: str
    exchange: Mapping[str, str]
    aws_endpoint: str
    settings: Mapping[str, str]


def embedded(home: Home, configuration: Configuration) -> Site:
    """The servers that the supervisor runs."""
    parts = Parts(home, configuration)
    return Site(
        target="embedded",
        dsn=parts.postgres.dsn,
        stored_dsn=parts.postgres.dsn,
        vault_url=parts.openbao.url,
        vault_token=parts.openbao.root_token,
        exchange=parts.exchange.credentials,
        aws_endpoint=parts.emulator.url,
        settings=configuration.settings(),
    )


def containers(home: Home, configuration: Configuration, exchange: Mapping[str, str]) -> Site:
    """The servers of `compose.yaml`: published on loopback for us, known to each other by their service's name."""
    password = private.password(home.secrets / "postgres-volex")
    return Site(
        target="localstack",
        dsn=f"postgresql://volex:{password}@127.0.0.1:{configuration.port('postgres')}/volex",
        stored_dsn=f"postgresql://volex:{password}@timescaledb:5432/volex",
        vault_url=configuration.url("openbao"),
        vault_token=VaultKeys(configuration.url("openbao"), home.secrets / "vault.json").root_token,
        exchange=exchange,
        aws_endpoint=configuration.url("emulator"),
        settings=container_settings(configuration),
    )


def container_settings(configuration: Configuration) -> dict[str, str]:
    """The product's settings where servers are known by their service's name."""
    return configuration.settings() | {
        "target": "localstack",
        "exchange_url": "http://exchange:18090",
        "redis_url": "redis://redis:6379/0",
        "vault_url": "http://vault:8200",
    }
