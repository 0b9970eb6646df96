"""What the readers make of the stored books: returns without transfers, trades, whose doing it was, however much it is."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from tests.fakes.transaction import START, FixedClock
from tests.integration.api.conftest import SCOPE, SYMBOL, Chain
from tests.unit.portfolio.fills import fill
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.portfolio import PortfolioTransaction
from volexswarm.adapters.postgres.readers.books import PostgresBooksReader
from volexswarm.adapters.postgres.readers.performance import PostgresPerformanceReader
from volexswarm.errors import InvalidInput
from volexswarm.messages import Side
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.ports import Fill, Transfer
from volexswarm.views.performance import Period

BUY, SELL = Side.BUY, Side.SELL
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHAIN = str(uuid.uuid4())


class Books:
    """Opened books to fill by hand, and their readers."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.database = Database(lambda: dsn)
        self.performance = PostgresPerformanceReader(self.database, SCOPE)
        self.reader = PostgresBooksReader(self.database, SCOPE, [SYMBOL, "ETH/USDT"])
        self.run("INSERT INTO accounts (venue, account, opened_at, units) VALUES ('binance', 'main', %s, 1000)", START)

    def run(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.dsn) as connection:
            connection.execute(statement, values)

    def value(self, at: datetime, equity: object, units: object = 1000) -> None:
        self.run(
            "INSERT INTO equity_snapshots (venue, account, as_of, currency, equity, cash, units, taken_at)"
            " VALUES ('binance', 'main', %s, 'USDT', %s, 0, %s, %s)",
            *(at, equity, units, at),
        )

    def flow(self, at: datetime, value: object) -> None:
        self.run(
            "INSERT INTO transfers VALUES"
            " ('binance', 'main', 'deposit', %s, 'USDT', %s, 0, %s, %s, gen_random_uuid(), %s, 'USDT', %s)",
            *(str(at), value, at, at, value, at),
        )

    def book(self, *fills: Fill, order_id: str | None = None) -> None:
        for one in fills:
            with self.database.connection() as connection:
                Bookkeeper(FixedClock()).record_fill(
                    PortfolioTransaction(connection), one, order_id=order_id, correlation_id=CHAIN
                )

    def print_price(self, symbol: str, price: str) -> None:
        self.run("INSERT INTO trades VALUES ('binance', %s, 1, %s, %s, 1, 'b')", symbol, START, Decimal(price))


@pytest.fixture
def books(database_dsn: str) -> Iterator[Books]:
    made = Books(database_dsn)
    yield made
    made.database.close()


def test_an_account_that_was_never_valued_has_reasons_instead_of_figures(books: Books) -> None:
    told = books.performance.performance(Period.MONTH, 0.0)
    assert (told.since, told.start_equity, told.max_drawdown, told.trades) == (None, None, None, [])
    assert told.time_weighted_return.value is None
    assert "fewer than two times" in str(told.time_weighted_return.reason)
    assert books.performance.history(Period.ALL).points == []
    assert books.performance.attribution("agent", Period.DAY).totals == []


def test_returns_and_drawdown_know_of_no_transfer(books: Books) -> None:
    """1000 grow to 1100; 1100 come; 2200 fall to 1980, all withdrawn but 198, which fall to 99 and rise to 297."""
    for hours, equity, units in ((0, 1000, 1000), (1, 1100, 1000), (2, 2200, 2000), (3, 1980, 2000), (4, 198, 200)):
        books.value(START + hours * HOUR, equity, units)
    books.value(START + 5 * HOUR, 99, 200)
    books.value(START + 6 * HOUR, 297, 200)
    books.flow(START + 2 * HOUR, 1100)
    books.flow(START + 4 * HOUR, -1782)
    told = books.performance.performance(Period.ALL, 0.0)
    assert (told.start_equity, told.end_equity, told.net_flows) == (1000, 297, -682)
    assert told.time_weighted_return.value == pytest.approx(0.485)
    assert told.simple_return.value == pytest.approx((297 - 1000 + 682) / 1000)
    assert told.max_drawdown is not None
    assert told.max_drawdown.share == pytest.approx(1 - 0.495 / 1.1)
    assert (told.max_drawdown.peak_at, told.max_drawdown.trough_at) == (START + 2 * HOUR, START + 5 * HOUR)
    assert told.max_drawdown.recovered_at == START + 6 * HOUR
    assert told.simulated


def test_a_period_begins_with_the_last_valuation_before_it(books: Books) -> None:
    for days, equity in ((0, 1000), (9, 2000), (10, 2500), (20, 3000)):
        books.value(START + days * DAY, equity)
    told = books.performance.performance(Period.WEEK, 0.0)
    assert (told.since, told.start_equity) == (START + 10 * DAY, 2500)
    assert told.time_weighted_return.value == pytest.approx(0.2)
    assert [point.equity for point in books.performance.history(Period.WEEK).points] == [2500, 3000]
    assert [point.equity for point in books.performance.history(Period.ALL).points] == [1000, 2000, 2500, 3000]


