"""The unseal key and root token of a Vault, kept in a file that only the owner may read. Works on OpenBao and HashiCorp Vault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from volexlocal import private
from volexlocal.failures import NotHealthy


class VaultKeys:
    """Initialises, unseals and seals one Vault.

    Parameters
    ----------
    url : str
        Its address.
    file : Path
        {"unseal_key", "root_token"}; written when the Vault is initialised.
    """

    def __init__(self, url: str, file: Path) -> None:
        self.url = url
        self.file = file

    @property
    def root_token(self) -> str:
        """The token that may do everything: for seeding and an operator's changes. Raises NotHealthy if the file is missing."""
        return self._key("root_token")

    def open(self) -> None:
        """Initialise it at the first time, and unseal it. Harmless when it is open.

        Raises
        ------
        NotHealthy
            If it does not answer, or its keys are missing.
        """
        status = self._call("GET", "seal-status")
        if not status["initialized"]:
            made = self._call("PUT", "init", {"secret_shares": 1, "secret_threshold": 1})
            private.write_json(self.file, {"unseal_key": made["keys_base64"][0], "root_token": made["root_token"]})
            status = self._call("GET", "seal-status")
        if status["sealed"]:
            self._call("PUT", "unseal", {"key": self._key("unseal_key")})

    def seal(self) -> None:
        """Close it: no secret can be read or used until it is opened."""
        self._call("PUT", "seal", token=self.root_token)

    def _key(self, name: str) -> str:
        keys = private.read_json(self.file)
        if keys is None:
            raise NotHealthy(f"its keys are missing ({self.file})")
        return str(keys[name])

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, token: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {} if token is None else {"X-Vault-Token": token}
        request = Request(f"{self.url}/v1/sys/{path}", data=data, method=method, headers=headers)  # noqa: S310
        try:
            with urlopen(request, timeout=30) as response:  # noqa: S310 -- always http on 127.0.0.1
                return json.loads(response.read() or b"{}")
        except (URLError, OSError) as error:
            raise NotHealthy(f"{path}: {error}") from error
