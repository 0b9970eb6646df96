"""Whatever is asked, and however often: what risk has approved never exceeds a limit, taken alone or together."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.unit.risk.desk import Desk, with_history
from volexswarm.messages import Side, TradeProposed, TradeRefused
from volexswarm.risk.policy import RiskPolicy

PRICES = {"BTC/USDT": Decimal(50_000), "ETH/USDT": Decimal(2_500), "SOL/USDT": Decimal(100)}


def _shares(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=low, max_value=high, places=3)


# mostly sensible wishes, so that many are approved and the limits are reached by their sum; and some nonsense between them
wishes = st.lists(
    st.fixed_dictionaries(
        {
            "symbol": st.sampled_from(sorted(PRICES)),
            "side": st.sampled_from(["buy", "buy", "buy", "sell"]),
            "stop": st.none()
            | _shares("0.500", "0.999")
            | st.sampled_from([Decimal("-0.1"), Decimal(0), Decimal("1.1")]),
            "volatility": st.none() | st.floats(min_value=0, max_value=3),
            "share": st.none()
            | st.none()
            | _shares("0.001", "0.200")
            | st.sampled_from([Decimal(-1), Decimal(0), Decimal(9)]),
            "limit": st.none() | st.none() | _shares("0.900", "1.100"),
            "trigger": st.none() | st.none() | _shares("0.900", "1.100"),
            "deviation": _shares("0.975", "1.025"),
        }
    ),
    min_size=10,
    max_size=40,
)
SECTORS = {"ETH": "contracts", "SOL": "contracts"}
policies = st.builds(
    lambda per_symbol, more, trade, risk, entries, method, sector, cluster, together: RiskPolicy(
        max_per_symbol=per_symbol,
        max_gross_exposure=min(Decimal(1), per_symbol + more),
        max_trade=trade,
        risk_per_trade=risk,
        max_entries_per_day=entries,
        stop_method=method,
        sectors=SECTORS,
        max_per_sector=sector,
        max_per_cluster=cluster,
        correlation_limit=Decimal("0.01") if together else Decimal(1),
        max_var=Decimal("0.9"),
        max_cvar=Decimal("0.9"),
    ),
    _shares("0.100", "1.000"),
    _shares("0.000", "1.000"),
    _shares("0.010", "0.300"),
    _shares("0.010", "0.100"),
    st.integers(3, 40),
    st.sampled_from(["strategy", "percent", "atr", "structure"]),
    _shares("0.050", "1.000"),
    _shares("0.050", "1.000"),
    st.booleans(),
)


@settings(deadline=None)
@given(equity=st.integers(1_000, 1_000_000), invested=_shares("0", "0.100"), policy=policies, wishes=wishes)
def test_all_approvals_together_stay_within_every_limit(equity, invested, policy, wishes):
    coins = equity * invested / PRICES["BTC/USDT"]
    cash = equity - coins * PRICES["BTC/USDT"]
    desk = Desk({"USDT": str(cash), "BTC": str(coins)}, policy, {"BTC/USDT": str(coins)})
    together = policy.correlation_limit < 1
    with_history(desk, together=together)
    approved = [trade for wish in wishes if isinstance(trade := _ask(desk, wish, equity), TradeProposed)]
    buys = [trade for trade in approved if trade.side is Side.BUY]
    event(f"{len(buys)} buys, {len(approved) - len(buys)} sells")

    assert all(trade.amount > 0 and trade.amount.is_finite() for trade in approved)
    assert len(buys) <= policy.max_entries_per_day
    costs = (trade.amount * (trade.limit_price or trade.trigger_price or trade.reference_price) for trade in buys)
    bound = sum(costs, Decimal(0)) * (1 + policy.cost_buffer)
    assert bound <= cash
    values = {"BTC/USDT": coins * PRICES["BTC/USDT"]}
    for trade in buys:
        values[trade.symbol] = values.get(trade.symbol, Decimal(0)) + trade.amount * PRICES[trade.symbol]
        assert trade.stop_price is not None
        # a limit above the market buys at the market's price
        price = trade.trigger_price or (
            min(trade.limit_price, PRICES[trade.symbol]) if trade.limit_price else trade.reference_price
        )
        assert trade.stop_price > 0
        assert trade.amount * (price - trade.stop_price) <= equity * policy.risk_per_trade
        assert trade.protection is not None
        assert trade.protection.stop_price == trade.stop_price
        assert trade.protection.take_profit_price is not None
        assert trade.protection.take_profit_price > price
    for symbol in {trade.symbol for trade in buys}:
        assert values[symbol] <= equity * policy.max_per_symbol
    if any(trade.symbol != "BTC/USDT" for trade in buys):
        in_sector = sum((values.get(f"{asset}/USDT", Decimal(0)) for asset in SECTORS), Decimal(0))
        assert in_sector <= equity * policy.max_per_sector
    held = {symbol for symbol, value in values.items() if value > equity * policy.dust}
    if buys and together and len(held) > 1:  # one asset alone is no cluster
        assert sum(values.values(), Decimal(0)) <= equity * policy.max_per_cluster
    if buys:
        assert sum(values.values(), Decimal(0)) <= equity * policy.max_gross_exposure
    assert sum((trade.amount for trade in approved if trade.side is Side.SELL), Decimal(0)) <= coins


def _ask(desk: Desk, wish: dict, equity: int) -> TradeProposed | TradeRefused:
    price = PRICES[wish["symbol"]]
    order: dict[str, object] = {}
    if wish["trigger"] is not None:
        order = {"order_type": "stop_loss", "trigger_price": price * wish["trigger"]}
    elif wish["limit"] is not None:
        order = {"order_type": "limit", "limit_price": price * wish["limit"]}
    return desk.assess(
        desk.signal(
            wish["side"],
            wish["symbol"],
            price=str(price * wish["deviation"]),
            stop_price=None if wish["stop"] is None else price * wish["stop"],
            volatility=wish["volatility"],
            amount=None if wish["share"] is None else equity * wish["share"] / price,
            **order,
        )
    )
