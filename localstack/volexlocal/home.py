"""Where one local cloud keeps its things: `.volex/` of the checkout, or wherever `VOLEX_HOME` says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Home:
    """The folder of one cloud; two clouds with different homes and ports do not touch each other."""

    root: Path

    @classmethod
    def current(cls) -> Home:
        """`VOLEX_HOME`, or `.volex` of this checkout."""
        return cls(Path(os.environ.get("VOLEX_HOME") or CHECKOUT / ".volex").expanduser().resolve())

    @property
    def configuration(self) -> Path:
        return self.root / "config.json"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def state(self) -> Path:
        """What the supervisor knows of its parts."""
        return self.run / "state.json"

    @property
    def requests(self) -> Path:
        """Wishes to the supervisor, a file each."""
        return self.run / "requests"

    @property
    def lock(self) -> Path:
        """Held by whoever starts or stops the cloud."""
        return self.run / "lock"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def admin_password(self) -> Path:
        return self.secrets / "admin-password"

    @property
    def outputs(self) -> Path:
        """What the deployment told: the API's id among it."""
        return self.root / "outputs.json"

    @property
    def api(self) -> Path:
        """{"url"}: where the command line client finds the API."""
        return self.root / "api.json"

    def log(self, part: str) -> Path:
        return self.root / "logs" / f"{part}.log"
