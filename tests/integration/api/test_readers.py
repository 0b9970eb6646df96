"""The readers tell what the real agents stored."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.transaction import START
from tests.integration.api.conftest import OPENING, SCOPE, SYMBOL, Chain
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.readers.books import PostgresBooksReader
from volexswarm.adapters.postgres.readers.market import PostgresCandleReader
from volexswarm.adapters.postgres.readers.protections import PostgresProtectionReader
from volexswarm.adapters.postgres.readers.story import PostgresStoryReader
from volexswarm.adapters.postgres.readers.swarm import STALE_AFTER, PostgresSwarmReader
from volexswarm.adapters.postgres.readers.tasks import PostgresTaskReader
from volexswarm.adapters.postgres.readers.trading import PostgresTradingReader
from volexswarm.adapters.postgres.task_steps import TaskStepTransaction
from volexswarm.adapters.postgres.tasks import TaskTransaction
from volexswarm.desk.agent import Wish
from volexswarm.errors import Conflict, InvalidInput, NotFound, Unavailable
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import OrderState, OrderType, Priority, Side, TaskStatus
from volexswarm.tasks.model import Approval, PlannedTrade, RaisedTrade, Task
from volexswarm.tasks.record import StepKey
from volexswarm.tasks.requests import TradeWish
from volexswarm.views.story import Story, TaskOrigin
from volexswarm.views.swarm import Health


@pytest.fixture
def books(chain: Chain) -> PostgresBooksReader:
    return PostgresBooksReader(chain.database, SCOPE, [SYMBOL])


@pytest.fixture
def trading(chain: Chain) -> PostgresTradingReader:
    return PostgresTradingReader(chain.database, SCOPE)


@pytest.fixture
def stories(chain: Chain, trading: PostgresTradingReader, books: PostgresBooksReader) -> PostgresStoryReader:
    return PostgresStoryReader(chain.database, SCOPE, trading, books, PostgresProtectionReader(chain.database, SCOPE))


@pytest.fixture
def traded(chain: Chain) -> Chain:
    """One strategy's buy, filled in two parts."""
    chain.open_account()
    chain.signal(chain.candle())
    chain.run()
    return chain


def test_the_story_of_a_strategys_order_is_whole(
    traded: Chain, trading: PostgresTradingReader, stories: PostgresStoryReader
) -> None:
    (order,) = trading.orders(None, None, 10, None).items
    story: Story = stories.story(order.id)
    assert story.missing == []
    assert story.tape is not None
    assert (story.tape.count, story.tape.first_trade_id, story.tape.last_trade_id) == (3, 4709, 4711)
    assert [sample.trade_id for sample in story.tape.samples] == [4709, 4710, 4711]
    assert story.candle is not None
    assert (story.candle.close, story.candle.closed, story.timeframe) == (Decimal("100"), True, "1m")
    assert story.signal is not None
    assert (story.signal.outcome, story.signal.indicators["fast"]) == ("order filled", 100.5)
    assert story.signal.risk is not None
    assert story.signal.compliance is not None
    assert all(check.passed for check in story.signal.risk.checks + story.signal.compliance.checks)
    assert story.proposal is not None
    assert (story.transitions[0].after, story.transitions[-1].after) == (OrderState.INTENDED, OrderState.FILLED)
    assert len(story.fills) == len(story.ledger) == 2
    assert sum(fill.amount for fill in story.fills) == order.filled == order.amount
    for posting in story.ledger:
        currencies = {entry.currency for entry in posting.entries}
        assert all(sum(e.amount for e in posting.entries if e.currency == c) == 0 for c in currencies)
    assert story.position is not None
    assert story.position.trade_id == story.fills[-1].trade_id
    kinds = [entry.type.removeprefix("volexswarm.") for entry in story.journal]
    assert {"CandleClosed", "SignalRaised", "TradeProposed", "OrderApproved", "OrderChanged", "FillRecorded"} <= set(
        kinds
    )
    assert kinds.count("FillRecorded") == 2


