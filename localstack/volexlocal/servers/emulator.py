"""The AWS emulator (ministack) with our corrections, in an environment that holds nothing of the user's."""

from __future__ import annotations

import json
import shutil
import sys
import time
from contextlib import suppress
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from volexlocal import ports, private, processes
from volexlocal.failures import NotHealthy
from volexlocal.processes import Command
from volexlocal.servers.server import Server, answers

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""What the emulator accepts; they open nothing elsewhere."""

WARM_SECONDS = 30
"""How long a function's second and further processes stay when they have nothing to do; each takes some 25 to 60 MiB."""

DRAIN_PATIENCE = 10.0
DEAD_LETTERS = "-dead"  # queues that nobody consumes

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


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
            "LAMBDA_WARM_TTL_SECONDS": str(WARM_SECONDS),
            "IOT_MTLS_ENABLED": "0",  # it would listen on every address of the machine
        }
        environment = processes.clean_environment(settings | CREDENTIALS, home=self.data)
        return Command((sys.executable, "-I", "-m", "volexlocal.emulator"), environment, self.data)

    def stop(self) -> None:
        """Let the functions finish what waits in their queues, then stop: the queues do not outlive the process."""
        if self.is_running:
            self._drain()
        super().stop()

    def _drain(self) -> None:
        end = time.monotonic() + DRAIN_PATIENCE
        with suppress(NotHealthy):
            queues = [url for url in self._sqs("ListQueues").get("QueueUrls", []) if DEAD_LETTERS not in url]
            while time.monotonic() < end and any(self._holds_messages(url) for url in queues):
                time.sleep(0.2)

    def _holds_messages(self, queue: str) -> bool:
        answer = self._sqs("GetQueueAttributes", QueueUrl=queue, AttributeNames=list(_COUNTS))
        return any(int(answer["Attributes"][name]) for name in _COUNTS)

    def _sqs(self, action: str, **parameters: Any) -> dict[str, Any]:
        """One call in SQS's JSON protocol; a whole SDK would cost the supervisor more memory than the supervisor itself."""
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{action}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={CREDENTIALS['AWS_ACCESS_KEY_ID']}/20250101/{REGION}/sqs/aws4_request",
        }
        request = Request(self.url, json.dumps(parameters).encode(), headers)  # noqa: S310 -- always http on 127.0.0.1
        try:
            with urlopen(request, timeout=5) as response:  # noqa: S310
                return dict(json.loads(response.read()))
        except (URLError, OSError, ValueError) as error:
            raise NotHealthy(f"{action}: {error}") from error

    def check(self) -> None:
        status = answers(f"{self.url}/_ministack/health")
        if status != 200:
            raise NotHealthy(f"its health check answers {status}")
