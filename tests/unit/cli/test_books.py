"""What `portfolio` and its chart make of the API's answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from rich.console import Console, RenderableType

from tests.fakes import views
from volexswarm.cli.books import _render_portfolio
from volexswarm.cli.performance import render_history
from volexswarm.views.books import EquityPoint
from volexswarm.views.performance import HistoryPoint

VALUED = EquityPoint(as_of=views.MARKET, equity=Decimal(100_000), cash=Decimal(100_000), taken_at=views.NOW)


def shown(parts: Iterable[RenderableType]) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return capture.get()


def portfolio(**told: Any) -> str:
    known = {"first": VALUED, "latest": VALUED, "equity_as_of": views.MARKET + timedelta(minutes=59), **told}
    return shown(_render_portfolio(views.PORTFOLIO.model_copy(update=known).model_dump(mode="json")))


def test_the_equity_says_by_which_prices_and_of_when_it_is() -> None:
    live = {"equity": Decimal("100006.6"), "cash": Decimal("99099.1"), "equity_by": "last trades"}
    text = portfolio(**live, change=Decimal("6.6"), net_transfers=Decimal(0))
    assert "equity 100,006.60 USDT, cash 99,099.10, by the last trades at 01-04 10:29:00 market time" in text
    assert "gain 6.60 since 01-04 09:30:00 (without transfers of 0.00)" in text
    assert "by the last valuation at" in portfolio(**(live | {"equity_by": "valuation"}))


def test_a_gain_that_rounds_to_nothing_has_no_sign() -> None:
    assert "gain 0.00 since" in portfolio(change=Decimal("-0.001"), net_transfers=Decimal(0))


def test_an_hour_without_a_valuation_is_as_wide_as_one_with_it() -> None:
    def point(hours: int, equity: int) -> HistoryPoint:
        as_of = views.MARKET + timedelta(hours=hours)
        return HistoryPoint(as_of=as_of, equity=Decimal(equity), cash=Decimal(0), worth=1.0)

    history = views.HISTORY.model_copy(update={"points": [point(0, 100), point(5, 300), point(6, 100)]})
    lines = shown(render_history(history.model_dump(mode="json"))).splitlines()
    assert lines[1:9] == ["     █"] * 7 + ["▁▁▁▁▁█▁"]
