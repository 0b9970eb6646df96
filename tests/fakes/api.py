"""The real Chalice app with everything behind it faked: what the routes do is real, what they ask is canned.

A test makes any part fail by putting an exception into `FakeSwarm.failing`, and sees what it was asked in `asked`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from chalice.test import Client

from chalicelib.api.authorizer import Refused
from chalicelib.runtime import wiring
from tests.fakes import views
from tests.fakes.compliance import FakeComplianceTransaction
from tests.fakes.control import FakeControlTransaction
from tests.fakes.deliberation_reader import FakeDeliberationReader, held
from tests.fakes.desk import FakeDeskTransaction
from tests.fakes.learnt import Learnt
from tests.fakes.push import FakeTickets
from tests.fakes.risk import FakeRiskTransaction
from tests.fakes.rulebook import FakePolicyTransaction
from tests.fakes.studied import Studied
from tests.fakes.task_reader import FakeTaskReader
from tests.fakes.tasks import TaskWorld
from tests.fakes.transaction import START, FakeQuoteBoard, FakeStore, FixedClock
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.compliance import model as compliance
from volexswarm.compliance.flags import FlagDesk
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.control.kill_switch import KillSwitch
from volexswarm.control.mode_switch import ModeSwitch
from volexswarm.deliberation.replay import Replayer
from volexswarm.desk.agent import TradingDesk
from volexswarm.errors import NotFound, Unauthorized
from volexswarm.messages import Queue, Quote, Side, TaskStatus
from volexswarm.monitor.runs import Runs
from volexswarm.policies import StoredPolicy
from volexswarm.ports import Halt
from volexswarm.push.tickets import TicketOffice
from volexswarm.risk.agent import RiskAgent
from volexswarm.risk.oversight import Oversight
from volexswarm.risk.situation import Inquiry
from volexswarm.rulebook.desk import PolicyDesk, Wanted
from volexswarm.security.login import Login
from volexswarm.security.roles import Role
from volexswarm.security.tokens import Principal, Signed, TokenIssuer
from volexswarm.settings import Settings
from volexswarm.tasks.model import Approval, RaisedTrade
from volexswarm.tasks.router import Router
from volexswarm.views.audit import AuditEntry
from volexswarm.views.books import Fill, Lot, Portfolio, Positions, Transfer
from volexswarm.views.compliance import Flag, Report
from volexswarm.views.control import Control
from volexswarm.views.market import Candles
from volexswarm.views.performance import Attribution, EquityHistory, Performance, Period
from volexswarm.views.policies import Policy, WhatIf
from volexswarm.views.protections import GuardedPosition
from volexswarm.views.reconciliation import Difference, Reconciliation
from volexswarm.views.shape import Page
from volexswarm.views.story import Story
from volexswarm.views.swarm import (
    Activity,
    DeadLetter,
    DeadLetters,
    Feed,
    FunctionHealth,
    LogLine,
    LogLines,
    Part,
    QueueDepth,
    Replay,
)
from volexswarm.views.trading import LargeOrder, Order, Signal

PASSWORD = "correct horse"
SETTINGS = Settings(
    target="embedded",
    symbols=("BTC/USDT", "ETH/USDT"),
    timeframes=("1m", "5m"),
    redis_url="redis://127.0.0.1:1",
    vault_url="http://127.0.0.1:1",
    push_url="http://127.0.0.1:1/live",
)


class FakeAttempts:
    """Counts in memory, without time."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def count(self, key: str, limit: int, span: timedelta) -> timedelta | None:
        if self.counts.get(key, 0) >= limit:
            return span
        self.counts[key] = self.counts.get(key, 0) + 1
        return None

    def take_back(self, key: str) -> None:
        self.counts[key] -= 1

    def forget(self, key: str) -> None:
        self.counts.pop(key, None)


