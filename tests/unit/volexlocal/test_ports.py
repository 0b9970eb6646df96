"""Ports: free or not, and whose."""

import os
import socket
from collections.abc import Iterator

import pytest

from volexlocal import ports


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        yield int(server.getsockname()[1])


def test_a_port_someone_listens_on_is_not_free(listening: int) -> None:
    assert not ports.is_free(listening)


def test_the_holder_is_named(listening: int) -> None:
    assert f"process {os.getpid()} (" in ports.holder(listening)


def test_free_ports_are_free_and_different() -> None:
    found = ports.free_ports(20)

    assert len(set(found)) == 20
    assert all(ports.is_free(port) for port in found)
