"""Whatever is asked, and however often: what risk has approved never exceeds a limit, taken alone or together."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.risk.desk import Desk
from volexswarm.messages import Side, TradeProposed, TradeRefused
from volexswarm.risk.policy import RiskPolicy

PRICES = {"BTC/USDT": Decimal(50_000), "ETH/USDT": Decimal(2_500), "SOL/USDT": Decimal(100)}

shares = st.decimals(min_value="0.01", max_value="0.30", places=2)
wishes = st.lists(
    st.fixed_dictionaries(
        {
            "symbol": st.sampled_from(sorted(PRICES)),
            "side": st.sampled_from(["buy", "buy", "buy", "sell"]),
            "stop": st.none() | st.decimals(min_value="-0.1", max_value="1.1", places=3),
            "volatility": st.none() | st.floats(min_value=0, max_value=3),
            "amount": st.none() | st.decimals(min_value="-1", max_value="30", places=4),
            "limit": st.none() | st.decimals(min_value="0.9", max_value="1.1", places=3),
            "deviation": st.decimals(min_value="0.95", max_value="1.05", places=3),
        }
    ),
    min_size=1,
    max_size=25,
)
policies = st.builds(
    lambda per_symbol, more, trade, risk, entries: RiskPolicy(
        max_per_symbol=per_symbol,
        max_gross_exposure=min(Decimal(1), per_symbol + more),
        max_trade=trade,
        risk_per_trade=risk,
        max_entries_per_day=entries,
    ),
    shares,
    shares,
    shares,
    shares,
    st.integers(0, 12),
)


@settings(max_examples=60, deadline=None)
@given(
    cash=st.decimals(min_value="0.01", max_value="1000000", places=2),
    coins=st.decimals(min_value=0, max_value="3", places=4),
    policy=policies,
    wishes=wishes,
)
def test_all_approvals_together_stay_within_every_limit(cash, coins, policy, wishes):
    desk = Desk({"USDT": str(cash), "BTC": str(coins)}, policy, {"BTC/USDT": str(coins)})
    equity = cash + coins * PRICES["BTC/USDT"]
    approved = [trade for wish in wishes if isinstance(trade := _ask(desk, wish), TradeProposed)]
    buys = [trade for trade in approved if trade.side is Side.BUY]

    assert all(trade.amount > 0 and trade.amount.is_finite() for trade in approved)
    assert len(buys) <= policy.max_entries_per_day
    bound = sum((trade.notional for trade in buys), Decimal(0)) * (1 + policy.cost_buffer)
    assert bound <= cash
    values = {"BTC/USDT": coins * PRICES["BTC/USDT"]}
    for trade in buys:
        values[trade.symbol] = values.get(trade.symbol, Decimal(0)) + trade.amount * PRICES[trade.symbol]
        assert trade.stop_price is not None
        price = trade.limit_price or trade.reference_price
        assert trade.stop_price > 0
        assert trade.amount * (price - trade.stop_price) <= equity * policy.risk_per_trade
    for symbol in {trade.symbol for trade in buys}:
        assert values[symbol] <= equity * policy.max_per_symbol
    if buys:
        assert sum(values.values(), Decimal(0)) <= equity * policy.max_gross_exposure
    assert sum((trade.amount for trade in approved if trade.side is Side.SELL), Decimal(0)) <= coins


def _ask(desk: Desk, wish: dict) -> TradeProposed | TradeRefused:
    price = PRICES[wish["symbol"]]
    limit = {} if wish["limit"] is None else {"order_type": "limit", "limit_price": price * wish["limit"]}
    return desk.assess(
        desk.signal(
            wish["side"],
            wish["symbol"],
            price=str(price * wish["deviation"]),
            stop_price=None if wish["stop"] is None else price * wish["stop"],
            volatility=wish["volatility"],
            amount=wish["amount"],
            **limit,
        )
    )
