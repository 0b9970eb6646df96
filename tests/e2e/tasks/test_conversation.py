"""A trade from a person's words to its fill: six voices, a verdict that can be computed again, an approval, exact books."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e import evidence
from tests.e2e.conftest import Swarm
from tests.e2e.tasks.desk import occasions
from tests.e2e.tasks.person import Person
from tests.e2e.tasks.spectator import Message, Spectator

pytestmark = pytest.mark.timeout(1800)

VOICES = ("research", "news-sentiment", "signal", "strategy", "risk", "compliance")
GATES = ("risk", "compliance")
TAINTED = ("news-sentiment",)
SYMBOLS = ("BTC/USDT", "ETH/USDT")
MUCH = Decimal("0.11")
"""Of the equity: so much in a market leaves too little room to buy what is wished."""
ENDED = ("succeeded", "rejected", "failed", "canceled", "expired")
DIRECTIONS = {"buy": 1, "sell": -1}


@dataclass
class Conversation:
    """The task that came to trade, and all that was told of it."""

    task_id: str
    person: Person
    spectator: Spectator

    @property
    def story(self) -> Any:
        return self.person.gets(f"/tasks/{self.task_id}")

    @property
    def record(self) -> Any:
        """Its only deliberation."""
        (found,) = self.person.gets(f"/tasks/{self.task_id}/deliberations")["deliberations"]
        return found

    def told(self, channel: str, event: str) -> list[Message]:
        return self.spectator.updates(channel, event, task_id=self.task_id)

    def is_told(self, channel: str, event: str) -> list[Message]:
        """Like `told`, of what may still be on its way: each event comes in a message of its own."""
        heard = self.spectator.await_(f"{event} on {channel}", lambda: self.told(channel, event), 60)
        return list(heard)


@pytest.fixture(scope="module")
def talk(swarm: Swarm, person: Person, own_hands: None, asked_about_everything: None) -> Iterator[Conversation]:
    """Wishes one after the other until the team rules that one is traded; that one is approved and goes to its end."""
    ticket = person.posts("/ws/ticket")["ticket"]
    with Spectator(f"{swarm.cloud.socket_url}?ticket={ticket}", ("tasks", "deliberations", "orders")) as spectator:
        refused = []
        for number in occasions():
            post_news(swarm, number)
            words = wish(person, number)
            taken = person.posts("/task", words=words)["task"]
            assert taken["status"] == "unconfirmed", taken
            person.posts(f"/tasks/{taken['id']}/confirm")
            talk = Conversation(taken["id"], person, spectator)
            if await_status(talk, ("awaiting_approval", *ENDED)) == "awaiting_approval":
                approve(talk)
            if (status := await_status(talk, ENDED)) == "succeeded":
                break
            refused.append(f"{words}: {status}, {talk.story['task']['reason']}")
        else:
            pytest.fail("no wish came to trade:\n" + "\n".join(refused))
        yield talk


def wish(person: Person, number: int) -> str:
    """What makes sense in one of the markets, by turns: to sell where much is held, else to buy."""
    symbol = SYMBOLS[number % len(SYMBOLS)]
    account = person.gets("/portfolio")
    worth = sum(
        Decimal(one["amount"]) * Decimal(one["mark"]) for one in account["positions"] if one["symbol"] == symbol
    )
    if worth > MUCH * Decimal(account["equity"]):
        return f"sell all of my {symbol.split('/')[0]}"
    return f"put 8 % into {symbol} if the trend holds" if number % 4 < len(SYMBOLS) else f"put 8 % into {symbol}"


def approve(talk: Conversation) -> None:
    """What the WebSocket says is asked, is approved."""
    (asked,) = talk.is_told("tasks", "ApprovalAsked")
    talk.person.posts(f"/approvals/{asked['data']['approval_id']}", verdict="approved", reason="this is what I want")


def post_news(swarm: Swarm, number: int) -> None:
    """A few headlines that are mildly for selling, so that the team has somebody to disagree with, and may buy all the same."""
    for what in ("slips as traders take profits", "drifts lower", "drops again"):
        for name in ("Bitcoin", "Ethereum"):
            swarm.succeeds("news", "add", f"{name} {what}, bulletin {number}", "--source", "The Daily Ledger")


def await_status(talk: Conversation, wanted: Sequence[str]) -> str:
    """Wait until the WebSocket tells one of the statuses."""

    def reached() -> str | None:
        told = [one["data"]["after"] for one in talk.told("tasks", "TaskChanged")]
        return next((status for status in reversed(told) if status in wanted), None)

    return str(talk.spectator.await_(f"task {talk.task_id} is one of {', '.join(wanted)}", reached, 240))


def test_words_became_a_fill_with_an_approval_in_between(talk: Conversation) -> None:
    story = talk.story
    assert (story["task"]["status"], story["task"]["kind"]) == ("succeeded", "trade"), story["task"]["reason"]
    assert [one["after"] for one in story["transitions"]] == [
        "unconfirmed", "waiting", "running", "awaiting_approval", "running", "succeeded",
    ]  # fmt: skip
    (trade,) = story["trades"]
    assert 0 < Decimal(trade["filled"]) <= Decimal(trade["amount"])
    assert sum(Decimal(fill["amount"]) for fill in trade["fills"]) == Decimal(trade["filled"])
    assert (story["approval"]["verdict"], story["approval"]["actor"]) == ("approved", "admin")
    assert story["task"]["understood"] in story["explanation"][0]


def test_a_watcher_was_told_everything_in_order_and_missed_nothing(talk: Conversation) -> None:
    story, spectator = talk.story, talk.spectator
    assert spectator.missed() == []
    told = talk.told("tasks", "TaskChanged")
    assert [one["data"]["after"] for one in told] == [one["after"] for one in story["transitions"]]
    steps = {
        (one["data"]["step"], one["data"]["symbol"], one["data"]["status"]) for one in talk.told("tasks", "TaskStepped")
    }
    done = {(step["step"], step["symbol"], step["status"]) for step in story["steps"]}
    assert done <= steps
    assert {(step, symbol, "started") for step, symbol, _ in done} <= steps
    (asked,), (decided,) = talk.told("tasks", "ApprovalAsked"), talk.told("tasks", "ApprovalDecided")
    assert asked["number"] < decided["number"]
    assert decided["data"]["verdict"] == "approved"
    order = story["trades"][0]["orders"][0]["id"]
    spectator.await_(
        "the order's end",
        lambda: (
            [one["data"]["after"] for one in spectator.updates("orders", "OrderChanged", order_id=order)][-1:]
            == ["filled"]
        ),
        60,
    )


def test_six_voices_spoke_and_were_heard_live(talk: Conversation) -> None:
    statements = talk.record["statements"]
    blind = {one["role"]: one for one in statements if one["phase"] == "blind"}
    assert tuple(blind) == VOICES
    silent = {role: one["rationale"] for role, one in blind.items() if one["stance"] is None}
    assert silent == {}
    assert all(one["rationale"] and one["evidence"] for one in blind.values())
    (concluded,) = talk.is_told("deliberations", "DeliberationConcluded")
    heard = talk.told("deliberations", "OpinionGiven")
    assert [(one["data"]["agent"], one["data"]["phase"], one["data"]["stance"]) for one in heard] == [
        (one["role"], one["phase"], one["stance"]) for one in statements
    ]
    assert concluded["data"]["ruling"]["action"] == talk.record["verdict"]["action"]


def test_who_disagreed_is_named(talk: Conversation) -> None:
    verdict = talk.record["verdict"]
    assert verdict["action"] in DIRECTIONS
    others = [vote["role"] for vote in verdict["votes"] if vote["stance"] != verdict["action"]]
    assert verdict["dissent"] == others
    assert "news-sentiment" in others  # its headlines were for selling
    (ruling,) = talk.story["rulings"]
    assert ruling["dissent"] == others


def test_the_verdicts_arithmetic_adds_up(talk: Conversation) -> None:
    record = talk.record
    verdict = record["verdict"]
    lines = {line["what"]: line["value"] for line in verdict["arithmetic"]}
    votes = {vote["role"]: vote for vote in verdict["votes"]}
    last = {one["role"]: one for one in record["statements"]}
    for role, vote in votes.items():
        assert (vote["stance"], vote["confidence"]) == (last[role]["stance"], last[role]["confidence"])
        assert vote["strength"] == pytest.approx(vote["weight"] * vote["confidence"], abs=1e-6)

    buy = strength(votes, lambda role: role not in (*TAINTED, *GATES), "buy")  # consent is no strength
    sell, hold = (strength(votes, lambda role: role not in TAINTED, stance) for stance in ("sell", "hold"))
    direction = DIRECTIONS[verdict["action"]]
    score = (buy - sell) / (buy + sell + hold)
    against, waiting = (  # of a sale nothing counts against it
        strength(votes, lambda role: role in TAINTED, stance) if direction > 0 else 0.0 for stance in ("sell", "hold")
    )
    confidence = max(0.0, abs(buy - sell) - against) / (buy + sell + hold + against + waiting)
    for what, value in {"buy": buy, "sell": sell, "hold": hold, "score": score, "confidence": confidence}.items():
        assert lines[what] == pytest.approx(value, abs=1e-5), what
    assert math.copysign(1, score) == direction
    assert verdict["confidence"] == lines["confidence"] >= 0.25

    agreeing = [vote for role, vote in votes.items() if role not in TAINTED and vote["stance"] == verdict["action"]]
    assert len(agreeing) == lines["agreeing"] >= 2
    backing = [one for one in agreeing if direction < 0 or one["role"] not in GATES]
    wanted = sum(one["strength"] * one["size_frac"] for one in backing) / sum(one["strength"] for one in backing)
    assert lines["wanted"] == pytest.approx(wanted, abs=1e-5)
    bounds = [lines[name] for name in ("cautious", "needed", "held", "room", "consented") if name in lines]
    assert verdict["size_frac"] == lines["size"] == pytest.approx(min(bounds), abs=2e-6)
    (trade,) = talk.story["trades"]
    assert float(trade["share"]) <= verdict["size_frac"] + 1e-6


def strength(votes: dict[str, Any], counts: Callable[[str], bool], stance: str) -> float:
    return math.fsum(vote["strength"] for role, vote in votes.items() if counts(role) and vote["stance"] == stance)


def test_a_replay_is_identical_without_a_call(swarm: Swarm, talk: Conversation) -> None:
    replayed = talk.person.posts(f"/deliberations/{talk.record['id']}/replay")
    assert (replayed["identical"], replayed["calls"]) == (True, 0)
    assert "identical" in swarm.succeeds("replay", talk.task_id)


def test_the_orders_story_leads_back_to_the_task(swarm: Swarm, talk: Conversation) -> None:
    (trade,) = talk.story["trades"]
    told = talk.person.gets(f"/orders/{trade['orders'][0]['id']}/explain")
    origin = told["task"]
    assert (origin["id"], origin["requested_by"], origin["approved_by"]) == (talk.task_id, "admin", "admin")
    assert origin["deliberation_id"] == talk.record["id"]
    assert told["signal"]["id"] == trade["signal_id"]
    assert len(told["ledger"]) == len(told["fills"]) > 0
    assert all(check["passed"] for stage in GATES for check in told["signal"][stage]["checks"])
    assert talk.task_id in swarm.succeeds("explain", trade["orders"][0]["id"])


def test_the_books_are_the_exchanges(swarm: Swarm, talk: Conversation) -> None:
    assert talk.story["trades"]
    evidence.wait_until("the books are exact", swarm.books_are_exact, 120)


def test_all_thirteen_agents_are_healthy_by_their_own_word(talk: Conversation) -> None:
    agents = [agent["name"] for agent in talk.person.gets("/agents")["agents"]]
    assert len(agents) == 13
    ill = {name: told for name in agents if (told := health(talk.person, name)) != "healthy"}
    assert ill == {}


def health(person: Person, agent: str) -> str:
    """`healthy`, or what ails it."""
    told = person.gets(f"/agents/{agent}/health")
    parts = [part for function in told["functions"] for part in function["parts"] if not part["healthy"]]
    return "healthy" if told["health"] == "healthy" else f"{told['detail']}: {parts}"
