"""Brings the running servers to the state that the swarm needs: schema, secrets, strategies, identities, the deployed stack.

A program of its own (`python -m volexlocal.provision`), because building and deploying take memory that the supervisor should not
keep. It tells its progress as JSON lines; every step may be run again at any time.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import hvac
import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from hvac.exceptions import VaultError
from requests.exceptions import RequestException

from infra import deploy, migrate, seed, vault
from infra.packaging import STAGE
from infra.vault import AppRole
from volexlocal import configuration, private, site
from volexlocal.configuration import VENUE
from volexlocal.failures import CloudError
from volexlocal.home import CHECKOUT, Home
from volexlocal.servers.emulator import CREDENTIALS, REGION
from volexlocal.site import Site
from volexlocal.steps import KEEPERS, PROVISION
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import recall
from volexswarm.agents import functions
from volexswarm.settings import Settings

STACK = "volexswarm"

Report = Callable[[str], None]

_EXPECTED = (
    migrate.MigrationError,
    deploy.DeployError,
    psycopg.Error,
    VaultError,
    RequestException,
    BotoCoreError,
    ClientError,
    CloudError,
)


class Provisioner:
    """The steps, on the running servers of one cloud.

    Parameters
    ----------
    home : Home
        Where secrets are kept.
    site : Site
        Where the servers are, and what is traded.
    """

    def __init__(self, home: Home, site: Site) -> None:
        self._home = home
        self._site = site
        self._roles = home.secrets / "app-roles.json"

    def run(self, step: str, report: Report) -> str:
        """Do one step; returns what came of it in a few words."""
        deeds: dict[str, Callable[[Report], str]] = {
            "migrate": self._migrate,
            "vault": self._vault,
            "strategies": self._strategies,
            "identities": self._identities,
            "deploy": self._deploy,
            "messages": self._messages,
            "keepers": self._keepers,
        }
        return deeds[step](report)

    def _migrate(self, report: Report) -> str:
        done = migrate.migrate(self._site.dsn, report=report)
        return f"{len(done)} migrations applied" if done else "up to date"

    def _vault(self, _: Report) -> str:
        client = hvac.Client(url=self._site.vault_url, token=self._site.vault_token, timeout=30)
        keys = self._site.exchange
        credentials = vault.Credentials(self._site.stored_dsn, VENUE, keys["apiKey"], keys["secret"])
        known = {name: AppRole(**ids) for name, ids in (private.read_json(self._roles) or {}).items()}
        roles = vault.seed(client, credentials, private.password(self._home.admin_password), known)
        private.write_json(self._roles, {name: json.loads(role.to_json()) for name, role in roles.items()})
        return f"{len(roles)} identities"

    def _strategies(self, _: Report) -> str:
        settings = self._settings()
        seed.seed(self._site.dsn, VENUE, settings.symbols, mode=settings.mode, account=settings.account)
        return ",".join(settings.symbols)

    def _settings(self) -> Settings:
        return Settings.model_validate({"stack": STACK, **self._site.settings})

    def _identities(self, _: Report) -> str:
        secrets_manager = self._aws("secretsmanager")
        roles: dict[str, dict[str, str]] = private.read_json(self._roles) or {}
        for identity, ids in roles.items():
            _put_secret(secrets_manager, f"{STACK}/{identity}/approle", json.dumps(ids))
        return f"{len(roles)} secrets"

    def _deploy(self, report: Report) -> str:
        self._share_cache()
        settings = self._settings()
        outputs = deploy.deploy(
            self._site.target,
            deploy.settings_parameters(settings),
            endpoint=self._site.aws_endpoint,
            stack=STACK,
            home=self._home.root,
            report=report,
        )
        return "deployed" if outputs.changed else "nothing has changed"

    def _messages(self, _: Report) -> str:
        """The queues are new: what the old ones held and nobody has answered goes out again, by the next sweep."""
        database = Database(lambda: self._site.dsn)
        try:
            return f"{recall(database)} to send again"
        finally:
            database.close()

    def _keepers(self, report: Report) -> str:
        """What the schedules do each minute, done at once: nobody waits for the books to open."""
        functions_of_aws = self._aws("lambda")
        keepers = [function.name for function in functions() if function.schedule]
        for keeper in keepers:
            report(keeper)
            answer = functions_of_aws.invoke(
                FunctionName=f"{STACK}-{STAGE}-{keeper}", Payload=json.dumps(_scheduled_event())
            )
            if "FunctionError" in answer:
                raise CloudError(f"{keeper} fails: {answer['Payload'].read().decode()[:500]}")
        return ", ".join(keepers)

    def _aws(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._site.aws_endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def _share_cache(self) -> None:
        """Everything in the cache is named by its content: that of the checkout serves all clouds made from it."""
        cache, own = CHECKOUT / ".volex" / "cache", self._home.root / "cache"
        if own != cache and not own.exists():
            cache.mkdir(parents=True, exist_ok=True)
            own.symlink_to(cache)


def _scheduled_event() -> dict[str, Any]:
    """What EventBridge hands to a function that a schedule wakes."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "region": REGION,
        "resources": [],
        "detail": {},
    }


def _put_secret(secrets_manager: Any, name: str, value: str) -> None:
    try:
        secrets_manager.put_secret_value(SecretId=name, SecretString=value)
    except secrets_manager.exceptions.ResourceNotFoundException:
        secrets_manager.create_secret(Name=name, SecretString=value)


def _tell(step: str, progress: str, detail: str, since: float) -> None:
    news = {"name": step, "progress": progress, "detail": detail, "seconds": round(time.monotonic() - since, 1)}
    print(json.dumps(news), flush=True)


def _run(provisioner: Provisioner, step: str) -> bool:
    begun = time.monotonic()

    def report(line: str) -> None:
        print(f"{step}: {line}", file=sys.stderr, flush=True)
        _tell(step, "running", line, begun)

    _tell(step, "running", "", begun)
    try:
        result = provisioner.run(step, report)
    except _EXPECTED as error:
        report(str(error).strip())
        _tell(step, "failed", str(error).strip(), begun)
        return False
    _tell(step, "done", result, begun)
    return True


def main() -> int:
    """`python -m volexlocal.provision --home HOME [STEP …]`: the steps before the feed, or those named, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument(
        "--containers", action="store_true", help="the servers of compose.yaml; the exchange's keys are read as JSON"
    )
    parser.add_argument(
        "steps", nargs="*", help=f"of {', '.join(PROVISION | KEEPERS)}; all but the keepers unless given"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.steps) - set(PROVISION | KEEPERS):
        parser.error(f"no step is called {', '.join(sorted(unknown))}")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    home = Home(arguments.home)
    wishes = configuration.load(home.configuration)
    keys = json.loads(sys.stdin.readline()) if arguments.containers else None
    where = site.embedded(home, wishes) if keys is None else site.containers(home, wishes, keys)
    provisioner = Provisioner(home, where)
    return 0 if all(_run(provisioner, step) for step in arguments.steps or PROVISION) else 1


if __name__ == "__main__":
    sys.exit(main())
