"""What provisioning has to know of a running cloud, whichever way its servers run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from volexlocal.configuration import Configuration
from volexlocal.home import Home
from volexlocal.parts import Parts


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