def _tasks() -> TaskWorld:
    """A task that its author (the admin) must confirm, one that waits for an approval, and one that was canceled."""
    world = TaskWorld()
    words, late = {"words": "buy 0.5 ETH"}, START + timedelta(minutes=15)
    world.task(status=TaskStatus.UNCONFIRMED, id=views.TASK_ID, requested_by="admin", confirm_by=late, **words)
    world.task(status=TaskStatus.AWAITING_APPROVAL, id=views.ASKING_TASK_ID)
    world.task(status=TaskStatus.CANCELED, id=views.CANCELED_TASK_ID, ended_at=START)
    world.state.approvals[views.APPROVAL_ID] = Approval(
        id=views.APPROVAL_ID,
        task_id=views.ASKING_TASK_ID,
        attempt=1,
        question="May it buy 0.5 ETH?",
        reasons=("10.00 % of the equity is above 5 %",),
        token="token",
        asked_at=START,
        expires_at=START + timedelta(minutes=30),
    )
    half = {"leg": 0, "symbol": "ETH/USDT", "side": Side.BUY, "amount": Decimal("0.5"), "share": Decimal("0.1")}
    prices = {"price": Decimal(2000), "worst_price": Decimal(2020)}
    world.state.planned[views.ASKING_TASK_ID, 1] = [RaisedTrade(**half, **prices, why="wished", mode="simulated")]
    world.trader.market["ETH/USDT"] = Decimal(2012)
    return world


