"""A whole local cloud for a measurement: the code of `make up`, in a folder of its own, on free ports, gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from volexlocal.cloud import Cloud, free_ports


@contextmanager
def running(**wishes: Any) -> Iterator[Cloud]:
    """A healthy cloud with these fields of its configuration."""
    with tempfile.TemporaryDirectory(prefix="volexswarm-bench-") as folder:
        cloud = Cloud(Path(folder), attached=True)
        try:
            cloud.up({"ports": free_ports(), **wishes})
            yield cloud
        finally:
            cloud.down()


def exchange_status(cloud: Cloud) -> dict[str, Any]:
    """What the simulated exchange says of itself."""
    answer = httpx.get(f"{cloud.configuration.url('exchange')}/admin/status", timeout=10)
    return dict(answer.raise_for_status().json())


def set_speed(cloud: Cloud, speed: float) -> None:
    """Let the exchange's clock run so many times as fast as ours."""
    url = f"{cloud.configuration.url('exchange')}/admin/clock"
    httpx.post(url, json={"speed": speed}, timeout=10).raise_for_status()
