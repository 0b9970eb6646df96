"""Returns, correlation and clusters, held against what Python's own statistics say."""

from __future__ import annotations

import statistics
from math import exp, log
from random import Random

import pytest

from volexswarm.risk.prices import PriceHistory


def walk(returns: list[float], start: float = 100.0) -> list[float]:
    closes = [start]
    for value in returns:
        closes.append(closes[-1] * exp(value))
    return closes


def noise(seed: int, count: int = 60, scale: float = 0.01) -> list[float]:
    rng = Random(seed)
    return [rng.gauss(0, scale) for _ in range(count)]


MARKET, OWN, OTHER = noise(1), noise(2), noise(3)
CLOSES = {
    "BTC": walk(MARKET),
    "ETH": walk([m + 0.3 * o for m, o in zip(MARKET, OWN, strict=True)]),
    "INV": walk([-m for m in MARKET]),
    "XAU": walk(OTHER),
}


def test_returns_and_their_spread_are_of_logarithms():
    history = PriceHistory(CLOSES)
    assert history.observations == 60
    assert history.returns("BTC") == pytest.approx(MARKET)
    assert history.volatility("BTC") == pytest.approx(statistics.stdev(MARKET))
    assert history.volatility("BTC", 24) == pytest.approx(statistics.stdev(MARKET[-24:]))
    assert history.volatility("BTC", 61) is None
    assert history.gains("BTC") == pytest.approx([(exp(value) - 1) * 10**9 for value in MARKET], abs=1)


def test_correlation_is_pearsons():
    history = PriceHistory(CLOSES)
    for other in ("ETH", "INV", "XAU"):
        expected = statistics.correlation(history.returns("BTC"), history.returns(other))
        assert history.correlation("BTC", other) == pytest.approx(expected)
        assert history.correlation(other, "BTC") == history.correlation("BTC", other)


def test_a_cluster_holds_what_moves_along_or_against_directly_or_through_others():
    history = PriceHistory(CLOSES)
    assert history.cluster("BTC", 0.7) == {"BTC", "ETH", "INV"}
    assert history.cluster("XAU", 0.7) == {"XAU"}
    chain = {
        "A": walk(MARKET),
        "B": walk([m + o for m, o in zip(MARKET, OWN, strict=True)]),
        "C": walk(OWN),
    }
    linked = PriceHistory(chain)
    assert abs(linked.correlation("A", "C") or 0) < 0.5
    assert linked.cluster("A", 0.5) == {"A", "B", "C"}
    assert linked.cluster("A", 0.9) == {"A"}


def test_a_quiet_hour_is_no_change_and_an_hour_without_any_trade_is_a_hole():
    history = PriceHistory({"A": [100.0, None, 110.0, None, 121.0, 121.0], "B": [5.0, 5.0, 5.0, None, 5.0, 5.0]})
    # hour 3 was not seen at all: neither it nor the one after has a return
    assert history.returns("A") == pytest.approx([0.0, log(1.1), 0.0])
    assert history.observations == 3


def test_an_asset_that_came_later_has_fewer_returns_and_is_named():
    history = PriceHistory({"A": [1.0] * 50, "B": [None] * 30 + [2.0] * 20, "C": [None] * 50})
    assert history.lacking(["A", "B", "C"], 24) == ("B", "C")
    assert history.lacking(["A", "B"], 19) == ()
    assert history.beginning(["A", "B"]) == 30
    assert history.correlation("A", "B") is None  # neither ever moved, and they share too few hours
    assert history.lacking(["nobody"], 1) == ("nobody",)


def test_the_average_is_of_the_last_hours_or_unknown():
    history = PriceHistory({"A": [1.0, 2.0, 3.0, 4.0]})
    assert history.average("A", 2) == 3.5
    assert history.average("A", 5) is None
    assert history.average("B", 1) is None


def test_without_any_price_nothing_is_known_and_nothing_breaks():
    history = PriceHistory({})
    assert (history.observations, history.close("A"), history.volatility("A")) == (0, None, None)
    assert history.cluster("A", 0.5) == {"A"}