def test_an_emptied_account_is_left_out_and_goes_on(books: Books) -> None:
    for hours, equity, units in ((0, 1000, 1000), (1, 1100, 1000), (2, 0, 0), (3, 550, 500), (4, 605, 500)):
        books.value(START + hours * HOUR, equity, units)
    told = books.performance.performance(Period.ALL, 0.0)
    assert told.time_weighted_return.value == pytest.approx(0.21)


@pytest.fixture
def many(books: Books) -> Books:
    """100,000 valuations, a minute apart, each better than the one before; within one minute near the end most is lost."""
    with psycopg.connect(books.dsn) as connection:
        connection.execute(
            "INSERT INTO equity_snapshots (venue, account, as_of, currency, equity, cash, units, taken_at)"
            " SELECT 'binance', 'main', %s + n * interval '1 minute', 'USDT', 1000 + n / 100.0 + n %% 2, 0, 1000, now()"
            " FROM generate_series(0, 99999) n",
            (START,),
        )
        for seconds, equity in ((10, 3000), (20, 900), (30, 1990)):
            connection.execute(
                "INSERT INTO equity_snapshots (venue, account, as_of, currency, equity, cash, units, taken_at)"
                " VALUES ('binance', 'main', %s, 'USDT', %s, 0, 1000, now())",
                (START + timedelta(minutes=99_000, seconds=seconds), equity),
            )
        connection.execute("ANALYZE equity_snapshots")
    return books


def test_a_long_history_is_thinned_and_loses_neither_its_ends_nor_the_deepest_fall(many: Books) -> None:
    for period in Period:
        history = many.performance.history(period)
        assert 200 < len(history.points) <= 500
        assert history.points[-1].equity == Decimal("2000.99")
    told = many.performance.performance(Period.ALL, 0.0)
    assert (told.start_equity, told.end_equity) == (1000, Decimal("2000.99"))
    assert told.max_drawdown is not None
    assert told.max_drawdown.share == pytest.approx(0.7)
    assert told.max_drawdown.peak_at == START + timedelta(minutes=99_000, seconds=10)
    assert told.max_drawdown.trough_at == START + timedelta(minutes=99_000, seconds=20)
    assert told.max_drawdown.recovered_at is None
    assert 300 < told.returns <= 1000
    assert told.sharpe.value is not None


def test_a_trade_is_what_one_order_bought_and_another_sold(books: Books) -> None:
    """An order filled in two parts is one trade; a fee in a third currency is told apart."""
    books.book(
        fill(1, BUY, "1", "100"),
        fill(2, BUY, "1", "102"),
        fill(61, SELL, "1", "111", "1"),
        fill(62, SELL, "1", "112", "0.01", "BNB"),
        fill(63, BUY, "1", "50", symbol="ETH/USDT"),
        fill(64, SELL, "1", "40", symbol="ETH/USDT"),
        fill(65, BUY, "2", "10", "0.1", symbol="SOL/USDT"),
    )
    (trades,) = books.performance.performance(Period.ALL, 0.0).trades
    assert (trades.currency, trades.count, trades.wins, trades.losses) == ("USDT", 2, 1, 1)
    assert (trades.won, trades.lost, trades.largest_win, trades.largest_loss) == (20, 10, 20, 10)
    assert trades.average_holding_seconds.value == pytest.approx((61 + 1) / 2)
    assert trades.profit_factor.value == pytest.approx(2)
    assert trades.other_fees == {"BNB": Decimal("0.01")}
    attribution = books.performance.attribution("symbol", Period.ALL)
    assert {share.key: share.realised for share in attribution.shares} == {
        "BTC/USDT": 20,
        "ETH/USDT": -10,
        "SOL/USDT": 0,
    }
    (total,) = attribution.totals
    assert (total.closed, total.realised, total.other_fees) == (3, 10, {"BNB": Decimal("0.01")})
    assert total.unrealised is None
    assert attribution.missing == ["SOL/USDT: no trade has been seen yet, there is no price to value it at"]


def test_lots_are_told_with_their_worth_and_in_pages(books: Books) -> None:
    books.book(fill(1, BUY, "2", "100", "1"), fill(2, BUY, "1", "120"), fill(3, SELL, "0.5", "130"))
    books.print_price("BTC/USDT", "110")
    first = books.reader.lots(None, 1, None)
    second = books.reader.lots("BTC/USDT", 1, first.next)
    (newest,), (oldest,) = first.items, second.items
    assert (newest.trade_id, newest.amount, newest.unrealised_pnl) == ("2", 1, -10)
    assert (oldest.trade_id, oldest.amount, oldest.cost) == ("1", Decimal("1.5"), Decimal("150.75"))
    assert (oldest.average_price, oldest.unrealised_pnl) == (Decimal("100.5"), Decimal("14.25"))
    assert (oldest.strategy_id, second.next) == (None, None)
    assert books.reader.lots("ETH/USDT", 5, None).items == []
    with pytest.raises(InvalidInput, match="cursor"):
        books.reader.lots(None, 1, "bm9uZQ")


