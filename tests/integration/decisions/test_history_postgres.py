"""Risk's history of the account: money that comes or goes is neither gain nor loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.transaction import START
from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.risk import RiskTransaction
from volexswarm.risk.model import History, Periods

DAY = timedelta(days=1)


@pytest.fixture
def connection(database_dsn: str) -> Iterator[Connection]:
    database = Database(lambda: database_dsn)
    with database.connection() as opened:
        opened.execute("INSERT INTO accounts (venue, account, opened_at) VALUES ('binance', 'main', %s)", (START,))
        yield opened
    database.close()


def value(connection: Connection, equity: int, days: float) -> None:
    at = START + days * DAY
    RiskTransaction(connection).record_equity("binance", "main", "USDT", Decimal(equity), Decimal(equity), at, at)


def transfer(connection: Connection, amount: int, value: int | None, days: float) -> None:
    at = START + days * DAY
    connection.execute(
        "INSERT INTO transfers VALUES ('binance', 'main', 'deposit', %s, 'USDT', %s, 0, %s, %s, gen_random_uuid(), %s, %s, %s)",
        (str(days), amount, at, at, value, None if value is None else "USDT", None if value is None else at),
    )


def history(connection: Connection, days: float) -> History:
    """The day begins so many days after the first valuation, the week one day before it, the month at the very first."""
    day = START + days * DAY
    tx = RiskTransaction(connection)
    holdings = tx.holdings("binance", "main", None, START)
    assert holdings is not None
    return tx.worths("binance", "main", "USDT", Periods(day, day - DAY, START)).of(holdings.units)


def test_peak_and_day_start_are_told_in_the_money_of_today(connection: Connection) -> None:
    value(connection, 1000, 0)
    value(connection, 1200, 1)
    value(connection, 1100, 2)
    assert history(connection, 1.5) == History(Decimal(1200), Decimal(1200), Decimal(1000), Decimal(1000), 0)
    # half of it is withdrawn, and half of the units with it: what is left was never worth more than 600
    connection.execute("UPDATE accounts SET units = units / 2")
    value(connection, 550, 3)
    assert history(connection, 2.5) == History(Decimal(600), Decimal(550), Decimal(600), Decimal(500), 0)


def test_the_last_equity_is_told_in_the_money_of_today(connection: Connection) -> None:
    def last(currency: str = "USDT") -> Decimal | None:
        return RiskTransaction(connection).last_equity("binance", "main", currency)

    assert last() is None
    value(connection, 1000, 0)
    value(connection, 1200, 2)
    value(connection, 1100, 1)
    assert last() == 1200
    connection.execute("UPDATE accounts SET units = units / 2")
    assert last() == 600
    assert last("EUR") is None


def test_a_valuation_begun_before_money_came_is_not_stored_after_it(connection: Connection) -> None:
    value(connection, 1000, 0)
    transfer(connection, 500, None, 1)
    value(connection, 1500, 1)
    assert history(connection, 0).peak == 1000
    # valued by the books a moment ago, in which this valuation may have begun
    connection.execute("UPDATE transfers SET value = 500, value_currency = 'USDT', valued_as_of = as_of")
    value(connection, 1000, 1 + 0.5 / 1440)
    assert history(connection, 1).day_start == 1000
    value(connection, 990, 1 + 2 / 1440)
    assert history(connection, 1 + 1 / 1440).day_start == 1000
    assert history(connection, 1 + 3 / 1440).day_start == 990


def test_what_came_and_went_is_told_until_it_is_valued(connection: Connection) -> None:
    def flows() -> Mapping[str, Decimal]:
        holdings = RiskTransaction(connection).holdings("binance", "main", None, START)
        assert holdings is not None
        return holdings.flows

    assert flows() == {}
    transfer(connection, 500, None, 1)
    transfer(connection, -200, None, 2)
    transfer(connection, 70, 70, 3)
    assert flows() == {"USDT": Decimal(300)}
    connection.execute("UPDATE transfers SET value = amount, value_currency = 'USDT', valued_as_of = as_of")
    assert flows() == {}


def test_the_last_worth_is_that_of_the_last_time_when_there_were_units(connection: Connection) -> None:
    value(connection, 1000, 0)
    value(connection, 1200, 1)
    connection.execute("UPDATE accounts SET units = 0")
    value(connection, 0, 2)
    worths = RiskTransaction(connection).worths("binance", "main", "USDT", Periods(START, START, START))
    assert (worths.last, worths.peak) == (Decimal("1.2"), Decimal("1.2"))


def test_without_a_valuation_nothing_is_known(connection: Connection) -> None:
    assert history(connection, 0) == History(None, None, None, None, 0)