def test_two_orders_of_one_candle_keep_their_stories_apart(
    chain: Chain, trading: PostgresTradingReader, stories: PostgresStoryReader
) -> None:
    chain.open_account()
    candle = chain.candle()
    for strategy in ("ma-cross-btc", "rsi-btc"):
        chain.signal(candle, strategy)
    chain.run()
    orders = trading.orders(None, None, 10, None).items
    assert len({order.correlation_id for order in orders}) == 1
    assert len(orders) == 2
    told = [stories.story(order.id) for order in orders]
    ids = [{entry.id for entry in story.journal} - {story.order.correlation_id} for story in told]
    assert not ids[0] & ids[1]
    assert not {fill.trade_id for fill in told[0].fills} & {fill.trade_id for fill in told[1].fills}
    assert {story.signal.strategy_id for story in told if story.signal} == {"ma-cross-btc", "rsi-btc"}


def test_the_story_of_a_persons_trade_says_that_no_candle_led_to_it(
    chain: Chain, trading: PostgresTradingReader, stories: PostgresStoryReader
) -> None:
    chain.open_account()
    wish = Wish(SYMBOL, Side.BUY, Decimal("0.5"), OrderType.MARKET)
    first = chain.desk().take(wish, requested_by="ann", idempotency_key="request-1")
    again = chain.desk().take(wish, requested_by="ann", idempotency_key="request-1")
    assert (first.repeated, again.repeated, again.signal) == (False, True, first.signal)
    with pytest.raises(Conflict):
        chain.desk().take(
            Wish(SYMBOL, Side.SELL, Decimal("0.5"), OrderType.MARKET), requested_by="ann", idempotency_key="request-1"
        )
    assert len(chain.sent.messages["signals"]) == 1
    chain.run()
    signal = trading.signal(first.event_id)
    assert (signal.outcome, signal.requested_by) == ("order filled", "ann")
    assert signal.order_id is not None
    story = stories.story(signal.order_id)
    assert story.missing == ["candle: a person asked for this trade, no candle led to it"]
    assert story.order.amount == Decimal("0.5")
    assert story.task is None


def test_the_story_of_a_tasks_trade_leads_back_to_the_task_and_what_the_team_said(
    chain: Chain, trading: PostgresTradingReader, stories: PostgresStoryReader
) -> None:
    chain.open_account()
    wish = Wish(SYMBOL, Side.BUY, Decimal("0.5"), OrderType.MARKET)
    taken = chain.desk().take(wish, requested_by="ann", idempotency_key="task/1")
    task = _stored_task(chain, taken.event_id)
    chain.run()
    (order,) = trading.orders(None, None, 10, None).items
    assert stories.story(order.id).task == TaskOrigin(
        id=task.id,
        attempt=1,
        leg=0,
        understood=task.understood,
        requested_by="ann",
        why="wished",
        deliberation_id="c0ffee",
        approved_by="ben",
    )


def test_an_approval_shows_where_the_market_is_beside_the_price_that_was_decided(chain: Chain) -> None:
    task, _, _ = _asking_task(chain)
    known = PostgresTaskReader(
        chain.database, simulated=True, prices=lambda symbols: dict.fromkeys(symbols, Decimal(99))
    )
    (asked,) = known.approvals(10, None, open_only=False).items
    assert known.approval(asked.id) == known.story(task.id).approval == asked
    (trade,) = asked.trades
    assert (trade.symbol, trade.side, trade.price, trade.worst_price) == (SYMBOL, Side.BUY, 100, 101)
    assert (trade.market, trade.drift) == (99, Decimal("-0.01"))
    unknown = PostgresTaskReader(chain.database, simulated=True, prices=lambda symbols: {})
    (trade,) = unknown.approval(asked.id).trades
    assert (trade.worst_price, trade.market, trade.drift) == (101, None, None)


def _stored_task(chain: Chain, signal_id: str) -> Task:
    """A task whose only trade was deliberated on, approved by ben, and raised as the signal."""
    task, trade, asked = _asking_task(chain)
    with chain.database.connection() as connection:
        tx, steps = TaskTransaction(connection), TaskStepTransaction(connection)
        deliberate = StepKey(task.id, 1, "deliberate", SYMBOL)
        steps.begin_step(deliberate, "meta-deliberate", {}, START)
        steps.end_step(deliberate, "done", "", {"deliberation_id": "c0ffee"}, START)
        tx.save_trade(task, replace(trade, intended_at=START, signal_id=signal_id))
        tx.save_verdict(replace(asked, verdict="approved", actor="ben", reason="fine"), START)
    return task