def test_transfers_are_told_newest_first_and_in_pages(books: Books) -> None:
    for number, amount in (("1", "100"), ("2", "-30")):
        transfer = Transfer(number, "USDT", Decimal(amount), Decimal(1), START + int(number) * HOUR)
        with books.database.connection() as connection:
            Bookkeeper(FixedClock()).record_transfer(
                PortfolioTransaction(connection), "binance", "main", transfer, correlation_id=CHAIN
            )
    first = books.reader.transfers(1, None)
    second = books.reader.transfers(1, first.next)
    (withdrawal,), (deposit,) = first.items, second.items
    assert (withdrawal.kind, withdrawal.amount, withdrawal.fee, withdrawal.value) == ("withdrawal", -30, 1, None)
    assert (deposit.kind, deposit.amount, second.next) == ("deposit", 100, None)
    portfolio = books.reader.portfolio()
    (balance,) = portfolio.balances
    assert (balance.amount, balance.brought_in, balance.traded, balance.fees) == (68, 70, 0, 2)
    assert portfolio.fees_by_asset == {"USDT": 2}


def test_the_gain_told_in_the_portfolio_is_without_transfers(books: Books) -> None:
    books.value(START, 1000)
    books.flow(START + HOUR, 500)
    books.value(START + HOUR, 1600, 1500)
    portfolio = books.reader.portfolio()
    assert (portfolio.net_transfers, portfolio.change) == (500, 100)


def fed(books: Books, symbol: str, price: str, complete_to: datetime) -> None:
    books.print_price(symbol, price)
    books.run("INSERT INTO watermarks VALUES ('binance', %s, %s, 1)", symbol, complete_to)


def hold(books: Books, currency: str, amount: object) -> None:
    for account, sign in (("assets", 1), ("capital", -1)):
        books.run(
            "INSERT INTO balances VALUES ('binance', 'main', %s, %s, %s::numeric * %s)", account, currency, amount, sign
        )


def test_the_equity_is_of_the_moment_up_to_which_all_its_marks_are_known(books: Books) -> None:
    books.value(START, 1000)
    hold(books, "USDT", 600)
    hold(books, "BTC", 4)
    hold(books, "ETH", 2)
    fed(books, SYMBOL, "110", START + 2 * HOUR)
    fed(books, "ETH/USDT", "10", START + HOUR)
    told = books.reader.portfolio()
    assert (told.equity, told.cash, told.equity_as_of, told.equity_by) == (1060, 600, START + HOUR, "last trades")
    assert (told.change, told.latest and told.latest.equity, told.missing) == (60, 1000, [])


def test_the_newest_valuation_stands_in_where_a_mark_is_missing(books: Books) -> None:
    books.value(START, 1000)
    hold(books, "BTC", 4)
    told = books.reader.portfolio()
    assert (told.equity, told.equity_as_of, told.equity_by, told.change) == (1000, START, "valuation", 0)
    assert told.missing == ["marks: no trade that prices BTC has been seen yet"]


def test_what_came_since_the_newest_valuation_is_no_gain(books: Books) -> None:
    books.value(START, 1000)
    hold(books, "USDT", 600)
    hold(books, "BTC", 5)
    fed(books, SYMBOL, "110", START + HOUR)
    books.run(
        "INSERT INTO transfers (venue, account, kind, reference, currency, amount, fee, as_of, booked_at, correlation_id)"
        " VALUES ('binance', 'main', 'deposit', 'd-1', 'BTC', 1, 0, %s, %s, gen_random_uuid())",
        *(START + HOUR, START + HOUR),
    )
    told = books.reader.portfolio()
    assert (told.equity, told.net_transfers, told.change) == (1150, 110, 40)


def test_a_coin_that_no_market_leads_to_is_left_out_by_name(books: Books) -> None:
    hold(books, "USDT", 600)
    hold(books, "DOGE", 1000)
    fed(books, SYMBOL, "110", START)
    told = books.reader.portfolio()
    assert (told.equity, told.equity_as_of) == (600, START)
    assert told.missing == [
        "gain: the account has not been valued yet, there is nothing to compare with",
        "equity: DOGE left out, as no configured market leads to USDT",
    ]


def test_a_result_belongs_to_the_strategy_and_the_agent_that_wanted_it(chain: Chain) -> None:
    chain.open_account()
    chain.signal(chain.candle())
    chain.run()
    reader = PostgresPerformanceReader(chain.database, SCOPE)
    by_strategy = reader.attribution("strategy", Period.ALL)
    by_agent = reader.attribution("agent", Period.ALL)
    assert [share.key for share in by_strategy.shares] == ["ma-cross-btc"]
    assert [share.key for share in by_agent.shares] == ["signal"]
    portfolio = PostgresBooksReader(chain.database, SCOPE, [SYMBOL]).portfolio()
    assert by_strategy.totals == by_agent.totals
    (total,) = by_strategy.totals
    # average cost is kept to 18 decimals, lots to the last
    assert total.unrealised == pytest.approx(portfolio.unrealised_pnl["USDT"], abs=Decimal("1e-15"))
