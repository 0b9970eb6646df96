"""What the books testify: shares of the equity at present prices, and nothing while a price is missing."""

from __future__ import annotations

import copy
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.portfolio import FakePortfolioTransaction
from tests.fakes.questions import question
from tests.fakes.transaction import START, FakeQuoteBoard, FakeStore, FixedClock
from volexswarm.messages import Quote
from volexswarm.portfolio import ledger
from volexswarm.portfolio.model import Flow, FlowKind, Position, Valuation
from volexswarm.portfolio.voice import PortfolioVoice


class Books:
    """An account with 60,000 USDT and 1 BTC bought at 30,000, once worth 125,000."""

    def __init__(self, **assets: str) -> None:
        self.state = FakePortfolioTransaction()
        held = {asset: Decimal(amount) for asset, amount in (assets or {"USDT": "60000", "BTC": "1"}).items()}
        self.state.post(ledger.of_opening("binance", "main", held, START), correlation_id="c", posted_at=START)
        self.state.positions["BTC/USDT"] = Position(Decimal(1), Decimal(30_000))
        self.value("125000", "1000")
        self.clock = FixedClock()
        self.quotes = FakeQuoteBoard()
        self.quote("BTC/USDT", "40000")
        self.voice = PortfolioVoice(
            store=FakeStore(self.state),
            quotes=self.quotes,
            clock=self.clock,
            currency="USDT",
            symbols=("BTC/USDT", "ETH/USDT", "ETH/BTC"),
            quote_max_age=timedelta(seconds=30),
        )

    def value(self, equity: str, units: str) -> None:
        nothing: dict[str, Decimal] = {}
        at = START + timedelta(minutes=len(self.state.snapshots))
        self.state.snapshots[at] = Valuation("USDT", Decimal(equity), Decimal(0), Decimal(0), nothing, nothing, (), ())
        self.state.snapshot_units[at] = Decimal(units)

    def quote(self, symbol: str, price: str, age: float = 0) -> None:
        received = self.clock.now() - timedelta(seconds=age)
        self.quotes.quotes[symbol] = Quote(bid=Decimal(price), ask=Decimal(price), as_of=START, received_at=received)

    def ask(self, symbol: str = "BTC/USDT"):
        return self.voice.testify(question(symbol=symbol))


def test_shares_are_of_the_equity_at_present_prices():
    assert Books().ask().features == {
        "equity": 100_000.0, "cash_share": 0.6, "position_share": 0.4, "unrealised_share": 0.1, "drawdown": 0.2,
    }  # fmt: skip


def test_a_symbol_that_is_not_held_is_told_as_none():
    features = Books().ask("ETH/USDT").features
    assert (features["position_share"], features["unrealised_share"]) == (0.0, 0.0)


def test_a_gain_in_another_currency_is_valued():
    books = Books(USDT="60000", BTC="0.5", ETH="10")
    books.state.positions["ETH/BTC"] = Position(Decimal(10), Decimal("0.04"))
    books.quote("ETH/BTC", "0.05")
    books.quote("ETH/USDT", "2000")
    said = books.ask("ETH/BTC").features
    assert said["equity"] == 100_000
    assert said["unrealised_share"] == pytest.approx(10 * 0.01 * 40_000 / 100_000)


@pytest.mark.parametrize("age", [31, 3_600])
def test_while_a_price_is_missing_the_equity_is_not_known(age):
    books = Books()
    books.quote("BTC/USDT", "40000", age)
    said = books.ask()
    assert (said.missing, said.features) == ("no fresh price of BTC", {})


def test_a_quote_too_wide_to_value_by_is_told():
    books = Books()
    received = books.clock.now()
    emptied = Quote(bid=Decimal(1), ask=Decimal(200), as_of=START, received_at=received)
    books.quotes.quotes["BTC/USDT"] = emptied
    said = books.ask()
    assert said.features == {}
    assert said.missing is not None
    assert said.missing.endswith("no price to value by: BTC/USDT (198.01 %)")


def test_money_that_just_came_is_no_gain():
    books = Books(USDT="160000", BTC="1")
    flow = Flow("binance", "main", FlowKind.DEPOSIT, "1", "USDT", Decimal(100_000), Decimal(0), START)
    books.state.add_flow(flow, correlation_id="c", booked_at=START)
    said = books.ask().features
    assert (said["equity"], said["drawdown"]) == (200_000.0, pytest.approx(0.2))


def test_an_account_without_books_says_so():
    books = Books()
    books.state.snapshots.clear()
    books.state.snapshot_units.clear()
    assert books.ask().missing == "the books of main have never been valued"


def test_testifying_changes_nothing():
    books = Books()
    before = copy.deepcopy(books.state.__dict__)
    books.ask()
    assert books.state.__dict__ == before