def _asking_task(chain: Chain) -> tuple[Task, RaisedTrade, Approval]:
    """A task that asks a person about its only trade."""
    request = TradeWish(symbol=SYMBOL, side=Side.BUY, amount=Decimal("0.5"))
    task = Task(
        id=str(uuid.UUID(int=1)),
        request=request,
        priority=Priority.MEDIUM,
        status=TaskStatus.RUNNING,
        attempt=1,
        requested_by="ann",
        idempotency_key="k",
        understood=request.in_words,
        reason="at work",
        created_at=START,
    )
    asked = Approval(str(uuid.UUID(int=2)), task.id, 1, "May it?", (), "token", START, START + timedelta(minutes=1))
    with chain.database.connection() as connection:
        tx = TaskTransaction(connection)
        tx.add_task(task, "ann")
        price, worst = Decimal(100), Decimal(101)
        planned = PlannedTrade(
            0, SYMBOL, Side.BUY, Decimal("0.5"), price, worst, Decimal("0.0005"), "wished", "simulated"
        )
        (trade,) = tx.add_trades(task, [planned])
        return task, trade, tx.ask(asked)


def test_a_signal_tells_how_far_it_came(chain: Chain, trading: PostgresTradingReader) -> None:
    chain.open_account()
    event = chain.signal(chain.candle())
    seen = []
    for step in (chain.assess, chain.review, chain.execute, lambda: None):
        seen.append(trading.signal(event.id).outcome)
        step()
    assert seen == ["waiting for risk", "waiting for compliance", "approved, order on its way", "order filled"]


def test_a_refused_signal_tells_by_which_check(chain: Chain, trading: PostgresTradingReader) -> None:
    event = chain.signal(chain.candle())  # the account is not open: nothing may be traded
    chain.run()
    signal = trading.signal(event.id)
    assert signal.outcome == "refused by risk"
    assert signal.risk is not None
    assert "account_open" in signal.risk.reason
    assert trading.orders(None, None, 10, None).items == []


def test_an_order_is_found_by_each_of_its_names(traded: Chain, trading: PostgresTradingReader) -> None:
    (order,) = trading.orders(SYMBOL, OrderState.FILLED, 10, None).items
    for key in (
        order.id,
        order.id[:8],
        order.id[:4],
        order.id.replace("-", ""),
        order.id.upper(),
        order.client_order_id,
    ):
        assert trading.order(key).id == order.id
    for key in (order.id[:3], "00000000", "no-such-order"):
        with pytest.raises(NotFound):
            trading.order(key)


def copies_of_the_order(chain: Chain, ids: list[str]) -> None:
    columns = (
        "signal_id, strategy_id, venue, account, symbol, side, order_type, amount, reference_price, state, filled, cost,"
        " as_of, intended_at, updated_at, correlation_id"
    )
    copy = (
        f"INSERT INTO orders (id, proposal_id, client_order_id, {columns})"
        f" SELECT %(id)s::uuid, gen_random_uuid(), %(id)s::uuid::text, {columns} FROM orders LIMIT 1"
    )
    with chain.database.connection() as connection:
        for order_id in ids:
            connection.execute(copy, {"id": order_id})


def test_a_beginning_that_fits_several_orders_is_a_conflict(traded: Chain, trading: PostgresTradingReader) -> None:
    ids = ["abcdef00-0000-4000-8000-000000000001", "abcdef00-0000-4000-8000-000000000002"]
    copies_of_the_order(traded, ids)
    with pytest.raises(Conflict, match="give more"):
        trading.order("abcdef")
    assert trading.order(ids[1]).id == ids[1]


def test_pages_follow_each_other_without_a_gap_or_a_repeat_also_at_one_moment(
    traded: Chain, trading: PostgresTradingReader
) -> None:
    copies_of_the_order(traded, [f"abcdef00-0000-4000-8000-{number:012d}" for number in range(6)])
    whole = [order.id for order in trading.orders(None, None, 100, None).items]
    paged: list[str] = []
    cursor = None
    for _ in range(4):
        page = trading.orders(None, None, 2, cursor)
        paged += [order.id for order in page.items]
        cursor = page.next
    assert cursor is None
    assert paged == whole
    assert len(whole) == 7


