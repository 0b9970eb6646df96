"""From wish and ruling to an exact trade: never more than was wished, of a purchase never more than the team allows."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.fakes.tasks import FakeAccount, wish
from tests.unit.tasks.flow import ruling
from volexswarm.messages import Ruling, Side
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.sizing import Aim, Left, aim_of_target, aim_of_wish, ruled

POLICY = TasksPolicy()
ACCOUNT = FakeAccount().state(["BTC/USDT", "ETH/USDT", "SOL/USDT"])  # 10,000 USDT


@pytest.mark.parametrize(
    ("fields", "amount", "share"),
    [
        ({"amount": "0.5"}, "0.5", "0.1"),
        ({"cost": "500"}, "0.25", "0.05"),
        ({"share": "0.2"}, "1", "0.2"),
        ({"side": "sell", "position_share": "0.5"}, "0.5", "0.1"),
        ({"side": "sell", "position_share": "1"}, "1", "0.2"),
        # rounded down to eight decimals: 1000 / 60,000
        ({"symbol": "BTC/USDT", "cost": "1000"}, "0.01666666", "0.09999996"),
    ],
)
def test_each_way_of_giving_a_size(fields, amount, share):
    found = aim_of_wish(wish(**fields), ACCOUNT)
    assert isinstance(found, Aim)
    assert (found.amount, found.share) == (Decimal(amount), Decimal(share))


def test_there_is_nothing_to_sell_of_what_is_not_held():
    found = aim_of_wish(wish(symbol="SOL/USDT", side="sell", position_share="0.5"), ACCOUNT)
    assert isinstance(found, Left)
    assert "there is no SOL to sell" in found.why


@pytest.mark.parametrize(
    ("symbol", "target", "side", "amount"),
    [
        ("BTC/USDT", "0.6", Side.BUY, "0.05"),
        ("BTC/USDT", "0", Side.SELL, "0.05"),
        ("ETH/USDT", "0.1", Side.SELL, "0.5"),
        ("SOL/USDT", "0.25", Side.BUY, "25"),
    ],
)
def test_a_target_is_reached_from_either_side(symbol, target, side, amount):
    found = aim_of_target(symbol, Decimal(target), ACCOUNT, POLICY)
    assert isinstance(found, Aim)
    assert (found.side, found.amount) == (side, Decimal(amount))


def test_dust_is_left_alone():
    found = aim_of_target("BTC/USDT", Decimal("0.3005"), ACCOUNT, POLICY)
    assert found == Left("BTC/USDT", "BTC is 30.00 % of the equity and shall be 30.05 %: that is near enough", False)


@given(
    st.decimals("0.00000001", "100", places=8),
    st.floats(0, 1),
    st.sampled_from(["buy", "sell", "hold"]),
    st.sampled_from(["buy", "sell"]),
)
def test_a_ruling_never_enlarges_a_wish_nor_turns_it(amount, size, action, side):
    aim = aim_of_wish(wish(side=side, amount=amount), ACCOUNT)
    assume(isinstance(aim, Aim))
    assert isinstance(aim, Aim)
    left = ruled(aim, Ruling.model_validate(ruling("ETH/USDT", action, size)), ACCOUNT, POLICY)
    if isinstance(left, Left):
        return
    assert (left.side, left.side.value) == (aim.side, action)
    assert 0 < left.amount <= aim.amount
    if left.side is Side.BUY:
        assert left.share <= max(Decimal(str(size)), Decimal(0))
    else:
        assert left.amount == aim.amount


@pytest.mark.parametrize(
    ("coming", "leaving", "target", "side", "amount"),
    [
        # of 40 % in ETH 25 % are being sold: 15 % is what comes of it
        ("0", "1.25", "0.15", None, ""),
        # that much is on its way, and the rest is still to be sold
        ("0", "1.25", "0.10", Side.SELL, "0.25"),
        ("0", "1.25", "0", Side.SELL, "0.75"),
        # whether less is sold, or bought back, shows when the sale has ended
        ("0", "1.25", "0.30", None, ""),
        # a limit order that may never be executed is no hole to be filled
        ("0", "2", "0.40", None, ""),
        # more is wanted than there is, whatever becomes of the sale
        ("0", "1.25", "0.45", Side.BUY, "0.25"),
        # 20 % more are being bought
        ("1", "0", "0.60", None, ""),
        ("1", "0", "0.65", Side.BUY, "0.25"),
        ("1", "0", "0.35", Side.SELL, "0.25"),
        # both ways at once
        ("1", "1", "0.5", None, ""),
        ("1", "1", "0.7", Side.BUY, "0.5"),
        ("1", "1", "0.1", Side.SELL, "0.5"),
    ],
)
def test_what_is_under_way_is_not_traded_again(coming, leaving, target, side, amount):
    account = FakeAccount(ETH="2", USDT="3000")  # 10,000 USDT, 40 % of it in ETH
    account.coming["ETH"], account.leaving["ETH"] = Decimal(coming), Decimal(leaving)
    found = aim_of_target("ETH/USDT", Decimal(target), account.state(["ETH/USDT"]), POLICY)
    if side is None:
        assert isinstance(found, Left)
        assert not found.refused
    else:
        assert isinstance(found, Aim)
        assert (found.side, found.amount) == (side, Decimal(amount))


def test_an_aim_says_what_is_under_way():
    account = FakeAccount(ETH="2", USDT="3000")
    account.leaving["ETH"] = Decimal("1.25")
    left = aim_of_target("ETH/USDT", Decimal("0.15"), account.state(["ETH/USDT"]), POLICY)
    words = "ETH is 40.00 % of the equity (25.00 % on its way out) and shall be 15.00 %"
    assert left == Left("ETH/USDT", f"{words}: what is under way comes first", False)
    account.coming["ETH"] = Decimal("0.5")
    found = aim_of_target("ETH/USDT", Decimal("0.1"), account.state(["ETH/USDT"]), POLICY)
    words = "ETH is 40.00 % of the equity (10.00 % on its way in, 25.00 % on its way out) and shall be 10.00 %"
    assert found.why == words


@given(
    st.decimals("0", "1", places=4),
    st.decimals("0", "1", places=4),
    st.decimals("0", "1", places=4),
    st.decimals("0", "1", places=4),
    st.decimals("0", "1", places=4),
    st.decimals("0", "1", places=4),
)
def test_a_target_is_never_overshot_whatever_becomes_of_what_is_under_way(
    target, held, coming, leaving, executed_in, executed_out
):
    book = FakeAccount(ETH=str(held * 5))
    book.coming["ETH"], book.leaving["ETH"] = coming * 5, leaving * held * 5
    account = book.state(["ETH/USDT"])
    found = aim_of_target("ETH/USDT", target, account, POLICY)
    if isinstance(found, Left):
        return
    others = book.coming["ETH"] * executed_in - book.leaving["ETH"] * executed_out
    present = (account.held["ETH"] + others) * 2000 / account.equity
    change = found.share if found.side is Side.BUY else -found.share
    after, tolerance = present + change, Decimal("1e-8")
    assert min(present, target) - tolerance <= after <= max(present, target) + tolerance
    assert found.side is Side.BUY or found.amount <= account.sellable["ETH/USDT"]
