"""A stack of its own on the emulator, from a copy of the sources that a test may change."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import hvac
import pytest

from infra import deploy as deploying
from infra import machines, packaging, render
from infra.deploy import deploy, settings_parameters
from volexlocal.servers.emulator import Emulator
from volexswarm.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
STACK = "trial"
SCHEDULED = {
    "version": "0",
    "id": "1",
    "account": "000000000000",
    "region": "us-east-1",
    "detail": {},
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "time": "2026-01-05T12:00:00Z",
    "resources": [],
}


@dataclass
class Trial:
    """A deployable copy of the project and the emulator it goes to."""

    emulator: Emulator
    sources: Path
    home: Path
    lines: list[str] = field(default_factory=list)

    def client(self, service):
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return boto3.client(service, endpoint_url=self.emulator.url, **keys)

    def deploy(self, **parameters):
        settings = Settings(
            target="embedded",
            stack=STACK,
            symbols=("BTC/USDT",),
            timeframes=("1m",),
            redis_url="redis://127.0.0.1:1/0",
            vault_url="http://127.0.0.1:1",
        )
        self.lines.clear()
        given = settings_parameters(settings) | parameters
        return deploy(
            "embedded", given, endpoint=self.emulator.url, stack=STACK, home=self.home, report=self.lines.append
        )

    def edit(self, file, old, new):
        path = self.sources / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def invoke(self, function):
        answer = self.client("lambda").invoke(FunctionName=f"{STACK}-api-{function}", Payload=json.dumps(SCHEDULED))
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload


@pytest.fixture
def trial(emulator, tmp_path, monkeypatch):
    """The project's sources, copied; built layers are shared with the checkout's own cache."""
    sources = tmp_path / "sources"
    clutter = shutil.ignore_patterns("__pycache__")
    for part in ("functions", "layers", "infra", "statemachines"):
        shutil.copytree(ROOT / part, sources / part, ignore=clutter, symlinks=True)
    monkeypatch.setattr(deploying, "ROOT", sources)
    monkeypatch.setattr(packaging, "ROOT", sources)
    monkeypatch.setattr(machines, "FOLDER", sources / "statemachines")
    monkeypatch.setattr(render, "RESOURCES", sources / "infra/resources.yaml")
    home = tmp_path / "home"
    home.mkdir()
    (ROOT / ".volex/cache").mkdir(parents=True, exist_ok=True)
    (home / "cache").symlink_to(ROOT / ".volex/cache")
    made = Trial(emulator, sources, home)
    yield made
    cloudformation = made.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})


@pytest.fixture
def real_parts(trial, vault_server, database_dsn, redis_url):
    """Settings of a stack on real servers: Vault knows the database, and each function finds its login there."""
    secrets = hvac.Client(url=vault_server.url, token=vault_server.root_token).secrets.kv.v2
    secrets.create_or_update_secret("databases/main", {"dsn": database_dsn}, mount_point="volexswarm")
    manager = trial.client("secretsmanager")
    for name, role in vault_server.app_roles.items():
        manager.create_secret(Name=f"{STACK}/{name}/approle", SecretString=role.to_json())
    yield Settings(
        target="embedded",
        stack=STACK,
        symbols=("BTC/USDT",),
        timeframes=("1m",),
        redis_url=redis_url,
        vault_url=vault_server.url,
    )
    for name in vault_server.app_roles:
        manager.delete_secret(SecretId=f"{STACK}/{name}/approle", ForceDeleteWithoutRecovery=True)
    dsn = vault_server.credentials.dsn
    secrets.create_or_update_secret("databases/main", {"dsn": dsn}, mount_point="volexswarm")
