"""The same swarm on containers: `localstack/compose.yaml` for the servers, the embedded cloud's own steps on top of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from volexlocal import configuration, private, provisioning, site
from volexlocal.configuration import DEFAULT_PORTS, Configuration
from volexlocal.failures import CloudError, NotHealthy
from volexlocal.home import CHECKOUT, Home
from volexlocal.servers.emulator import CREDENTIALS, REGION
from volexlocal.steps import KEEPERS, PROVISION
from volexlocal.vault_desk import VaultDesk
from volexlocal.vault_keys import VaultKeys

FILE = CHECKOUT / "localstack" / "compose.yaml"
SERVERS = ("localstack", "timescaledb", "redis", "vault", "exchange")
VAULT_PATIENCE = 30.0

Report = Callable[[str], None]


class Containers:
    """The cloud of `compose.yaml`.

    Parameters
    ----------
    home : Home
        The checkout's; secrets and outputs of the containers are kept apart below it.
    """

    def __init__(self, home: Home) -> None:
        self._main_home = home
        self._home = Home(home.root / "compose")

    def up(self, wishes: dict[str, Any], report: Report) -> str:
        """Start the servers, bring them to the state that the swarm needs, start the feed. Returns the API's address.

        Raises
        ------
        CloudError
            If there is no Docker engine, or a step fails.
        """
        self._assert_engine()
        chosen = configuration.changed(configuration.load(self._home.configuration), wishes)
        if chosen.replay is not None:
            raise CloudError("a replay runs on the embedded cloud only: make up REPLAY=… without TARGET=compose")
        private.write_json(self._home.configuration, chosen.model_dump(mode="json"))
        self._write_feed_environment(chosen)
        report("starting containers")
        self._compose("up", "--detach", "--wait", "--build", *SERVERS)
        self._open_vault(chosen)
        self.provision(tuple(PROVISION), report)
        report("starting realtime-data")
        self._compose("up", "--detach", "--wait", "--build", "realtime-data")
        self.provision(tuple(KEEPERS), report)
        url = str(private.read_json(self._home.outputs)["api_url"])  # type: ignore[index]
        private.write_json(self._main_home.api, {"url": url.removesuffix("/api")})
        return url

    def provision(self, steps: Sequence[str], report: Report) -> None:
        """Run steps of the bring-up on the running containers. Raises CloudError if one fails."""
        keys: Mapping[str, str] = json.loads(self._compose("exec", "-T", "exchange", "cat", "/data/credentials.json"))
        provisioning.run(self._home, steps, report, keys)

    @property
    def admin_password_file(self) -> str:
        return str(self._home.admin_password)

    @property
    def vault(self) -> VaultDesk:
        """Who may log in, and model keys."""
        keys = self._vault_keys(configuration.load(self._home.configuration))
        return VaultDesk(keys.url, keys.root_token)

    def environment(self, chosen: Configuration) -> dict[str, str]:
        """What `compose.yaml` asks for."""
        ports = {f"VOLEX_PORT_{part.replace('-', '_').upper()}": str(chosen.port(part)) for part in DEFAULT_PORTS}
        return ports | {
            "VOLEX_SPEED": f"{chosen.speed:g}",
            "VOLEX_SYMBOLS": ",".join(chosen.symbols),
            "VOLEX_SECRETS": str(self._home.secrets),
            "VOLEX_CACHE": str(CHECKOUT / ".volex" / "cache"),
            "VOLEX_REALTIME_ENV": str(self._feed_environment),
        }

    @property
    def _feed_environment(self) -> Path:
        return self._home.run / "realtime-data.env"

    def _write_feed_environment(self, chosen: Configuration) -> None:
        private.password(self._home.secrets / "postgres-volex")
        names = {f"VOLEX_{field.upper()}": value for field, value in site.container_settings(chosen).items()}
        aws = {"AWS_ENDPOINT_URL": "http://localstack:4566", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
        lines = [f"{name}={value}" for name, value in (names | aws | CREDENTIALS).items()]
        private.write(self._feed_environment, "\n".join(lines) + "\n")

    def _vault_keys(self, chosen: Configuration) -> VaultKeys:
        return VaultKeys(chosen.url("openbao"), self._home.secrets / "vault.json")

    def _open_vault(self, chosen: Configuration) -> None:
        keys, end = self._vault_keys(chosen), time.monotonic() + VAULT_PATIENCE
        while True:
            try:
                return keys.open()
            except NotHealthy as problem:
                if time.monotonic() > end:
                    raise CloudError(f"vault: {problem}") from problem
                time.sleep(0.5)

    def _assert_engine(self) -> None:
        if shutil.which("docker") is None:
            raise CloudError("TARGET=compose needs Docker, which is not installed; `make up` alone needs none")
        for question in (("docker", "version"), ("docker", "compose", "version")):
            answer = subprocess.run(question, capture_output=True, text=True, check=False)
            if answer.returncode != 0:
                raise CloudError(
                    f"`{' '.join(question)}` fails: {answer.stderr.strip() or answer.stdout.strip()}. TARGET=compose needs a "
                    "running Docker engine with the compose plugin; `make up` alone needs none"
                )

    def _compose(self, *words: str) -> str:
        chosen = configuration.load(self._home.configuration)
        command = ("docker", "compose", "--file", str(FILE), *words)
        done = subprocess.run(
            command, env=os.environ | self.environment(chosen), stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode != 0:
            raise CloudError(f"`docker compose {words[0]}` failed with code {done.returncode}; its words are above")
        return done.stdout
