"""However a fill reaches the books, and however often, they end the same."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.portfolio import FakePortfolioTransaction
from tests.fakes.transaction import START, FixedClock
from tests.unit.portfolio.fills import fill, histories
from volexswarm.errors import InvalidInput, Retry
from volexswarm.messages import Side
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.portfolio.lots import match
from volexswarm.portfolio.model import LedgerAccount
from volexswarm.portfolio.positions import fold
from volexswarm.ports import Booked, Fill, Transfer


def opened() -> FakePortfolioTransaction:
    tx = FakePortfolioTransaction()
    tx.add_account("binance", "main", START, "simulated")
    return tx


def book(tx: FakePortfolioTransaction, *fills: Fill, order_id: str | None = "o1") -> None:
    bookkeeper = Bookkeeper(FixedClock())
    for one in fills:
        bookkeeper.record_fill(tx, one, order_id=order_id, correlation_id="c1")


def realised_of(tx: FakePortfolioTransaction) -> dict[str, Decimal]:
    return {one.trade_id: realised for one, _, realised in tx.recorded.values()}


def test_an_unopened_account_takes_no_fill() -> None:
    with pytest.raises(Retry, match="not opened"):
        book(FakePortfolioTransaction(), fill())


@pytest.mark.parametrize(
    ("seconds", "booked"),
    [(-1, False), (0, False), (0.001, True)],  # at the opening's own moment: still part of the opening balance
)
def test_what_happened_up_to_the_opening_is_not_booked_again(seconds: float, booked: bool) -> None:
    tx = opened()
    book(tx, fill(as_of=START + timedelta(seconds=seconds)))
    assert bool(tx.recorded) is booked
    assert bool(tx.postings) is booked


@given(histories(), st.data())
def test_any_order_and_any_repetition_gives_the_same_books(history: list[Fill], data: st.DataObject) -> None:
    straight, shuffled = opened(), opened()
    book(straight, *history)
    deliveries = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=4))))
    book(shuffled, *deliveries)
    assert shuffled.postings == straight.postings
    assert shuffled.positions == straight.positions
    assert shuffled.recorded == straight.recorded
    assert shuffled.after == straight.after
    assert (shuffled.positions["BTC/USDT"], realised_of(shuffled)) == fold(history)
    assert shuffled.lots("binance", "main", "BTC/USDT") == straight.lots("binance", "main", "BTC/USDT")
    assert shuffled.closings.get("BTC/USDT", []) == straight.closings.get("BTC/USDT", [])
    assert match(history) == (
        straight.lots("binance", "main", "BTC/USDT"),
        straight.closings.get("BTC/USDT", []),
    )
    assert shuffled.balances("binance", "main", LedgerAccount.ASSETS) == straight.balances(
        "binance", "main", LedgerAccount.ASSETS
    )


@given(histories(), st.data())
def test_also_books_that_are_older_than_what_is_kept_of_positions_end_the_same(
    history: list[Fill], data: st.DataObject
) -> None:
    straight, older = opened(), opened()
    book(straight, *history)
    late = data.draw(st.sampled_from(history))
    book(older, *(one for one in history if one is not late))
    for key in data.draw(st.lists(st.sampled_from(sorted(older.after)), unique=True)) if older.after else []:
        del older.after[key]
    book(older, late)
    assert (older.positions, older.recorded) == (straight.positions, straight.recorded)
    assert older.lots("binance", "main", "BTC/USDT") == straight.lots("binance", "main", "BTC/USDT")
    assert older.closings.get("BTC/USDT", []) == straight.closings.get("BTC/USDT", [])


def test_a_late_fill_touches_nothing_that_came_before_it() -> None:
    tx = opened()
    book(tx, *(fill(number, Side.BUY, "1", "100") for number in range(1, 9)), fill(10, Side.SELL, "9", "150"))
    book(tx, fill(9, Side.BUY, "1", "120"))
    assert tx.corrected == ["10"]
    assert tx.positions["BTC/USDT"].amount == 0


def test_a_late_fill_corrects_what_the_later_ones_realised() -> None:
    tx = opened()
    book(tx, fill(1, Side.BUY, "1", "100"), fill(3, Side.SELL, "1", "150"))
    assert tx.recorded["BTC/USDT", "3"][2] == 50
    book(tx, fill(2, Side.BUY, "1", "120"))
    assert tx.recorded["BTC/USDT", "3"][2] == 40
    assert tx.positions["BTC/USDT"].amount == 1
    assert tx.positions["BTC/USDT"].realised_pnl == 40


def test_coins_from_before_lots_were_kept_are_matched_with_the_next_sale() -> None:
    tx = opened()
    book(tx, fill(1, Side.BUY, "2", "100"))
    tx.held.clear()
    book(tx, fill(2, Side.SELL, "1", "150"))
    assert [closing.realised for closing in tx.closings["BTC/USDT"]] == [50]
    assert [lot.amount for lot in tx.lots("binance", "main", "BTC/USDT")] == [1]


def test_a_fill_that_came_before_its_order_was_known_is_given_to_it() -> None:
    tx = opened()
    book(tx, fill(), order_id=None)
    book(tx, fill(), order_id="o1")
    assert tx.recorded["BTC/USDT", "1"][1] == "o1"
    book(tx, fill(), order_id="o2")
    assert tx.recorded["BTC/USDT", "1"][1] == "o1"


def test_the_answer_tells_position_and_profit() -> None:
    tx = opened()
    book(tx, fill(1, Side.BUY, "2", "100"))
    booked = Bookkeeper(FixedClock()).record_fill(
        tx, fill(2, Side.SELL, "1", "130"), order_id=None, correlation_id="c1"
    )
    assert booked is not None
    assert booked == Booked(Decimal(30), Decimal(1), Decimal(100))


def transfer(amount: str = "100", fee: str = "0", seconds: float = 1, number: str = "t1") -> Transfer:
    return Transfer(number, "USDT", Decimal(amount), Decimal(fee), START + timedelta(seconds=seconds))


def record(tx: FakePortfolioTransaction, booked: Transfer) -> bool:
    return Bookkeeper(FixedClock()).record_transfer(tx, "binance", "main", booked, correlation_id="c1")


def adjust(tx: FakePortfolioTransaction, amount: str, reference: str = "d1") -> bool:
    return Bookkeeper(FixedClock()).record_adjustment(
        tx, "binance", "main", "USDT", Decimal(amount), reference=reference, as_of=START, correlation_id="c1"
    )


def test_a_transfer_is_booked_once_and_is_no_profit() -> None:
    tx = opened()
    assert record(tx, transfer("100"))
    assert not record(tx, transfer("100"))
    assert record(tx, transfer("-40", "1", number="t2"))
    assert tx.balances("binance", "main", LedgerAccount.ASSETS) == {"USDT": 59}
    assert tx.balances("binance", "main", LedgerAccount.CAPITAL) == {"USDT": -60}
    assert tx.balances("binance", "main", LedgerAccount.FEES) == {"USDT": 1}
    assert not tx.positions


def test_a_transfer_up_to_the_opening_is_part_of_it() -> None:
    tx = opened()
    assert not record(tx, transfer(seconds=0))
    assert not tx.postings
    assert not tx.flows


def test_a_difference_that_a_person_accepts_is_booked_once_as_capital() -> None:
    tx = opened()
    assert adjust(tx, "-3")
    assert not adjust(tx, "-3")
    assert adjust(tx, "1", "d2")
    assert tx.balances("binance", "main", LedgerAccount.ASSETS) == {"USDT": -2}
    assert tx.balances("binance", "main", LedgerAccount.CAPITAL) == {"USDT": 2}


def test_unopened_books_take_nothing_from_outside() -> None:
    with pytest.raises(Retry, match="not opened"):
        record(FakePortfolioTransaction(), transfer())
    with pytest.raises(Retry, match="not opened"):
        adjust(FakePortfolioTransaction(), "1")


@pytest.mark.parametrize(("amount", "fee", "field"), [("0", "0", "amount"), ("1", "-1", "fee")])
def test_a_transfer_that_makes_no_sense_is_refused(amount: str, fee: str, field: str) -> None:
    tx = opened()
    with pytest.raises(InvalidInput, match=field):
        record(tx, transfer(amount, fee))
    assert not tx.postings


def test_an_adjustment_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="amount"):
        adjust(opened(), "0")