@pytest.mark.parametrize("cursor", ["x", "e30", "WyJub29uIl0", "WyIyMDI2LTAxLTA1VDEyOjAwOjAwKzAwOjAwIl0"])
def test_a_cursor_of_another_kind_is_refused(
    trading: PostgresTradingReader, books: PostgresBooksReader, cursor: str
) -> None:
    reads: list[Callable[[], object]] = [
        lambda: trading.orders(None, None, 1, cursor),
        lambda: trading.signals(None, 1, cursor),
        lambda: books.fills(None, 1, cursor),
    ]
    for read in reads:
        with pytest.raises(InvalidInput, match="cursor"):
            read()


def test_the_portfolio_is_the_ledgers(traded: Chain, books: PostgresBooksReader) -> None:
    portfolio = books.portfolio()
    assert portfolio.opened_at is not None
    moved = traded.exchange.balances()
    held = {currency: OPENING.get(currency, Decimal(0)) + change for currency, change in moved.items()}
    assert {balance.currency: balance.amount for balance in portfolio.balances} == held
    (position,) = portfolio.positions
    assert (position.symbol, position.quote_currency, position.mark) == (SYMBOL, "USDT", Decimal("100"))
    assert position.unrealised_pnl == position.amount * (Decimal("100") - position.average_price)
    assert portfolio.realised_pnl == {"USDT": position.realised_pnl}
    fills = books.fills(SYMBOL, 1, None)
    rest = books.fills(SYMBOL, 10, fills.next)
    assert len({fill.trade_id for fill in fills.items + rest.items}) == 2
    assert fills.items[0].strategy_id == "ma-cross-btc"


def test_what_is_not_there_is_said_and_not_invented(books: PostgresBooksReader) -> None:
    portfolio = books.portfolio()
    assert (portfolio.equity, portfolio.opened_at, portfolio.change) == (None, None, None)
    assert [entry.partition(":")[0] for entry in portfolio.missing] == ["account", "equity"]


def test_a_position_without_a_price_is_not_valued(traded: Chain, books: PostgresBooksReader) -> None:
    with traded.database.connection() as connection:
        connection.execute("DELETE FROM trades")
    (position,) = books.positions().positions
    assert (position.mark, position.unrealised_pnl) == (None, None)
    assert "BTC/USDT" in str(position.missing)


def test_a_story_without_its_tape_says_so(
    traded: Chain, trading: PostgresTradingReader, stories: PostgresStoryReader
) -> None:
    with traded.database.connection() as connection:
        connection.execute("DELETE FROM trades")
    (order,) = trading.orders(None, None, 1, None).items
    assert stories.story(order.id).missing == ["tape: the candle's trades are not stored (any more)"]


def test_candles_are_the_last_before_a_moment_oldest_first(chain: Chain) -> None:
    chain.candle()
    reader = PostgresCandleReader(chain.database, SCOPE)
    (candle,) = reader.candles(SYMBOL, Timeframe.M1, 10, None).candles
    assert (candle.opened_at, candle.high, candle.trade_count) == (START - timedelta(minutes=1), Decimal("100.5"), 3)
    assert reader.candles(SYMBOL, Timeframe.M1, 10, candle.opened_at).candles == []


def test_health_that_nobody_has_looked_at_lately_is_unknown(chain: Chain) -> None:
    reader = PostgresSwarmReader(chain.database, SCOPE, chain.clock)
    with chain.database.connection() as connection:
        for part, age in (("vault", timedelta(0)), ("queues", STALE_AFTER), ("exchange", STALE_AFTER * 2)):
            connection.execute("INSERT INTO health VALUES (%s, %s, 'seen', %s)", (part, part != "queues", START - age))
    assert {part.part: part.health for part in reader.parts()} == {
        "vault": Health.HEALTHY,
        "queues": Health.UNHEALTHY,
        "exchange": Health.UNKNOWN,
    }


def test_feeds_and_the_account_are_told(traded: Chain) -> None:
    reader = PostgresSwarmReader(traded.database, SCOPE, traded.clock)
    (feed,) = reader.feeds()
    assert (feed.symbol, feed.complete_to, feed.last_trade_id) == (SYMBOL, START, 4711)
    assert reader.account_opened_at() is not None
    assert reader.activity() == []


def test_a_database_that_is_away_is_unavailable() -> None:
    database = Database(lambda: "postgresql://nobody@127.0.0.1:1/none", timeout=0.2)
    with pytest.raises(Unavailable):
        PostgresTradingReader(database, SCOPE).orders(None, None, 1, None)
    database.close()
