"""The AWS emulator (ministack) with our corrections, in an environment that holds nothing of the user's."""

from __future__ import annotations

import shutil
import sys

from volexlocal import ports, private, processes
from volexlocal.failures import NotHealthy
from volexlocal.processes import Command
from volexlocal.servers.server import Server, answers

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""What the emulator accepts; they open nothing elsewhere."""


class Emulator(Server):
    """Queues, functions, gateway, schedules. Its state is rebuilt from the template; the truth is in PostgreSQL."""

    name = "emulator"
    grace = 15.0

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What an AWS client needs to speak to it."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **CREDENTIALS}

    def prepare(self) -> None:
        private.folder(self.data)
        # It never removes the code that it unpacks for the functions.
        shutil.rmtree(self.data / "tmp", ignore_errors=True)
        private.folder(self.data / "tmp")

    def command(self) -> Command:
        settings = {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": ports.HOST,
            "MINISTACK_HOST": ports.HOST,
            "MINISTACK_REGION": REGION,
            "TMPDIR": str(self.data / "tmp"),
            "STATE_DIR": str(self.data / "state"),
            "S3_DATA_DIR": str(self.data / "s3"),
            "AWS_ENDPOINT_URL": self.url,  # the functions find it here
            "LOG_LEVEL": "WARNING",
            "LAMBDA_EXECUTOR": "local",
        }
        environment = processes.clean_environment(settings | CREDENTIALS, home=self.data)
        return Command((sys.executable, "-I", "-m", "volexlocal.emulator"), environment, self.data)

    def check(self) -> None:
        status = answers(f"{self.url}/_ministack/health")
        if status != 200:
            raise NotHealthy(f"its health check answers {status}")
