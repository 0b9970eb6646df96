"""A power cut while it trades: every process is killed at once, the exchange's too; nothing is missing after the next start."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import psutil
import pytest

from tests.e2e import evidence
from tests.e2e.conftest import Swarm

pytestmark = pytest.mark.timeout(1200)

SPEED = 60
CUTS = 2


def test_a_power_cut_while_it_trades_leaves_nothing_missing_and_nothing_twice(
    start_swarm: Callable[..., Swarm], capsys: pytest.CaptureFixture[str]
) -> None:
    swarm = start_swarm(speed=SPEED)
    for cut in range(CUTS):
        before = orders_of(swarm)
        ask_for_trades(swarm)
        evidence.wait_until("it trades", lambda before=before: orders_of(swarm) > before + 2, 400)
        ask_for_trades(swarm)  # and some of it is under way when the lights go out
        killed = cut_the_power(swarm)
        started = time.monotonic()
        swarm.cloud.up()
        up = time.monotonic() - started
        evidence.wait_until("the account was compared after the cut", partial(compared, swarm, time.time() - up), 300)
        after = orders_of(swarm)
        evidence.wait_until("it trades again", lambda after=after: orders_of(swarm) > after, 400)
        evidence.wait_until("the books are exact", swarm.books_are_exact, 240)
        with capsys.disabled():
            print(  # noqa: T201 - the figures of the acceptance
                f"\npower cut {cut + 1}: {killed} processes killed, up again after {up:.1f} s, {after} orders by then"
            )
    evidence.wait_until("no difference is open", lambda: open_differences(swarm) == [], 240)
    assert_each_order_once(swarm)


def ask_for_trades(swarm: Swarm) -> None:
    for symbol, amount in (("BTC/USDT", "0.001"), ("ETH/USDT", "0.02"), ("SOL/USDT", "0.3")):
        swarm.answers("trade", "BUY", symbol, amount)


def orders_of(swarm: Swarm) -> int:
    return int(evidence.value(swarm.dsn, "SELECT count(*) FROM orders WHERE filled > 0"))


def cut_the_power(swarm: Swarm) -> int:
    """Stop every process first, so that none sees another die; then kill them all."""
    state = swarm.cloud.state()
    assert state is not None
    supervisor = psutil.Process(state.pid)
    everything = [supervisor, *supervisor.children(recursive=True)]
    for blow in (signal.SIGSTOP, signal.SIGKILL):
        for process in everything:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, blow)
    psutil.wait_procs([process for process in everything if process.pid != os.getpid()], timeout=10)
    return len(everything)


def compared(swarm: Swarm, since: float) -> bool:
    query = "SELECT count(*) FROM reconciliations WHERE started_at > to_timestamp(%s)"
    return bool(evidence.value(swarm.dsn, query, since))


def open_differences(swarm: Swarm) -> list[Any]:
    return evidence.rows(swarm.dsn, "SELECT kind, subject, ours, theirs FROM differences WHERE state = 'open'")


def assert_each_order_once(swarm: Swarm) -> None:
    """Every order at the exchange is one of ours, under a name of its own; what we hold for sent is there.

    It trades on meanwhile: an order is stored before it is sent, and known for sent after that, so ours are read on both sides.
    """
    sent = names_of(swarm, "WHERE state IN ('accepted', 'partially_filled', 'filled')")
    there = evidence.orders_at(swarm.exchange_url)
    assert len(there) == len(set(there))
    assert sent <= set(there) <= names_of(swarm)


def names_of(swarm: Swarm, which: str = "") -> set[str]:
    return {name for (name,) in evidence.rows(swarm.dsn, f"SELECT client_order_id FROM orders {which}")}
