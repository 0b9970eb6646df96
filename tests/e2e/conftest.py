"""Whole clouds for end-to-end tests: the same code as `make up`, in folders of their own, on free ports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from volexlocal.cloud import Cloud, free_ports
from volexlocal.home import CHECKOUT

SHARED_CACHE = CHECKOUT / ".volex" / "cache"


class Swarm:
    """A running cloud and its command line client, as a user has them."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud = cloud
        self.dsn = cloud.dsn
        self.exchange_url = cloud.configuration.url("exchange")
        self._environment = os.environ | {"VOLEXSWARM_URL": cloud.api_url, "XDG_CONFIG_HOME": str(folder)}
        self._environment.pop("VOLEX_HOME", None)

    def log_in(self) -> None:
        self.succeeds("login", "--password-file", str(self.cloud.home.admin_password))

    def runs(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`volexswarm WORDS…`, whatever its outcome."""
        command = [str(Path(sys.executable).parent / "volexswarm"), *words]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False, timeout=120)

    def succeeds(self, *words: str) -> str:
        """`volexswarm WORDS…`, which must succeed; what it printed."""
        done = self.runs(*words)
        assert done.returncode == 0, f"volexswarm {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def answers(self, *words: str) -> Any:
        """`volexswarm WORDS… --json`, which must succeed; what it answered."""
        return json.loads(self.succeeds(*words, "--json"))


@pytest.fixture(scope="module")
def start_swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Swarm]]:
    """`start_swarm(speed=…, replay=…)` brings a cloud up and logs in. What is built once is kept for all of them."""
    clouds: list[Cloud] = []

    def start(**wishes: Any) -> Swarm:
        home = tmp_path_factory.mktemp("swarm")
        SHARED_CACHE.mkdir(parents=True, exist_ok=True)
        (home / "cache").symlink_to(SHARED_CACHE)
        cloud = Cloud(home, attached=True)
        clouds.append(cloud)
        cloud.up({"ports": free_ports(), **wishes})
        swarm = Swarm(cloud, home / "client")
        swarm.log_in()
        return swarm

    yield start
    for cloud in clouds:
        cloud.down()