class FakeSwarm:
    """Every port of the API at once, and the tokens of one user per role."""

    def __init__(self) -> None:
        self.clock = FixedClock(views.NOW)
        self.failing: dict[str, Exception] = {}
        self.asked: list[tuple[Any, ...]] = []
        self.attempts = FakeAttempts()
        self.desk = FakeStore(FakeDeskTransaction())
        self.quotes = FakeQuoteBoard()
        self.quotes.quotes["BTC/USDT"] = Quote(
            bid=Decimal("60000"), ask=Decimal("60001"), as_of=views.MARKET, received_at=views.NOW
        )
        self.tickets = FakeTickets()
        self.control_store = FakeStore(FakeControlTransaction())
        self.control_store.state.add_halt(
            Halt(views.HALT.id, "ann", "the market is broken", True, views.NOW, views.NOW)
        )
        self.risk_store = FakeStore(FakeRiskTransaction({"USDT": "90000", "BTC": "0.1"}))
        self.risk_store.state.complete_to = views.MARKET
        self.risk_store.state.save_breaker("binance", "main", views.BREAKER, views.NOW)
        self.governing = views.CONTROL
        self.compliance_store = FakeStore(FakeComplianceTransaction())
        flag = compliance.Flag(**views.FLAG.model_dump(exclude={"id"}), venue="binance", account="main")
        self.compliance_store.state.flags[flag.id] = flag
        self.policy_store = FakeStore(FakePolicyTransaction(compliance=StoredPolicy(2, views.POLICY.body)))
        self.tasks = _tasks()
        self.learnt = Learnt(self.clock, views.MARKET)
        self.signals_told: list[Signal] = [views.SIGNAL]
        self.health: list[Part] = [views.PART]

    def _ask(self, part: str, *arguments: Any) -> None:
        self.asked.append((part, *arguments))
        if part in self.failing:
            raise self.failing[part]

    # tokens and passwords
    def verify(self, text: str) -> Principal:
        self._ask("verify")
        role = {f"{role}-token": role for role in Role}.get(text)
        if role is None:
            raise Unauthorized("the token is not valid: log in again")
        return Principal(role.value, role, role.permissions, "token-id", self.clock.now() + timedelta(minutes=30))

    def login(self, username: str, password: str) -> Sequence[str]:
        self._ask("login", username)
        if password != PASSWORD:
            raise Unauthorized("username or password is wrong")
        return [f"role-{username}", "default"]

    def sign_jwt(self, signing_input: Callable[[str], bytes]) -> Signed:
        return Signed("1", "signature")

    # readers
    def parts(self) -> list[Part]:
        self._ask("database")
        return self.health

    def feeds(self) -> list[Feed]:
        return [views.FEED]

    def account_opened_at(self) -> Any:
        return views.NOW

    def activity(self) -> list[Activity]:
        self._ask("database")
        return [views.ACTIVITY]

    def portfolio(self) -> Portfolio:
        self._ask("database")
        return views.PORTFOLIO

    def positions(self) -> Positions:
        self._ask("database")
        return Positions(mode="simulated", simulated=True, positions=[views.POSITION])

    def fills(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Fill]:
        self._ask("database", symbol, limit, cursor)
        return Page(items=[views.FILL], next="bmV4dA")

    def lots(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Lot]:
        self._ask("database", symbol, limit, cursor)
        return Page(items=[views.LOT], next=None)

    def transfers(self, limit: int, cursor: str | None) -> Page[Transfer]:
        self._ask("database", limit, cursor)
        return Page(items=[views.TRANSFER], next=None)

    def history(self, period: Period) -> EquityHistory:
        self._ask("database", period)
        return views.HISTORY

    def performance(self, period: Period, risk_free: float) -> Performance:
        self._ask("database", period, risk_free)
        return views.PERFORMANCE

    def attribution(self, by: str, period: Period) -> Attribution:
        self._ask("database", by, period)
        return views.ATTRIBUTION

    def orders(self, symbol: str | None, state: Any, limit: int, cursor: str | None) -> Page[Order]:
        self._ask("database", symbol, state, limit, cursor)
        return Page(items=[views.ORDER] if symbol in (None, views.ORDER.symbol) else [], next=None)

    def order(self, key: str) -> Order:
        self._ask("database", key)
        for order in (views.ORDER, views.OPEN_ORDER, views.WAY_OUT):
            if order.id.startswith(key):
                return order
        raise NotFound("order", key)

    def named(self, key: str) -> Order | LargeOrder:
        return views.LARGE_ORDER if key == views.SIGNAL_ID else self.order(key)

    def signals(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Signal]:
        self._ask("database", symbol, limit, cursor)
        return Page(items=[views.SIGNAL, views.REFUSED_SIGNAL], next=None)

    def signal(self, signal_id: str) -> Signal:
        self._ask("database", signal_id)
        return self.signals_told.pop(0) if len(self.signals_told) > 1 else self.signals_told[0]

    def protections(
        self, symbol: str | None, state: str | None, limit: int, cursor: str | None
    ) -> Page[GuardedPosition]:
        self._ask("database", symbol, state, limit, cursor)
        return Page(items=[views.PROTECTION], next=None)

    def control(self) -> Control:
        self._ask("database")
        return self.governing

    def reconciliation(self) -> Reconciliation:
        self._ask("database")
        return Reconciliation(venue="binance", account="main", last=views.COMPARISON, open=[views.DIFFERENCE])

    def differences(self, state: str | None, limit: int, cursor: str | None) -> Page[Difference]:
        self._ask("database", state, limit, cursor)
        return Page(items=[views.DIFFERENCE], next=None)

    def request(self, venue: str, account: str, *, actor: str) -> str:
        self._ask("database", venue, account, actor)
        return views.CHAIN

    def accept(self, key: str, *, actor: str, reason: str) -> str:
        self._ask("database", key, actor, reason)
        if not views.DIFFERENCE.id.startswith(key):
            raise NotFound("difference", key)
        return views.DIFFERENCE.id

    def candles(self, symbol: str, timeframe: Any, limit: int, before: Any) -> Candles:
        self._ask("database", symbol, timeframe, limit, before)
        candles = [views.CANDLE] if symbol == views.ORDER.symbol else []
        return Candles(venue="binance", symbol=symbol, timeframe=timeframe, candles=candles)

    def story(self, key: str) -> Story:
        self.order(key)
        return views.STORY

    # compliance and policies
    def flags(self, state: str | None, limit: int, cursor: str | None) -> Page[Flag]:
        self._ask("database", state, limit, cursor)
        return Page(items=[views.FLAG], next=None)

    def report(self, period: str, since: Any, until: Any) -> Report:
        self._ask("database", period, since, until)
        return views.REPORT

    def policy(self, name: str) -> Policy:
        self._ask("database", name)
        if name != "compliance":
            raise NotFound("policy", name)
        return views.POLICY

    def what_if(self, name: str, wanted: Wanted, since: Any, until: Any) -> WhatIf:
        self._ask("database", name, wanted, since, until)
        wanted.on(CompliancePolicy, views.POLICY.body)
        return views.WHAT_IF

    def audit(self, since: Any, limit: int, cursor: str | None) -> Page[AuditEntry]:
        self._ask("database", since, limit, cursor)
        return Page(items=[views.AUDITED], next=None)

    # functions
    def of(self, functions: Sequence[str]) -> dict[str, Runs]:
        self._ask("cache")
        return {views.RUNS.function: views.RUNS} if views.RUNS.function in functions else {}

    def ask(self, function: str) -> FunctionHealth:
        self._ask("functions", function)
        return views.FUNCTION_HEALTH.model_copy(update={"function": function})

    def measure(self) -> tuple[bool, str]:
        self._ask("feed")
        return True, "last quote 0.2 s ago"

    # queues and logs
    def depths(self, queues: Sequence[Queue]) -> list[QueueDepth]:
        self._ask("queues")
        return [QueueDepth(queue=queue, waiting=2, in_flight=1, delayed=0, dead=3) for queue in queues]

    def look(self, queue: Queue, limit: int) -> DeadLetters:
        self._ask("queues", queue, limit)
        letter = DeadLetter(
            message_id="deadbeef-1",
            reason="type: expected volexswarm.SignalRaised",
            sent_at=views.NOW,
            receive_count=5,
            group=None,
            event_id=None,
            event_type=None,
            subject=None,
            correlation_id=None,
            body="{}",
        )
        return DeadLetters(depth=self.depths([queue])[0], letters=[letter])

    def replay(self, queue: Queue, limit: int) -> Replay:
        self._ask("queues", queue, limit)
        return Replay(queue=queue, replayed=3, remaining=0)

    def lines(self, function: str, since: timedelta, text: str | None, limit: int) -> LogLines:
        self._ask("logs", function, since, text, limit)
        line = LogLine(at=views.NOW, message="done", fields=None)
        return LogLines(function=function, since=views.NOW - since, lines=[line], truncated=False)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put this in the place of everything that the API asks of the wiring."""
        log_in = Login(self, self.attempts, TokenIssuer(self, self.clock))
        desk = TradingDesk(
            self.desk,
            self.quotes,
            self.clock,
            venue="binance",
            symbols=SETTINGS.symbols,
            quote_max_age=timedelta(seconds=30),
        )
        modes = ModeSwitch(
            self.control_store, self.clock, venue="binance", account="main", environment="live", new_code=lambda: "c0de"
        )
        inquiry = Inquiry(
            quotes=self.quotes,
            clock=self.clock,
            currency="USDT",
            symbols=SETTINGS.symbols,
            timeframes=SETTINGS.timeframes,
            quote_max_age=30,
        )
        risk = RiskAgent(store=self.risk_store, inquiry=inquiry, clock=self.clock, real_time=False)
        oversight = Oversight(
            store=self.risk_store,
            agent=risk,
            inquiry=inquiry,
            quotes=self.quotes,
            clock=self.clock,
            venue="binance",
            symbols=SETTINGS.symbols,
        )
        parts = {
            "settings": SETTINGS,
            "scope": Scope("binance", "main", "simulated", "USDT"),
            "oversight": oversight,
            "kill_switch": KillSwitch(self.control_store, self.clock),
            "mode_switch": modes,
            "flag_desk": FlagDesk(self.compliance_store, self.clock),
            "policy_desk": PolicyDesk(self.policy_store, {"compliance": CompliancePolicy}, self.clock),
            "clock": self.clock,
            "token_verifier": self,
            "login": log_in,
            "trading_desk": desk,
            "task_desk": self.tasks.desk,
            "task_reader": FakeTaskReader(self.tasks),
            "task_router": Router(store=self.tasks.store, clock=self.clock, calibration=dict),
            "deliberation_reader": FakeDeliberationReader(),
            "replayer": Replayer(held()[0].store),
            "quotes": self.quotes,
            "research_reader": self.learnt,
            "study_reader": Studied(views.NOW, views.MARKET),
            "news_agent": self.learnt.news_agent,
            "strategy_agent": self.learnt.strategy_agent,
            "ticket_office": TicketOffice(self.tickets, self.clock),
        } | dict.fromkeys(
            [
                "swarm_reader",
                "books_reader",
                "performance_reader",
                "control_reader",
                "reconciliation_reader",
                "difference_desk",
                "compliance_reader",
                "policy_reader",
                "time_machine",
                "audit_reader",
                "trading_reader",
                "candle_reader",
                "story_reader",
                "protection_reader",
                "queue_desk",
                "function_logs",
                "run_log",
                "health_line",
                "feed_probe",
            ],
            self,
        )
        for name, part in parts.items():
            monkeypatch.setattr(wiring, name, lambda part=part: part)


def gateway(client: Client) -> httpx.MockTransport:
    """The API as an HTTP transport: answers as the API Gateway in front of the app does."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix("/api")
        try:
            response = client.http.request(request.method, path, headers=dict(request.headers), body=request.content)
        except Refused:
            return httpx.Response(401, json={"message": "Unauthorized"})
        kind = {"content-type": response.headers.get("Content-Type", "application/json")}
        return httpx.Response(response.status_code, content=response.body, headers=kind)

    return httpx.MockTransport(answer)
