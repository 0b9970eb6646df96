"""One small swarm as its readers show it: an order that a strategy's signal led to, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from volexswarm.messages import Check, OrderState, OrderType, Purpose, Side, TimeInForce
from volexswarm.views import books, control, market, protections, reconciliation, story, swarm, trading

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
MARKET = datetime(2026, 1, 4, 9, 30, tzinfo=UTC)
ORDER_ID = "0a1b2c3d-0000-5000-8000-000000000001"
SIGNAL_ID = "51900000-0000-5000-8000-000000000002"
CHAIN = "c4a10000-0000-5000-8000-000000000003"

PART = swarm.Part(part="vault", health=swarm.Health.HEALTHY, detail="unsealed", checked_at=NOW, age_seconds=12.0)
FEED = swarm.Feed(symbol="BTC/USDT", complete_to=MARKET, last_trade_id=4711, updated_at=NOW, age_seconds=1.5)
ACTIVITY = swarm.Activity(source="risk", event_type="volexswarm.TradeProposed", events=7, last_event=NOW)

POSITION = books.Position(
    symbol="BTC/USDT",
    quote_currency="USDT",
    amount=Decimal("0.015"),
    average_price=Decimal("60060"),
    realised_pnl=Decimal("-0.9009"),
    fees=Decimal("0.9009"),
    mark=Decimal("60500.10"),
    mark_as_of=MARKET,
    unrealised_pnl=Decimal("6.6015"),
    missing=None,
    updated_at=NOW,
)
PORTFOLIO = books.Portfolio(
    mode="simulated",
    simulated=True,
    venue="binance",
    account="main",
    opened_at=NOW,
    valuation_currency="USDT",
    equity=None,
    latest=None,
    first=None,
    change=None,
    balances=[books.Balance(currency="USDT", amount=Decimal("99099.1"))],
    positions=[POSITION],
    realised_pnl={"USDT": Decimal("-0.9009")},
    fees={"USDT": Decimal("0.9009")},
    missing=["equity: the account has not been valued yet"],
)
FILL = books.Fill(
    trade_id="4712",
    order_id=ORDER_ID,
    exchange_order_id="9",
    strategy_id="ma-cross-btc",
    symbol="BTC/USDT",
    side=Side.BUY,
    price=Decimal("60060"),
    amount=Decimal("0.015"),
    notional=Decimal("900.9"),
    fee=Decimal("0.9009"),
    fee_currency="USDT",
    is_maker=False,
    realised_pnl=Decimal("-0.9009"),
    simulated=True,
    as_of=MARKET,
    applied_at=NOW,
    correlation_id=CHAIN,
)


def decision(stage: str, *, approved: bool) -> trading.Decision:
    """A verdict of one check."""
    check = Check(name="daily_loss", limit="500.00 USDT", value="512.40 USDT", passed=approved)
    return trading.Decision(
        stage=stage,
        approved=approved,
        policy_version=1,
        checks=[check],
        reason="" if approved else "daily_loss: 512.40 USDT (limit 500.00 USDT)",
        as_of=MARKET,
        decided_at=NOW,
    )


CONTROL = control.Control(
    trading=control.TradingMode(
        venue="binance",
        account="main",
        mode="simulated",
        simulated=True,
        cap=None,
        switched_by="seed",
        reason="where every system begins",
        switched_at=NOW,
    ),
    available=["simulated", "paper"],
    currency="USDT",
    open_orders=2,
    halt=None,
)
HALT = control.Halt(
    id="4a170000-0000-5000-8000-000000000006",
    actor="ann",
    reason="the market is broken",
    flatten=True,
    halted_at=NOW,
    settled_at=NOW + timedelta(seconds=9),
    canceled=3,
    left=["0.00001 BTC in main: the amount is below the venue's minimum"],
)
SIGNAL = trading.Signal(
    id=SIGNAL_ID,
    strategy_id="ma-cross-btc",
    strategy="ma_cross",
    symbol="BTC/USDT",
    timeframe="1m",
    side=Side.BUY,
    confidence=0.7,
    price=Decimal("60050.5"),
    amount=None,
    stop_price=Decimal("59000"),
    reason="fast average rose above slow",
    indicators={"fast": 60010.5, "slow": 60009.25},
    requested_by=None,
    as_of=MARKET,
    candle_opened_at=MARKET - timedelta(minutes=1),
    raised_at=NOW,
    outcome="order filled",
    risk=decision("risk", approved=True),
    compliance=decision("compliance", approved=True),
    order_id=ORDER_ID,
    order_state=OrderState.FILLED,
    correlation_id=CHAIN,
)
REFUSED_SIGNAL = SIGNAL.model_copy(
    update={
        "outcome": "refused by risk",
        "risk": decision("risk", approved=False),
        "compliance": None,
        "order_id": None,
        "order_state": None,
    }
)
ORDER = trading.Order(
    id=ORDER_ID,
    client_order_id="vx0a1b2c3d",
    exchange_order_id="9",
    venue="binance",
    account="main",
    symbol="BTC/USDT",
    side=Side.BUY,
    order_type=OrderType.MARKET,
    purpose=Purpose.TRADE,
    parent_id=None,
    trigger_price=None,
    trailing_share=None,
    time_in_force=TimeInForce.GTC,
    cancel_requested_at=None,
    amount=Decimal("0.015"),
    limit_price=None,
    reference_price=Decimal("60050.5"),
    state=OrderState.FILLED,
    filled=Decimal("0.015"),
    cost=Decimal("900.9"),
    average_price=Decimal("60060"),
    reason=None,
    strategy_id="ma-cross-btc",
    signal_id=SIGNAL_ID,
    simulated=True,
    as_of=MARKET,
    intended_at=NOW,
    sent_at=NOW,
    updated_at=NOW,
    correlation_id=CHAIN,
)
DIFFERENCE = reconciliation.Difference(
    id="d1ff0000-0000-5000-8000-000000000001",
    kind="balance",
    subject="BTC",
    ours="0.5",
    theirs="0.6",
    cause="no trade and no transfer that the exchange lists explains it",
    state="open",
    found_at=NOW,
    seen_at=NOW,
    times=3,
    settled_by=None,
    reason=None,
    settled_at=None,
)
COMPARISON = reconciliation.Comparison(
    occasion="schedule",
    started_at=NOW,
    finished_at=NOW,
    as_of=MARKET,
    orders=4,
    fills=17,
    transfers=0,
    repaired=2,
    open=1,
)
OPEN_ORDER = ORDER.model_copy(
    update={
        "id": "0e9e0000-0000-5000-8000-000000000008",
        "order_type": OrderType.LIMIT,
        "limit_price": Decimal("50000"),
        "state": OrderState.ACCEPTED,
        "filled": Decimal(0),
        "average_price": None,
    }
)
WAY_OUT = ORDER.model_copy(
    update={
        "id": "57090000-0000-5000-8000-000000000009",
        "side": Side.SELL,
        "order_type": OrderType.STOP_LOSS,
        "purpose": Purpose.STOP,
        "parent_id": ORDER_ID,
        "trigger_price": Decimal("59000"),
        "state": OrderState.ACCEPTED,
        "filled": Decimal(0),
        "average_price": None,
    }
)
PROTECTION = protections.GuardedPosition(
    order_id=ORDER_ID,
    symbol="BTC/USDT",
    state="armed",
    holder="exchange",
    amount=Decimal("0.015"),
    stop_price=Decimal("59000"),
    take_profit_price=Decimal("63000"),
    trailing_share=Decimal("0.02"),
    best_price=Decimal("60500.1"),
    due_at=MARKET + timedelta(hours=4),
    way=None,
    reached_price=None,
    reached_at=None,
    refusal=None,
    paused=False,
    reason="held at the exchange",
    simulated=True,
    entered_at=MARKET,
    updated_at=NOW,
    correlation_id=CHAIN,
)
CANDLE = market.Candle(
    opened_at=MARKET - timedelta(minutes=1),
    open=Decimal("60000"),
    high=Decimal("60060"),
    low=Decimal("59990"),
    close=Decimal("60050.5"),
    volume=Decimal("3.25"),
    trade_count=3,
    first_trade_id=4709,
    last_trade_id=4711,
    closed=True,
    revision=0,
)
STORY = story.Story(
    order=ORDER,
    timeframe="1m",
    tape=story.Tape(
        count=3,
        first_trade_id=4709,
        last_trade_id=4711,
        first_at=MARKET - timedelta(seconds=50),
        last_at=MARKET - timedelta(seconds=5),
        samples=[
            story.TapeTrade(
                trade_id=4711, traded_at=MARKET, price=Decimal("60050.5"), amount=Decimal("1.25"), side=Side.SELL
            )
        ],
    ),
    candle=CANDLE,
    signal=SIGNAL,
    proposal=story.Proposal(
        id="b0b00000-0000-5000-8000-000000000004",
        amount=Decimal("0.0151"),
        reference_price=Decimal("60050.5"),
        limit_price=None,
        stop_price=Decimal("59000"),
        sizing="2 % of equity at risk",
        state="approved",
        as_of=MARKET,
        proposed_at=NOW,
    ),
    transitions=[
        story.Transition(position=1, before=None, after=OrderState.INTENDED, cause="approved", changed_at=NOW),
        story.Transition(
            position=2,
            before=OrderState.INTENDED,
            after=OrderState.FILLED,
            cause="the exchange's answer",
            changed_at=NOW,
        ),
    ],
    fills=[FILL],
    ledger=[
        story.LedgerPosting(
            id="1ed90000-0000-5000-8000-000000000005",
            kind="fill",
            reference="BTC/USDT/4712",
            as_of=MARKET,
            posted_at=NOW,
            entries=[
                story.LedgerEntry(ledger_account="assets", currency="BTC", amount=Decimal("0.015")),
                story.LedgerEntry(ledger_account="trading", currency="BTC", amount=Decimal("-0.015")),
            ],
        )
    ],
    position=story.PositionAfter(
        trade_id="4712", amount=Decimal("0.015"), average_price=Decimal("60060"), as_of=MARKET
    ),
    protection=PROTECTION,
    ways_out=[WAY_OUT],
    journal=[
        story.JournalEntry(
            id=CHAIN,
            type="volexswarm.CandleClosed",
            source="market-data",
            subject="binance:BTC/USDT",
            occurred_at=NOW,
            causation_id=None,
        )
    ],
    missing=[],
)
