"""The ledger's one promise: each currency sums to zero, and the assets are what the exchange holds."""

from decimal import Decimal

import pytest
from hypothesis import given

from tests.fakes.transaction import START
from tests.unit.portfolio.fills import any_fill, fill
from volexswarm.arithmetic import exact
from volexswarm.messages import Side
from volexswarm.portfolio import ledger
from volexswarm.portfolio.model import Flow, FlowKind, LedgerAccount, Posting, PostingKind
from volexswarm.ports import Fill

TRADING = LedgerAccount.TRADING


def moved(posting: Posting) -> dict[tuple[str, str], str]:
    return {
        (account.value, currency): format(amount.normalize(), "f")
        for (account, currency), amount in ledger.sums(posting.entries).items()
    }


@pytest.mark.parametrize(
    ("booked", "expected"),
    [
        # bought, the fee in what was bought
        (
            fill(side=Side.BUY, amount="2", price="100", fee="0.002", fee_currency="BTC"),
            {
                ("assets", "BTC"): "1.998",
                ("trading", "BTC"): "-2",
                ("fees", "BTC"): "0.002",
                ("assets", "USDT"): "-200",
                ("trading", "USDT"): "200",
            },
        ),
        # sold, the fee in what was received
        (
            fill(side=Side.SELL, amount="2", price="100", fee="0.2", fee_currency="USDT"),
            {
                ("assets", "BTC"): "-2",
                ("trading", "BTC"): "2",
                ("assets", "USDT"): "199.8",
                ("trading", "USDT"): "-200",
                ("fees", "USDT"): "0.2",
            },
        ),
        # the fee in a third currency
        (
            fill(side=Side.BUY, amount="1", price="100", fee="0.01", fee_currency="BNB"),
            {
                ("assets", "BTC"): "1",
                ("trading", "BTC"): "-1",
                ("assets", "USDT"): "-100",
                ("trading", "USDT"): "100",
                ("assets", "BNB"): "-0.01",
                ("fees", "BNB"): "0.01",
            },
        ),
    ],
)
def test_a_fill_moves_what_was_bought_what_was_paid_and_the_fee(
    booked: Fill, expected: dict[tuple[str, str], str]
) -> None:
    assert moved(ledger.of_fill(booked)) == expected


@given(any_fill())
def test_every_currency_of_a_fill_sums_to_zero(booked: Fill) -> None:
    rest: dict[str, Decimal] = {}
    with exact():
        for entry in ledger.of_fill(booked).entries:
            rest[entry.currency] = rest.get(entry.currency, Decimal(0)) + entry.amount
    assert not any(rest.values())


def test_no_digit_is_lost_where_pythons_own_context_would_round() -> None:
    amount, price = "123456789012345.12345678", "98765432109876.87654321"
    cost = int(amount.replace(".", "")) * int(price.replace(".", ""))
    booked = ledger.sums(ledger.of_fill(fill(amount=amount, price=price)).entries)[TRADING, "USDT"]
    assert str(booked).replace(".", "") == str(cost)


def test_an_opening_brings_in_the_balances_as_capital_and_leaves_out_empty_ones() -> None:
    opening = ledger.of_opening("binance", "main", {"USDT": Decimal("100.5"), "ETH": Decimal(0)}, START)
    assert moved(opening) == {("assets", "USDT"): "100.5", ("capital", "USDT"): "-100.5"}


@pytest.mark.parametrize(
    ("kind", "amount", "fee", "expected"),
    [
        (FlowKind.DEPOSIT, "100", "0", {("assets", "USDT"): "100", ("capital", "USDT"): "-100"}),
        # what left, and the fee on top of it
        (
            FlowKind.WITHDRAWAL,
            "-100",
            "1.5",
            {("assets", "USDT"): "-101.5", ("capital", "USDT"): "100", ("fees", "USDT"): "1.5"},
        ),
        (FlowKind.ADJUSTMENT, "-0.25", "0", {("assets", "USDT"): "-0.25", ("capital", "USDT"): "0.25"}),
    ],
)
def test_money_from_outside_is_capital_and_its_fee_a_fee(
    kind: FlowKind, amount: str, fee: str, expected: dict[tuple[str, str], str]
) -> None:
    flow = Flow("binance", "main", kind, "t1", "USDT", Decimal(amount), Decimal(fee), START)
    posting = ledger.of_flow(flow)
    assert moved(posting) == expected
    assert posting.kind is (PostingKind.ADJUSTMENT if kind is FlowKind.ADJUSTMENT else PostingKind.TRANSFER)


def test_a_deposit_and_a_withdrawal_of_one_number_are_two() -> None:
    ids = {
        ledger.of_flow(Flow("binance", "main", kind, "7", "USDT", Decimal(1), Decimal(0), START)).id
        for kind in FlowKind
    }
    assert len(ids) == len(FlowKind)


def test_the_same_fill_makes_the_same_posting() -> None:
    assert ledger.of_fill(fill(7)).id == ledger.of_fill(fill(7)).id
    assert ledger.of_fill(fill(7)).id != ledger.of_fill(fill(8)).id
