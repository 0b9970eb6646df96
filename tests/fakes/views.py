"""One small swarm as its readers show it: an order that a strategy's signal led to, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from volexswarm.messages import Check, OrderState, OrderType, Purpose, Side, TimeInForce
from volexswarm.monitor.runs import Runs
from volexswarm.risk.breakers import Breaker, Kind
from volexswarm.views import (
    audit,
    books,
    compliance,
    control,
    market,
    performance,
    policies,
    protections,
    reconciliation,
    story,
    swarm,
    trading,
)

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
MARKET = datetime(2026, 1, 4, 9, 30, tzinfo=UTC)
ORDER_ID = "0a1b2c3d-0000-5000-8000-000000000001"
SIGNAL_ID = "51900000-0000-5000-8000-000000000002"
TASK_ID = "7a5c0000-0000-5000-8000-000000000004"
ASKING_TASK_ID = "7a5ca000-0000-5000-8000-000000000005"
CANCELED_TASK_ID = "7a5cc000-0000-5000-8000-000000000006"
APPROVAL_ID = "a11e0000-0000-5000-8000-000000000007"
CHAIN = "c4a10000-0000-5000-8000-000000000003"

FLAG_ID = "0eb3a204-c138-52ed-8445-734e90a6f78d"

PART = swarm.Part(part="vault", health=swarm.Health.HEALTHY, detail="unsealed", checked_at=NOW, age_seconds=12.0)
FEED = swarm.Feed(symbol="BTC/USDT", complete_to=MARKET, last_trade_id=4711, updated_at=NOW, age_seconds=1.5)
ACTIVITY = swarm.Activity(source="risk", event_type="volexswarm.TradeProposed", events=7, last_event=NOW)

RUNS = Runs(
    function="risk",
    calls=1200,
    failures=2,
    messages=1300,
    returned=5,
    cold_starts=3,
    last_run=NOW,
    last_failed_at=NOW,
    last_failure="KeyError: 'bid'",
    version="c0de4711aa",
    durations=(12.5, 9.0, 30.0, 10.0),
)
FUNCTION_HEALTH = swarm.FunctionHealth(
    function="risk",
    health=swarm.Health.HEALTHY,
    detail="2 parts answer",
    milliseconds=41.5,
    version="c0de4711aa",
    process_seconds=12.0,
    parts=[
        swarm.TriedPart(part="database", healthy=True, detail="answers in 1 ms", milliseconds=1.2),
        swarm.TriedPart(part="vault", healthy=True, detail="unsealed", milliseconds=2.0),
    ],
)

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
    cash=None,
    equity_as_of=None,
    equity_by=None,
    latest=None,
    first=None,
    net_transfers=None,
    change=None,
    balances=[
        books.Balance(
            currency="USDT",
            amount=Decimal("99099.1"),
            brought_in=Decimal(100_000),
            traded=Decimal("-900"),
            fees=Decimal("0.9"),
        )
    ],
    positions=[POSITION],
    realised_pnl={"USDT": Decimal("-0.9009")},
    unrealised_pnl={"USDT": Decimal("6.6015")},
    fees_by_asset={"USDT": Decimal("0.9"), "BNB": Decimal("0.002")},
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

LOT = books.Lot(
    symbol="BTC/USDT",
    trade_id="4712",
    order_id=ORDER_ID,
    strategy_id="ma-cross-btc",
    amount=Decimal("0.015"),
    cost=Decimal("901.8009"),
    average_price=Decimal("60120.06"),
    mark=Decimal("60500.10"),
    unrealised_pnl=Decimal("5.7006"),
    simulated=True,
    opened_at=MARKET,
)
TRANSFER = books.Transfer(
    kind="withdrawal",
    reference="w-77",
    currency="USDT",
    amount=Decimal(-250),
    fee=Decimal(1),
    value=Decimal(-250),
    value_currency="USDT",
    simulated=True,
    as_of=MARKET,
    booked_at=NOW,
    correlation_id=CHAIN,
)
HISTORY = performance.EquityHistory(
    mode="simulated",
    simulated=True,
    venue="binance",
    account="main",
    valuation_currency="USDT",
    period=performance.Period.MONTH,
    step_seconds=3600,
    points=[
        performance.HistoryPoint(
            as_of=MARKET + timedelta(hours=hour),
            equity=Decimal(100_000 + gain),
            cash=Decimal(99_000),
            worth=1 + gain / 100_000,
        )
        for hour, gain in enumerate((0, 250, -125, 500))
    ],
)


def known(value: float) -> performance.Figure:
    """A figure that there is."""
    return performance.Figure(value=value, reason=None)


TOO_SHORT = performance.Figure(value=None, reason="3.0 days are too few to speak of a year: at least 30 days")
PERFORMANCE = performance.Performance(
    mode="simulated",
    simulated=True,
    venue="binance",
    account="main",
    valuation_currency="USDT",
    period=performance.Period.MONTH,
    since=MARKET,
    until=MARKET + timedelta(days=3),
    step_seconds=300,
    periods_per_year=105_120,
    returns=864,
    risk_free=0,
    start_equity=Decimal(100_000),
    end_equity=Decimal(100_250),
    net_flows=Decimal(-250),
    simple_return=known(0.005),
    time_weighted_return=known(0.00501),
    annual_return=TOO_SHORT,
    money_weighted_return=known(0.00502),
    money_weighted_annual=TOO_SHORT,
    volatility=known(0.21),
    sharpe=known(1.25),
    sortino=known(1.5),
    calmar=TOO_SHORT,
    max_drawdown=performance.Drawdown(
        share=0.00374, peak_at=MARKET, trough_at=MARKET + timedelta(hours=2), recovered_at=None
    ),
    trades=[
        performance.TradeFigures(
            currency="USDT",
            count=5,
            wins=2,
            losses=2,
            won=Decimal(90),
            lost=Decimal(30),
            largest_win=Decimal(60),
            largest_loss=Decimal(20),
            win_rate=known(0.4),
            profit_factor=known(3),
            expectancy=known(12),
            average_win=known(45),
            average_loss=known(15),
            average_holding_seconds=known(5400),
            other_fees={"BNB": Decimal("0.002")},
        )
    ],
)
SHARE = performance.Share(
    key="ma-cross-btc",
    currency="USDT",
    closed=5,
    realised=Decimal("60"),
    fees=Decimal("4.5"),
    unrealised=Decimal("5.7006"),
    other_fees={"BNB": Decimal("0.002")},
)
ATTRIBUTION = performance.Attribution(
    mode="simulated",
    simulated=True,
    venue="binance",
    account="main",
    by="strategy",
    period=performance.Period.MONTH,
    since=MARKET,
    shares=[SHARE],
    totals=[SHARE.model_copy(update={"key": "total"})],
    missing=[],
)

BREAKER = Breaker(
    kind=Kind.PRICE_MOVE,
    scope="ETH/USDT",
    state="open",
    reason="12.00 % within 15 min",
    since=MARKET - timedelta(minutes=1),
    until=MARKET + timedelta(minutes=4),
    cooldown=timedelta(minutes=5),
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
    plan=None,
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
LARGE_ORDER = trading.LargeOrder(
    proposal_id="9a9a0000-0000-5000-8000-000000000001",
    venue="binance",
    account="main",
    symbol="BTC/USDT",
    simulated=True,
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
    task=story.TaskOrigin(
        id="a5c00000-0000-4000-8000-00000000000a",
        attempt=1,
        leg=0,
        understood="buy 0.0151 BTC on BTC/USDT at the market's price, if the team agrees",
        requested_by="admin",
        why="buy 0.0151 BTC on BTC/USDT at the market's price, if the team agrees",
        deliberation_id="c0ffee00",
        approved_by="alice",
    ),
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

FLAG = compliance.Flag(
    id=FLAG_ID,
    rule="wash_trade",
    subject="binance:BTC/USDT",
    day=MARKET.date(),
    state="open",
    count=3,
    detail="rsi-btc at 60000",
    first_as_of=MARKET,
    last_as_of=MARKET,
    raised_at=NOW,
    escalated_by=None,
    escalated_at=None,
    escalation_reason=None,
    cleared_by=None,
    cleared_at=None,
    clearing_reason=None,
    correlation_id=CHAIN,
)
REPORT = compliance.Report(
    period="daily",
    since=datetime(2026, 1, 4, tzinfo=UTC),
    until=datetime(2026, 1, 5, tzinfo=UTC),
    venue="binance",
    account="main",
    mode="simulated",
    simulated=True,
    orders=[compliance.OrderCount(symbol="BTC/USDT", purpose="trade", state="filled", orders=4)],
    canceled_share=0.25,
    traded=[
        compliance.Traded(
            symbol="BTC/USDT",
            side="buy",
            fills=7,
            orders=4,
            amount=Decimal("0.06"),
            value=Decimal("3600.5"),
            quote_currency="USDT",
        )
    ],
    fees=[compliance.Fee(currency="USDT", amount=Decimal("3.6"))],
    decisions=[compliance.StageCount(stage="compliance", approved=4, refused=2)],
    refusals=[compliance.RefusalCount(stage="compliance", check="order_value", refusals=2)],
    flags=[compliance.FlagCount(rule="wash_trade", state="open", flags=1, count=3)],
    policies=[
        compliance.PolicyUsed(
            name="compliance",
            version=2,
            decisions=6,
            activated_at=NOW,
            activated_by="ann",
            reason='=HYPERLINK("http://x")',
        )
    ],
)
POLICY = policies.Policy(
    name="compliance",
    version=2,
    body={"max_trades_per_hour": 20, "restricted_symbols": ["XMR/USDT"], "max_order_value": {"USDT": "25000"}},
    problem=None,
    history=[
        policies.PolicyVersion(
            version=2,
            activated_at=NOW,
            activated_by="ann",
            reason="too many trades",
            changed={"max_trades_per_hour": "30 → 20"},
        ),
        policies.PolicyVersion(version=1, activated_at=NOW, activated_by="seed", reason="", changed={}),
    ],
)
WORTH = policies.Worth(
    currency="USDT",
    losses_avoided=Decimal("120.5"),
    profits_missed=Decimal("20"),
    effect=Decimal("100.5"),
    unrealised=Decimal("-3"),
    unvalued=1,
)
TALLY = policies.Tally(name="trades_per_hour", refused=5, reduced=2, allowed=1, worth=[WORTH])
WHAT_IF = policies.WhatIf(
    name="compliance",
    version=2,
    changed={"max_trades_per_hour": "20 → 10"},
    simulated=True,
    since=MARKET,
    until=None,
    decisions=400,
    total=TALLY.model_copy(update={"name": "total"}),
    exits_stopped=0,
    by_check=[TALLY],
    by_symbol=[TALLY.model_copy(update={"name": "BTC/USDT"})],
    by_strategy=[TALLY.model_copy(update={"name": "ma-cross-btc"})],
    by_day=[TALLY.model_copy(update={"name": "2026-01-04"})],
    examples=[
        policies.Example(
            signal_id=SIGNAL_ID,
            symbol="BTC/USDT",
            side="buy",
            strategy_id="ma-cross-btc",
            as_of=MARKET,
            effect="refused",
            checks=["trades_per_hour"],
            part=Decimal(1),
            order_ids=[ORDER_ID],
            currency="USDT",
            realised=Decimal("-12.25"),
            unrealised=None,
        )
    ],
    not_asked=["flag_escalation_hours"],
    kept={"proposal_fresh": 400},
    caveats=["first order effects only"],
)
AUDITED = audit.AuditEntry(
    id="e0000000-0000-5000-8000-000000000005",
    at=NOW,
    action="TradingHalted",
    actor="ann",
    subject="trading",
    reason="the market is broken",
    details={"flatten": True},
    correlation_id=CHAIN,
)
