"""What a sale is paid in is held against the limits like what is bought, and cash that comes back is held against none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.risk.desk import MARKET_START, Desk, check, failed, policy_with, with_history
from volexswarm.messages import Side, TradeProposed, TradeRefused
from volexswarm.risk.breakers import Breaker, Kind
from volexswarm.risk.policy import RiskPolicy

PRICES = {"ETH/BTC": "0.05", "SOL/BTC": "0.002", "EUR/USDT": "1.25", "USDT/EUR": "0.8"}
HELD = {"USDT": "62000", "BTC": "0.36", "ETH": "8"}  # 18 % and 20 % of 100,000


def desk_of(assets: dict[str, str], policy: RiskPolicy | None = None, currency: str = "USDT") -> Desk:
    desk = with_history(Desk(assets, policy or policy_with(), {"ETH/BTC": assets.get("ETH", "0")}, currency))
    for symbol, price in PRICES.items():
        desk.quote(symbol, price)
    return desk


def ether_for_bitcoin(desk: Desk, **fields: object):
    return desk.sell(symbol="ETH/BTC", price="0.05", **fields)


def test_a_sale_for_another_coin_is_held_against_the_limits_on_that_coin():
    refusal = ether_for_bitcoin(desk_of(HELD), amount="0.9")
    assert failed(refusal) == ["per_symbol"]
    found = check(refusal.verdict, "per_symbol")
    assert (found.limit, found.value) == ("20000.00 USDT", "20250.00 USDT")
    assert isinstance(ether_for_bitcoin(desk_of(HELD), amount="0.8"), TradeProposed)


def test_what_pending_sales_bring_in_counts_as_held():
    desk = desk_of(HELD)
    assert isinstance(ether_for_bitcoin(desk, amount="0.6"), TradeProposed)
    assert failed(ether_for_bitcoin(desk, amount="0.6")) == ["per_symbol"]
    assert failed(desk.buy(amount="0.011")) == ["per_symbol"]


def test_a_strategys_sale_for_another_coin_is_held_against_them_too():
    assert failed(ether_for_bitcoin(desk_of(HELD))) == ["per_symbol"]


def test_a_limit_price_that_brings_in_more_counts():
    order = {"order_type": "limit", "limit_price": "0.08"}
    assert failed(ether_for_bitcoin(desk_of(HELD), amount="0.8", **order)) == ["per_symbol"]


@pytest.mark.parametrize(("sectors", "fails"), [({"BTC": "coins"}, True), ({"BTC": "coins", "ETH": "coins"}, False)])
def test_a_swap_fills_no_sector_that_both_belong_to(sectors: dict[str, str], fails: bool):
    desk = desk_of(HELD, policy_with(sectors=sectors, max_per_sector="0.181" if fails else "0.38"))
    assert failed(ether_for_bitcoin(desk, amount="0.1")) == (["per_sector"] if fails else [])


def test_a_swap_counts_neither_against_the_whole_nor_against_losses():
    desk = desk_of(HELD, policy_with(max_gross_exposure="0.38"))
    desk.state.snapshots[MARKET_START - timedelta(days=40)] = Decimal(1_000_000)
    assert isinstance(ether_for_bitcoin(desk, amount="0.8"), TradeProposed)


def test_a_swap_cannot_be_weighed_while_the_equity_is_unknown():
    desk = desk_of(HELD)
    desk.quotes.quotes.pop("ETH/USDT")
    assert failed(ether_for_bitcoin(desk, amount="0.1")) == ["equity_known"]


def test_a_sale_for_the_valuation_currency_is_held_against_no_limit():
    verdict = desk_of(HELD).sell(symbol="ETH/USDT", price="2500", amount="8").verdict
    assert verdict.approved
    assert "per_symbol" not in [found.name for found in verdict.checks]


EUROS = {"EUR": "100000"}


def sell_euros(desk: Desk, amount: str):
    return desk.sell(symbol="EUR/USDT", price="1.25", amount=amount)


def test_selling_the_valuation_currency_is_a_purchase_of_what_it_is_paid_in():
    refusal = sell_euros(desk_of(EUROS, currency="EUR"), "90000")
    assert failed(refusal) == ["per_symbol", "gross_exposure"]
    assert check(refusal.verdict, "gross_exposure").value == "90000.00 EUR"
    desk = desk_of(EUROS, currency="EUR")
    desk.state.snapshots[MARKET_START - timedelta(days=40)] = Decimal(1_000_000)
    assert "drawdown" in failed(sell_euros(desk, "100"))
    assert isinstance(sell_euros(desk_of(EUROS, currency="EUR"), "10000"), TradeProposed)


def back_to_euros(**fields: object) -> tuple[Desk, TradeProposed | TradeRefused]:
    desk = desk_of({"USDT": "125000"}, currency="EUR")
    desk.state.snapshots[MARKET_START - timedelta(days=40)] = Decimal(1_000_000)
    tripped = Breaker(Kind.SPREAD, "EUR/USDT", "open", "", MARKET_START, MARKET_START + timedelta(minutes=5))
    desk.state.save_breaker("binance", "main", replace(tripped, cooldown=timedelta(minutes=5)), MARKET_START)
    return desk, desk.buy(symbol="EUR/USDT", price="1.25", **fields)


def test_neither_a_loss_nor_a_limit_keeps_money_out_of_the_valuation_currency():
    _, proposal = back_to_euros(amount="99000")
    assert isinstance(proposal, TradeProposed)
    assert (proposal.amount, proposal.stop_price, proposal.protection) == (99_000, None, None)
    _, refusal = back_to_euros(amount="100000")
    assert failed(refusal) == ["cash_available"]  # 0.5 % are kept for fees


def test_a_strategy_brings_back_a_trade_of_the_usual_size():
    desk, proposal = back_to_euros()
    assert isinstance(proposal, TradeProposed)
    assert proposal.sizing == "5000.00000000 EUR, set by max_trade"
    assert desk.state.pending[-1].brings == ("EUR", Decimal(5_000))


swaps = st.lists(
    st.tuples(
        st.sampled_from(["BTC/USDT", "ETH/USDT", "ETH/BTC", "SOL/BTC"]),
        st.sampled_from(Side),
        st.decimals("0.001", "0.2", places=3),
    ),
    max_size=12,
)
WORTH = {"BTC": Decimal(50_000), "ETH": Decimal(2_500), "SOL": Decimal(100)}


@given(swaps)
def test_however_coins_are_swapped_none_is_held_beyond_its_limit(wishes: list[tuple[str, Side, Decimal]]):
    desk = desk_of({"USDT": "70000", "BTC": "0.2", "ETH": "4", "SOL": "100"})
    brought = {"BTC": Decimal(10_000), "ETH": Decimal(10_000), "SOL": Decimal(10_000)}
    for symbol, side, share in wishes:
        base, quote = symbol.split("/")
        price = WORTH[base] / WORTH.get(quote, Decimal(1))
        fields = {"symbol": symbol, "price": str(price), "amount": str(100_000 * share / WORTH[base])}
        answer = desk.buy(**fields) if side is Side.BUY else desk.sell(**fields)
        asset = base if side is Side.BUY else quote
        if isinstance(answer, TradeProposed) and asset in brought:
            brought[asset] += 100_000 * share
    assert all(value <= 20_000 for value in brought.values())
