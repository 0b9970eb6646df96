"""A rebalancing on a whole swarm: first it sells, then it buys, as a person approved, and the books are exact after it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e import evidence
from tests.e2e.tasks.desk import MARKETS, Desk, occasions
from tests.e2e.tasks.person import Person

pytestmark = [pytest.mark.timeout(1800), pytest.mark.usefixtures("own_hands", "asked_about_everything")]

SHIFT = Decimal("0.03")
"""Of the equity: so much goes from one market into the other."""
STOCK = {"BTC/USDT": "0.08", "ETH/USDT": "1.4"}
"""Somewhat more than that of each market."""
TOLERANCE = Decimal("0.005")
"""Of the equity: prices move between a look at the account and the task's own."""


@dataclass(frozen=True)
class Rebalancing:
    """The task that sold one market and bought the other; shares of the equity before it, and its targets, by symbol."""

    before: dict[str, Decimal]
    targets: dict[str, Decimal]
    story: Any

    @property
    def trades(self) -> list[Any]:
        return list(self.story["trades"])


@pytest.fixture(scope="module")
def rebalancing(desk: Desk, person: Person, own_hands: None, asked_about_everything: None) -> Rebalancing:
    """Shifts from one market into the other, by turns, until the team rules that one is sold and the other bought."""
    told = []
    for number in occasions():
        bought, sold = MARKETS[number % 2], MARKETS[1 - number % 2]
        stock_up(desk, person, sold)
        before = shares(person)
        targets = {sold: rounded(before[sold] - SHIFT), bought: rounded(before[bought] + SHIFT)}
        task = desk.submit(in_words(targets))
        story = desk.await_status(task, "awaiting_approval", "succeeded", "rejected")
        if [trade["side"] for trade in story["trades"]] == ["sell", "buy"]:
            desk.decide(story, "approve")
            return Rebalancing(before, targets, desk.await_status(task, "succeeded"))
        if story["task"]["status"] == "awaiting_approval":
            desk.decide(story, "reject")
            story = desk.await_status(task, "rejected")
        told.append(f"{in_words(targets)}: {story['task']['status']}, {story['task']['reason']}")
    raise AssertionError("the team sold and bought in no rebalancing:\n" + "\n".join(told))


def stock_up(desk: Desk, person: Person, symbol: str) -> None:
    """Hold at least what is to be sold of a market; risk may refuse to buy it now, and a stop may sell it at once."""
    told = []
    for _ in occasions():
        if shares(person)[symbol] >= SHIFT + TOLERANCE:
            return
        told.append(desk.swarm.runs("trade", "BUY", symbol, STOCK[symbol], "--wait").stderr)
    raise AssertionError(f"{symbol} could not be bought:\n" + "\n".join(told))


def shares(person: Person) -> dict[str, Decimal]:
    """What each market makes up of the equity."""
    account = person.gets("/portfolio")
    held = [one for one in account["positions"] if Decimal(one["amount"])]
    worth = {one["symbol"]: Decimal(one["amount"]) * Decimal(one["mark"]) for one in held}
    return {symbol: worth.get(symbol, Decimal(0)) / Decimal(account["equity"]) for symbol in MARKETS}


def rounded(share: Decimal) -> Decimal:
    return share.quantize(Decimal("0.0001"))


def in_words(targets: dict[str, Decimal]) -> str:
    parts = [f"{share * 100:f} % {symbol.split('/')[0]}" for symbol, share in targets.items()]
    return f"rebalance to {', '.join(parts)}"


def test_its_words_became_a_sale_and_a_purchase_with_an_approval_in_between(rebalancing: Rebalancing) -> None:
    story = rebalancing.story
    assert (story["task"]["kind"], story["approval"]["verdict"]) == ("rebalance", "approved")
    assert [one["after"] for one in story["transitions"]] == [
        "unconfirmed", "waiting", "running", "awaiting_approval", "running", "succeeded",
    ]  # fmt: skip
    assert [(trade["side"], trade["symbol"]) for trade in rebalancing.trades] == list(
        zip(("sell", "buy"), rebalancing.targets, strict=True)
    )
    assert {ruling["symbol"]: ruling["action"] for ruling in story["rulings"]} == {
        trade["symbol"]: trade["side"] for trade in rebalancing.trades
    }
    told = "\n".join(story["explanation"])
    for words in ("In their words: “rebalance to", "Approved by admin", "Fill: "):
        assert words in told


def test_it_trades_what_is_missing_to_the_targets_and_of_a_purchase_no_more_than_the_team_allows(
    rebalancing: Rebalancing,
) -> None:
    sale, purchase = rebalancing.trades
    missing = {symbol: target - rebalancing.before[symbol] for symbol, target in rebalancing.targets.items()}
    assert abs(Decimal(sale["share"]) + missing[sale["symbol"]]) < TOLERANCE
    allowed = {one["symbol"]: Decimal(str(one["size_frac"])) for one in rebalancing.story["rulings"]}
    assert 0 < Decimal(purchase["share"]) <= min(missing[purchase["symbol"]] + TOLERANCE, allowed[purchase["symbol"]])
    for trade in rebalancing.trades:
        assert {order["state"] for order in trade["orders"]} == {"filled"}, trade  # a large one goes in slices
        assert sum(Decimal(fill["amount"]) for fill in trade["fills"]) == Decimal(trade["filled"])
        assert 0 < Decimal(trade["filled"]) <= Decimal(trade["amount"])


def test_nothing_was_bought_before_all_was_sold(desk: Desk, rebalancing: Rebalancing) -> None:
    sale, purchase = rebalancing.trades
    intended = "SELECT intended_at FROM task_trades WHERE signal_id = %s"
    query = f"SELECT max(applied_at) < ({intended}) FROM fills WHERE order_id = ANY(%s::uuid[])"
    sold_by = [order["id"] for order in sale["orders"]]
    assert evidence.value(desk.swarm.dsn, query, purchase["signal_id"], sold_by)


def test_each_order_leads_back_to_the_task(person: Person, rebalancing: Rebalancing) -> None:
    for trade in rebalancing.trades:
        for order in trade["orders"]:
            told = person.gets(f"/orders/{order['id']}/explain")
            assert (told["task"]["id"], told["signal"]["id"]) == (rebalancing.story["task"]["id"], trade["signal_id"])
            assert len(told["ledger"]) == len(told["fills"]) > 0


def test_what_is_near_enough_is_left_alone_and_nobody_is_asked(desk: Desk, person: Person) -> None:
    with desk.calm():
        done = desk.await_status(desk.submit(in_words(shares_to_keep(person))), "succeeded")
    assert (done["trades"], done["rulings"], done["approval"]) == ([], [], None)
    assert done["task"]["reason"].count("that is near enough") == len(MARKETS)


def shares_to_keep(person: Person) -> dict[str, Decimal]:
    return {symbol: rounded(share) for symbol, share in shares(person).items()}


def test_the_books_are_exact_in_the_end(desk: Desk, rebalancing: Rebalancing) -> None:
    assert rebalancing.trades
    evidence.wait_until("books and exchange agree", desk.swarm.books_are_exact, 120)
