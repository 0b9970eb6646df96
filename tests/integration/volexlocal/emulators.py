"""The emulator as we run it and as it is published, clients for it, and functions on it that run as ours do."""

import io
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3

from infra import runtime
from volexlocal.processes import Command
from volexlocal.servers.emulator import Emulator

ROLE = "arn:aws:iam::000000000000:role/any"


class Uncorrected(Emulator):
    """ministack as it is published."""

    def command(self) -> Command:
        return replace(super().command(), arguments=(sys.executable, "-I", "-m", "ministack"))


def client(server: Emulator, service: str, endpoint_url: str | None = None) -> Any:
    """An AWS client of the emulator, or of one of its APIs' own addresses."""
    aws = server.environment
    return boto3.client(
        service,
        endpoint_url=endpoint_url or server.url,
        region_name=aws["AWS_REGION"],
        aws_access_key_id=aws["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=aws["AWS_SECRET_ACCESS_KEY"],
    )


def zipped(files: Mapping[str, str]) -> bytes:
    """A function's code: `bootstrap` executable, as the rest of the files are not."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o755 if name == "bootstrap" else 0o644) << 16
            code.writestr(entry, text)
    return archive.getvalue()


def code_of(source: str) -> bytes:
    """A module `trial` with our own bootstrap: its handlers run under AWS's runtime client."""
    ours = {"bootstrap": "bootstrap", "volex_start.py": "start.py", "volex_nursery.py": "nursery.py"}
    return zipped({name: (runtime.FOLDER / file).read_text() for name, file in ours.items()} | {"trial.py": source})


def interpreter(cache: Path) -> str:
    """The functions' virtual environment, built once per checkout."""
    return str(runtime.build(cache.resolve()))
