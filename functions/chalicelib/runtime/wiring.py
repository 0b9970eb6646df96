"""Joins ports to adapters, each made on first use and kept for the life of the process.

Imports are inside the functions on purpose: a function loads only what it runs on, and its layers hold nothing else. Nothing
here speaks to the outside when it is made: what is away is noticed by the message that needs it, which then comes back.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from volexswarm.settings import Settings

if TYPE_CHECKING:
    from chalicelib.runtime.batch import Batch, CallTime
    from volexswarm.adapters.postgres.database import Database
    from volexswarm.adapters.postgres.execution import ExecutionTransaction
    from volexswarm.adapters.postgres.halting import HaltingTransaction
    from volexswarm.adapters.postgres.outbox import Relay
    from volexswarm.adapters.postgres.readers.books import PostgresBooksReader
    from volexswarm.adapters.postgres.readers.protections import PostgresProtectionReader
    from volexswarm.adapters.postgres.readers.scope import Scope
    from volexswarm.adapters.postgres.readers.trading import PostgresTradingReader
    from volexswarm.adapters.postgres.readers.whatif import PostgresTimeMachine
    from volexswarm.adapters.postgres.reconciliation import ReconcilingTransaction
    from volexswarm.adapters.postgres.slicing import SlicingTransaction
    from volexswarm.adapters.postgres.store import PostgresStore
    from volexswarm.adapters.present_prices import PresentPrices
    from volexswarm.adapters.sqs import SqsSender
    from volexswarm.adapters.vault import Vault
    from volexswarm.backtest.agent import BacktestAgent
    from volexswarm.clock import Clock
    from volexswarm.compliance.agent import ComplianceAgent
    from volexswarm.compliance.flags import FlagDesk
    from volexswarm.compliance.voice import ComplianceVoice
    from volexswarm.control.kill_switch import KillSwitch
    from volexswarm.control.mode_switch import ModeSwitch
    from volexswarm.deliberation.coordinator import EnhancedAgentCoordinator
    from volexswarm.deliberation.judgement import Calibration
    from volexswarm.deliberation.models.factory import ModelVoices
    from volexswarm.deliberation.replay import Replayer
    from volexswarm.desk.agent import TradingDesk
    from volexswarm.discovery.agent import DiscoveryAgent
    from volexswarm.execution.agent import ExecutionAgent
    from volexswarm.execution.differences import Acceptance, DifferenceDesk
    from volexswarm.execution.guard import Guard
    from volexswarm.execution.halting import Halting
    from volexswarm.execution.orders import Orders
    from volexswarm.execution.ports import ExchangeGateway
    from volexswarm.execution.reconciler import Reconciler
    from volexswarm.execution.record import Record
    from volexswarm.execution.slicing import Slicer
    from volexswarm.market.agent import MarketDataAgent
    from volexswarm.monitor.agent import MonitorAgent
    from volexswarm.monitor.ports import Probe
    from volexswarm.monitor.runs import RunLog
    from volexswarm.news.agent import NewsAgent
    from volexswarm.optimize.agent import OptimizeAgent
    from volexswarm.playbook.agent import StrategyAgent
    from volexswarm.portfolio.agent import PortfolioAgent
    from volexswarm.portfolio.voice import PortfolioVoice
    from volexswarm.ports import QuoteBoard
    from volexswarm.push.broadcaster import Broadcaster
    from volexswarm.push.courier import Courier
    from volexswarm.push.desk import SubscriptionDesk
    from volexswarm.push.gate import Gate
    from volexswarm.push.keeper import ConnectionKeeper
    from volexswarm.push.model import Limits
    from volexswarm.push.ports import Outlet, Tickets, UpdateLog
    from volexswarm.push.tickets import TicketOffice
    from volexswarm.research.agent import ResearchAgent
    from volexswarm.risk.agent import RiskAgent
    from volexswarm.risk.oversight import Oversight
    from volexswarm.risk.situation import Inquiry
    from volexswarm.risk.voice import RiskVoice
    from volexswarm.rulebook.desk import PolicyDesk
    from volexswarm.security.login import Login
    from volexswarm.security.tokens import TokenVerifier
    from volexswarm.signals.agent import SignalAgent
    from volexswarm.signals.voice import SignalVoice
    from volexswarm.tasks.desk import TaskDesk
    from volexswarm.tasks.dispatch import Dispatcher
    from volexswarm.tasks.ports import Account, Flows, Trader
    from volexswarm.tasks.record import StepRecord
    from volexswarm.tasks.router import Router
    from volexswarm.tasks.schedules import Schedules
    from volexswarm.tasks.understanding import Interpreter
    from volexswarm.tasks.upkeep import Upkeep
    from volexswarm.views.ports import (
        AuditReader,
        CandleReader,
        ComplianceReader,
        ControlReader,
        DeliberationReader,
        FunctionLogs,
        HealthLine,
        PerformanceReader,
        PolicyReader,
        QueueDesk,
        ReconciliationReader,
        ResearchReader,
        StoryReader,
        StudyReader,
        SwarmReader,
        TaskReader,
    )


@cache
def settings() -> Settings:
    """The function's settings. Raises InvalidInput if one is missing or wrong."""
    return Settings.from_environment()


def function_name() -> str:
    """The function's name in the registry, also its identity at Vault; Lambda knows it as `<stack>-api-<name>`."""
    return os.environ["AWS_LAMBDA_FUNCTION_NAME"].removeprefix(f"{settings().stack}-api-")


@cache
def clock() -> Clock:
    from volexswarm.clock import SystemClock

    return SystemClock()


@cache
def vault() -> Vault:
    from volexswarm.adapters.vault import open_vault

    return open_vault(settings(), function_name())


@cache
def database() -> Database:
    from volexswarm.adapters.postgres.database import Database

    return Database(lambda: vault().read("databases/main")["dsn"])


@cache
def sender() -> SqsSender:
    from volexswarm.adapters.sqs import SqsSender

    return SqsSender(settings().stack)


@cache
def relay() -> Relay:
    from volexswarm.adapters.postgres.outbox import Relay

    return Relay(database(), sender())


def _store(kind: Any) -> PostgresStore[Any]:
    from volexswarm.adapters.postgres.store import PostgresStore

    return PostgresStore(database(), kind, relay())


@cache
def quotes() -> QuoteBoard:
    from volexswarm.adapters.redis_quotes import RedisQuoteBoard, client

    return RedisQuoteBoard(client(settings().redis_url))


@cache
def batch() -> Batch:
    from chalicelib.runtime.batch import Batch, Drill
    from volexswarm.adapters.deliveries import SqsDeliveries

    # failures on purpose are for drills on this machine's own cloud: anywhere else the setting has no effect
    rate = settings().failure_rate if settings().target == "embedded" else 0.0
    return Batch(SqsDeliveries(settings().stack), Drill(rate, random.Random()))  # noqa: S311 - no secret is drawn


@cache
def market_data_agent() -> MarketDataAgent:
    from volexswarm.adapters.postgres.market import MarketTransaction
    from volexswarm.market.agent import MarketDataAgent

    return MarketDataAgent(store=_store(MarketTransaction), clock=clock(), timeframes=settings().timeframes)


@cache
def signal_agent() -> SignalAgent:
    from volexswarm.adapters.postgres.signals import SignalsTransaction
    from volexswarm.signals.agent import SignalAgent

    return SignalAgent(store=_store(SignalsTransaction), clock=clock())


@cache
def risk_agent() -> RiskAgent:
    from volexswarm.adapters.postgres.risk import RiskTransaction
    from volexswarm.risk.agent import RiskAgent

    real_time = settings().mode != "simulated"
    return RiskAgent(store=_store(RiskTransaction), inquiry=risk_inquiry(), clock=clock(), real_time=real_time)


@cache
def oversight() -> Oversight:
    from volexswarm.adapters.postgres.risk import RiskTransaction
    from volexswarm.risk.oversight import Oversight

    s = settings()
    return Oversight(
        store=_store(RiskTransaction),
        agent=risk_agent(),
        inquiry=risk_inquiry(),
        quotes=quotes(),
        clock=clock(),
        venue=s.venue,
        symbols=s.symbols,
    )


@cache
def risk_inquiry() -> Inquiry:
    from volexswarm.risk.situation import Inquiry

    s = settings()
    return Inquiry(
        quotes=quotes(),
        clock=clock(),
        currency=s.valuation_currency,
        symbols=s.symbols,
        timeframes=s.timeframes,
        quote_max_age=s.quote_max_age,
    )


@cache
def compliance_agent() -> ComplianceAgent:
    from volexswarm.adapters.postgres.compliance import ComplianceTransaction
    from volexswarm.compliance.agent import ComplianceAgent

    return ComplianceAgent(store=_store(ComplianceTransaction), clock=clock())


@cache
def flag_desk() -> FlagDesk:
    from volexswarm.adapters.postgres.compliance import ComplianceTransaction
    from volexswarm.compliance.flags import FlagDesk

    return FlagDesk(_store(ComplianceTransaction), clock())


@cache
def policy_desk() -> PolicyDesk:
    from volexswarm.adapters.postgres.policies import MODELS, PolicyTransaction
    from volexswarm.rulebook.desk import PolicyDesk

    return PolicyDesk(_store(PolicyTransaction), MODELS, clock())


def mode_of(account: str) -> str:
    """What money the account's books are of. Raises InvalidInput if it is no account of this deployment."""
    from volexswarm.control import modes

    s = settings()
    return modes.mode_of(account, s.account, s.mode)


@cache
def call_time() -> CallTime:
    """How much is left of the call that is being answered, for what must not be cut off in the middle."""
    from chalicelib.runtime.batch import CallTime

    return CallTime()


@cache
def exchange(account: str) -> ExchangeGateway:
    """The gateway by which the account's orders go."""
    from volexswarm.adapters.exchange_of import gateway_for

    return gateway_for(settings(), mode_of(account), vault(), database(), quotes(), clock(), call_time())


def _execution_store() -> PostgresStore[ExecutionTransaction]:
    from volexswarm.adapters.postgres.execution import ExecutionTransaction

    return _store(ExecutionTransaction)


@cache
def _record() -> Record[ExecutionTransaction]:
    from volexswarm.execution.guard import GuardCall
    from volexswarm.execution.record import Record
    from volexswarm.portfolio.bookkeeping import Bookkeeper

    return Record(Bookkeeper(clock()), clock(), [GuardCall(clock())])


@cache
def orders(account: str) -> Orders[ExecutionTransaction]:
    from volexswarm.execution.orders import Orders

    return Orders(
        store=_execution_store(),
        exchange=exchange(account),
        secrets=vault(),
        record=_record(),
        clock=clock(),
        mode=mode_of(account),
        release=lambda sale: guard().make_room(sale),
    )


@cache
def guard() -> Guard[ExecutionTransaction]:
    from volexswarm.execution.guard import Guard

    return Guard(store=_execution_store(), orders=orders, exchange=exchange, record=_record(), clock=clock())


@cache
def reconciler(account: str) -> Reconciler[ReconcilingTransaction]:
    from volexswarm.adapters.postgres.reconciliation import ReconcilingTransaction
    from volexswarm.execution.reconciler import Reconciler

    s = settings()
    return Reconciler(
        store=_store(ReconcilingTransaction),
        exchange=exchange(account),
        record=_record(),
        clock=clock(),
        venue=s.venue,
        account=account,
        symbols=s.symbols,
    )


@cache
def difference_desk() -> DifferenceDesk[ReconcilingTransaction]:
    from volexswarm.adapters.postgres.reconciliation import ReconcilingTransaction
    from volexswarm.execution.differences import DifferenceDesk

    return DifferenceDesk(store=_store(ReconcilingTransaction), clock=clock())


@cache
def acceptance() -> Acceptance[ReconcilingTransaction]:
    from volexswarm.adapters.postgres.reconciliation import ReconcilingTransaction
    from volexswarm.execution.differences import Acceptance

    return Acceptance(
        store=_store(ReconcilingTransaction),
        compare=lambda account: reconciler(account).reconcile("demand"),
        record=_record(),
        clock=clock(),
    )


@cache
def execution_agent() -> ExecutionAgent[ExecutionTransaction]:
    from volexswarm.execution.agent import ExecutionAgent

    return ExecutionAgent(store=_execution_store(), orders=orders, slicer=slicer(), record=_record(), clock=clock())


@cache
def slicer() -> Slicer[SlicingTransaction]:
    from volexswarm.adapters.postgres.slicing import SlicingTransaction
    from volexswarm.execution.slicing import Slicer

    return Slicer(store=_store(SlicingTransaction), orders=orders, exchange=exchange, record=_record(), clock=clock())


def _halting_store() -> PostgresStore[HaltingTransaction]:
    from volexswarm.adapters.postgres.halting import HaltingTransaction

    return _store(HaltingTransaction)


@cache
def halting() -> Halting[ExecutionTransaction]:
    from volexswarm.execution.halting import Halting, Way

    s = settings()
    return Halting(
        store=_halting_store(),
        way=lambda account: Way(orders(account), exchange(account)),
        clock=clock(),
        venue=s.venue,
        symbols=s.symbols,
        currency=s.valuation_currency,
    )


def accounts() -> Sequence[str]:
    """Every account that trades or has books. Raises Unavailable."""
    with _halting_store().transaction() as tx:
        return tx.accounts_at(settings().venue)


@cache
def portfolio_agent(account: str) -> PortfolioAgent:
    from volexswarm.adapters.postgres.portfolio import PortfolioTransaction
    from volexswarm.portfolio.agent import PortfolioAgent

    s = settings()
    return PortfolioAgent(
        store=_store(PortfolioTransaction),
        exchange=exchange(account),
        quotes=quotes(),
        clock=clock(),
        account=account,
        venue=s.venue,
        mode=mode_of(account),
        valuation_currency=s.valuation_currency,
        symbols=s.symbols,
        quote_max_age=timedelta(seconds=s.quote_max_age),
    )


@cache
def research_agent() -> ResearchAgent:
    from volexswarm.adapters.postgres.research import ResearchTransaction
    from volexswarm.research.agent import ResearchAgent
    from volexswarm.research.pictures import Photographer

    s = settings()
    return ResearchAgent(
        store=_store(ResearchTransaction),
        photographer=Photographer(s.symbols, s.timeframes),
        quotes=quotes(),
        clock=clock(),
        symbols=s.symbols,
        quote_max_age=timedelta(seconds=s.quote_max_age),
    )


@cache
def news_agent() -> NewsAgent:
    from volexswarm.adapters.postgres.news import NewsTransaction
    from volexswarm.news.agent import NewsAgent
    from volexswarm.news.scoring import crypto_scorer

    s = settings()
    return NewsAgent(
        store=_store(NewsTransaction), scorer=crypto_scorer(), clock=clock(), venue=s.venue, symbols=s.symbols
    )


@cache
def strategy_agent() -> StrategyAgent:
    from volexswarm.adapters.postgres.playbook import PlaybookTransaction
    from volexswarm.playbook.agent import StrategyAgent

    return StrategyAgent(_store(PlaybookTransaction), clock())


@cache
def backtest_agent() -> BacktestAgent:
    from volexswarm.adapters.postgres.backtest import BacktestTransaction
    from volexswarm.backtest.agent import BacktestAgent

    return BacktestAgent(_store(BacktestTransaction), clock())


@cache
def optimize_agent() -> OptimizeAgent:
    from volexswarm.adapters.postgres.optimization import OptimizationTransaction
    from volexswarm.optimize.agent import OptimizeAgent

    return OptimizeAgent(store=_store(OptimizationTransaction), clock=clock(), seconds_left=call_time())


@cache
def discovery_agent() -> DiscoveryAgent:
    from volexswarm.adapters.postgres.discovery import DiscoveryTransaction
    from volexswarm.discovery.agent import DiscoveryAgent

    return DiscoveryAgent(
        store=_store(DiscoveryTransaction), searcher=optimize_agent(), drafts=strategy_agent(), clock=clock()
    )


@cache
def signal_voice() -> SignalVoice:
    from volexswarm.adapters.postgres.signals import SignalsTransaction
    from volexswarm.signals.voice import SignalVoice

    return SignalVoice(_store(SignalsTransaction))


@cache
def risk_voice() -> RiskVoice:
    from volexswarm.risk.voice import RiskVoice

    return RiskVoice(oversight(), quotes())


@cache
def compliance_voice() -> ComplianceVoice:
    from volexswarm.adapters.postgres.compliance import ComplianceTransaction
    from volexswarm.compliance.voice import ComplianceVoice

    max_age = timedelta(seconds=settings().quote_max_age)
    return ComplianceVoice(
        store=_store(ComplianceTransaction),
        agent=compliance_agent(),
        quotes=quotes(),
        clock=clock(),
        quote_max_age=max_age,
    )


@cache
def portfolio_voice() -> PortfolioVoice:
    from volexswarm.adapters.postgres.portfolio import PortfolioTransaction
    from volexswarm.portfolio.voice import PortfolioVoice

    s = settings()
    return PortfolioVoice(
        store=_store(PortfolioTransaction),
        quotes=quotes(),
        clock=clock(),
        currency=s.valuation_currency,
        symbols=s.symbols,
        quote_max_age=timedelta(seconds=s.quote_max_age),
    )


@cache
def monitor_agent() -> MonitorAgent:
    from volexswarm.adapters.postgres.monitor import MonitorTransaction
    from volexswarm.monitor.agent import MonitorAgent

    return MonitorAgent(store=_store(MonitorTransaction), outbox=relay(), probes=_probes(), clock=clock())


def _probes() -> list[Probe]:
    from volexswarm.adapters import probes
    from volexswarm.adapters.redis_quotes import client

    return [
        probes.DatabaseProbe(database()),
        probes.RedisProbe(client(settings().redis_url)),
        probes.VaultProbe(vault()),
        probes.QueuesProbe(queue_desk()),
        probes.DeadLettersProbe(queue_desk()),
        feed_probe(),
        probes.ExchangeProbe(*_feed()),
    ]


def _feed() -> tuple[QuoteBoard, Clock, str, Sequence[str], timedelta]:
    """By which the feed's life is told."""
    s = settings()
    return quotes(), clock(), s.venue, s.symbols, timedelta(seconds=s.quote_max_age)


def dependencies(name: str) -> Sequence[Probe]:
    """A look at each part that the function works with, as the registry describes it."""
    from volexswarm.adapters import probes
    from volexswarm.adapters.redis_quotes import client
    from volexswarm.agents import registered

    s, function = settings(), registered(name)
    queues = [*([function.queue] if function.queue else []), *function.sends]
    found: list[Probe] = [
        probes.DatabaseProbe(database()),
        probes.RedisProbe(client(s.redis_url)),
        probes.VaultProbe(vault()),
    ]
    if queues:
        found.append(probes.OwnQueuesProbe(s.stack, queues))
    if function.trades:
        found.append(probes.VenueProbe(exchange(s.account), s.venue))
    return found


@cache
def run_log() -> RunLog:
    from volexswarm.adapters.redis_runs import RedisRunLog

    return RedisRunLog(settings().redis_url, settings().stack)


@cache
def health_line() -> HealthLine:
    from chalicelib.runtime import health
    from volexswarm.adapters.health_line import LambdaHealthLine

    return LambdaHealthLine(f"{settings().stack}-api", dict(health.QUESTION))


def feed_probe() -> Probe:
    """A look at the feed's container by what it writes."""
    from volexswarm.adapters import probes
    from volexswarm.adapters.postgres.monitor import FeedProgress

    return probes.RealtimeProbe(*_feed(), FeedProgress(database()))


@cache
def token_verifier() -> TokenVerifier:
    from volexswarm.security.tokens import TokenVerifier

    return TokenVerifier(vault(), clock())


@cache
def _update_log() -> UpdateLog:
    from volexswarm.adapters.redis_pushes import RedisUpdateLog
    from volexswarm.adapters.redis_quotes import client

    return RedisUpdateLog(client(settings().redis_url))


@cache
def _tickets() -> Tickets:
    from volexswarm.adapters.redis_pushes import RedisTickets
    from volexswarm.adapters.redis_quotes import client

    return RedisTickets(client(settings().redis_url))


@cache
def ticket_office() -> TicketOffice:
    from volexswarm.push.tickets import TicketOffice

    return TicketOffice(_tickets(), clock())


def _push_store() -> PostgresStore[Any]:
    from volexswarm.adapters.postgres.push import PushTransaction

    return _store(PushTransaction)


@cache
def outlet() -> Outlet:
    from volexswarm.adapters.push_gateway import ApiGatewayOutlet

    return ApiGatewayOutlet(settings().push_url)


@cache
def _push_limits() -> Limits:
    from volexswarm.push.model import Limits

    return Limits()


@cache
def gate() -> Gate:
    from volexswarm.push.gate import Gate

    return Gate(
        store=_push_store(), verifier=token_verifier(), tickets=_tickets(), clock=clock(), limits=_push_limits()
    )


@cache
def courier() -> Courier:
    from chalicelib.api.twins import ApiSnapshots, told
    from volexswarm.push.courier import Courier

    return Courier(
        store=_push_store(),
        log=_update_log(),
        outlet=outlet(),
        snapshots=ApiSnapshots(),
        clock=clock(),
        limits=_push_limits(),
        describe=told,
    )


@cache
def broadcaster() -> Broadcaster:
    from volexswarm.push.broadcaster import Broadcaster

    def is_simulated(account: str | None) -> bool:
        return (settings().mode if account is None else mode_of(account)) != "live"

    return Broadcaster(
        store=_push_store(), log=_update_log(), courier=courier(), clock=clock(), is_simulated=is_simulated
    )


@cache
def connection_keeper() -> ConnectionKeeper:
    from volexswarm.push.keeper import ConnectionKeeper

    return ConnectionKeeper(
        store=_push_store(),
        log=_update_log(),
        outlet=outlet(),
        courier=courier(),
        clock=clock(),
        limits=_push_limits(),
    )


@cache
def subscription_desk() -> SubscriptionDesk:
    from chalicelib.api.twins import ApiCommands, ApiSnapshots, told
    from volexswarm.adapters.redis_pushes import RedisPace
    from volexswarm.adapters.redis_quotes import client
    from volexswarm.push.desk import Parts, SubscriptionDesk

    parts = Parts(
        store=_push_store(),
        log=_update_log(),
        outlet=outlet(),
        courier=courier(),
        snapshots=ApiSnapshots(),
        commands=ApiCommands(),
        verifier=token_verifier(),
        pace=RedisPace(client(settings().redis_url)),
        clock=clock(),
        limits=_push_limits(),
        describe=told,
    )
    return SubscriptionDesk(parts)


@cache
def login() -> Login:
    from volexswarm.adapters.redis_attempts import RedisAttempts
    from volexswarm.adapters.redis_quotes import client
    from volexswarm.security.login import Login
    from volexswarm.security.tokens import TokenIssuer

    return Login(vault(), RedisAttempts(client(settings().redis_url)), TokenIssuer(vault(), clock()))


@cache
def trading_desk() -> TradingDesk:
    from volexswarm.adapters.postgres.desk import DeskTransaction
    from volexswarm.desk.agent import TradingDesk

    s = settings()
    max_age = timedelta(seconds=s.quote_max_age)
    return TradingDesk(
        _store(DeskTransaction), quotes(), clock(), venue=s.venue, symbols=s.symbols, quote_max_age=max_age
    )


def _deliberation_store() -> PostgresStore[Any]:
    from volexswarm.adapters.postgres.deliberation import DeliberationTransaction

    return _store(DeliberationTransaction)


@cache
def model_voices() -> ModelVoices:
    from volexswarm.deliberation.models.factory import ModelVoices
    from volexswarm.deliberation.policies import speak

    return ModelVoices(settings(), vault(), speak)


@cache
def coordinator() -> EnhancedAgentCoordinator:
    from volexswarm.deliberation.autogen_runner import AutoGenTeam
    from volexswarm.deliberation.coordinator import EnhancedAgentCoordinator

    voices = model_voices()
    return EnhancedAgentCoordinator(
        store=_deliberation_store(),
        clock=clock(),
        team=lambda choice, ledger: AutoGenTeam(voices, choice, budget=ledger, tape=ledger),
        choice=voices.choice,
    )


@cache
def calibration() -> Calibration:
    from volexswarm.deliberation.judgement import Calibration

    return Calibration(_deliberation_store(), clock())


@cache
def replayer() -> Replayer:
    from volexswarm.deliberation.replay import Replayer

    return Replayer(_deliberation_store())


@cache
def deliberation_reader() -> DeliberationReader:
    from volexswarm.adapters.postgres.readers.deliberation import PostgresDeliberationReader

    return PostgresDeliberationReader(database())


@cache
def step_record() -> StepRecord:
    from volexswarm.adapters.postgres.task_steps import TaskStepTransaction
    from volexswarm.tasks.record import StepRecord

    return StepRecord(_store(TaskStepTransaction), clock())


def _task_store() -> PostgresStore[Any]:
    from volexswarm.adapters.postgres.tasks import TaskTransaction

    return _store(TaskTransaction)


@cache
def _flows() -> Flows:
    from volexswarm.adapters.step_functions import StepFunctions

    return StepFunctions(settings().task_machine)


@cache
def _trader() -> Trader:
    from volexswarm.adapters.task_trader import DeskTrader

    return DeskTrader(trading_desk(), trading_reader)


@cache
def _task_account() -> Account:
    from volexswarm.adapters.postgres.risk import RiskTransaction
    from volexswarm.adapters.task_account import RiskAccount

    s = settings()
    return RiskAccount(_store(RiskTransaction), risk_inquiry(), s.venue, s.timeframes)


@cache
def task_desk() -> TaskDesk:
    """Where tasks are submitted, confirmed, canceled and tried again, and approvals decided."""
    from volexswarm.tasks.desk import TaskDesk
    from volexswarm.tasks.understanding import Markets

    s = settings()
    return TaskDesk(
        store=_task_store(),
        flows=_flows(),
        trader=_trader(),
        clock=clock(),
        markets=Markets(s.symbols, s.valuation_currency),
        interpreter=None if s.model_provider == "policy" else _interpreter(),
    )


def _interpreter() -> Interpreter:
    from volexswarm.adapters.interpreting import LambdaInterpreter

    return LambdaInterpreter(f"{settings().stack}-api")


@cache
def dispatcher() -> Dispatcher:
    from volexswarm.tasks.dispatch import Dispatcher

    return Dispatcher(store=_task_store(), flows=_flows(), clock=clock())


@cache
def task_upkeep() -> Upkeep:
    from volexswarm.tasks.upkeep import Upkeep

    return Upkeep(store=_task_store(), flows=_flows(), trader=_trader(), clock=clock())


@cache
def task_schedules() -> Schedules:
    from volexswarm.tasks.schedules import Schedules

    return Schedules(store=_task_store(), desk=task_desk(), clock=clock(), symbols=settings().symbols)


@cache
def task_steps() -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
    """The steps of a task's flow that are no specialist's, by their names in the state machine."""
    from volexswarm.adapters.task_previews import AgentPreviews
    from volexswarm.tasks.asking import Asking
    from volexswarm.tasks.ending import Ending
    from volexswarm.tasks.prepare import Preparation
    from volexswarm.tasks.previewing import Previewing
    from volexswarm.tasks.proposal import Proposal
    from volexswarm.tasks.raising import Raising
    from volexswarm.tasks.reporting import Reporting

    store = _task_store()
    previews = AgentPreviews(trading_desk(), risk_agent(), compliance_agent())
    previewing = Previewing(store=store, previews=previews)
    raising = Raising(store=store, trader=_trader(), clock=clock())
    ending = Ending(store=store, clock=clock())
    return {
        "prepare": Preparation(
            store=store,
            account=_task_account(),
            clock=clock(),
            router=task_router(),
        ).prepare,
        "propose": Proposal(store=store, account=_task_account()).propose,
        "risk": previewing.risk,
        "compliance": previewing.compliance,
        "appraise": previewing.appraise,
        "approval": Asking(store=store, flows=_flows(), clock=clock()).ask,
        "execute": raising.execute,
        "settle": raising.settle,
        "report": Reporting(store=store, clock=clock(), currency=settings().valuation_currency).report,
        "explain": ending.explain,
        "notify": ending.notify,
        "fail": ending.fail,
    }


@cache
def task_router() -> Router:
    """Who is asked about a task, and by what weight."""
    from volexswarm.tasks.router import Router

    return Router(store=_task_store(), clock=clock(), calibration=_calibration)


def _calibration() -> Mapping[str, float]:
    """How well each agent's opinions turned out, 0 to 1; nothing of those whose outcomes are not known."""
    from volexswarm.deliberation.calibration import weight

    with _deliberation_store().transaction() as tx:
        records = tx.track_records()
    # who foretells better than chance is no better asked than who has not been judged
    return {role: min(1.0, weight(record)) for role, record in records.items()}


@cache
def kill_switch() -> KillSwitch:
    from volexswarm.adapters.postgres.control import ControlTransaction
    from volexswarm.control.kill_switch import KillSwitch

    return KillSwitch(_store(ControlTransaction), clock())


@cache
def mode_switch() -> ModeSwitch:
    from volexswarm.adapters.postgres.control import ControlTransaction
    from volexswarm.control.mode_switch import ModeSwitch

    s = settings()
    return ModeSwitch(_store(ControlTransaction), clock(), venue=s.venue, account=s.account, environment=s.mode)


@cache
def control_reader() -> ControlReader:
    from volexswarm.adapters.postgres.readers.control import PostgresControlReader

    return PostgresControlReader(database(), settings())


def task_reader() -> TaskReader:
    from volexswarm.adapters.postgres.readers.tasks import PostgresTaskReader

    return PostgresTaskReader(database(), simulated=scope().simulated, prices=_present_prices())


@cache
def _present_prices() -> PresentPrices:
    from volexswarm.adapters.present_prices import PresentPrices
    from volexswarm.board import BoardReader

    s = settings()
    return PresentPrices(BoardReader(quotes(), clock(), timedelta(seconds=s.quote_max_age)), s.venue)


def scope() -> Scope:
    """Whose books are shown: asked for anew each time, as the mode may have been switched. Raises Unavailable."""
    from volexswarm.adapters.postgres.readers.scope import Scope

    return Scope.in_force(database(), settings())


def swarm_reader() -> SwarmReader:
    from volexswarm.adapters.postgres.readers.swarm import PostgresSwarmReader

    return PostgresSwarmReader(database(), scope(), clock())


def books_reader() -> PostgresBooksReader:
    from volexswarm.adapters.postgres.readers.books import PostgresBooksReader

    return PostgresBooksReader(database(), scope(), settings().symbols)


def performance_reader() -> PerformanceReader:
    from volexswarm.adapters.postgres.readers.performance import PostgresPerformanceReader

    return PostgresPerformanceReader(database(), scope())


def trading_reader() -> PostgresTradingReader:
    from volexswarm.adapters.postgres.readers.trading import PostgresTradingReader

    return PostgresTradingReader(database(), scope())


def candle_reader() -> CandleReader:
    from volexswarm.adapters.postgres.readers.market import PostgresCandleReader

    return PostgresCandleReader(database(), scope())


def story_reader() -> StoryReader:
    from volexswarm.adapters.postgres.readers.story import PostgresStoryReader

    return PostgresStoryReader(database(), scope(), trading_reader(), books_reader(), protection_reader())


def protection_reader() -> PostgresProtectionReader:
    from volexswarm.adapters.postgres.readers.protections import PostgresProtectionReader

    return PostgresProtectionReader(database(), scope())


def research_reader() -> ResearchReader:
    from volexswarm.adapters.postgres.readers.research import PostgresResearchReader

    return PostgresResearchReader(database(), scope())


def study_reader() -> StudyReader:
    from volexswarm.adapters.postgres.readers.studies import PostgresStudyReader

    return PostgresStudyReader(database(), scope())


def reconciliation_reader() -> ReconciliationReader:
    from volexswarm.adapters.postgres.readers.reconciliation import PostgresReconciliationReader

    return PostgresReconciliationReader(database(), scope())


def compliance_reader() -> ComplianceReader:
    from volexswarm.adapters.postgres.readers.compliance import PostgresComplianceReader

    return PostgresComplianceReader(database(), scope())


@cache
def policy_reader() -> PolicyReader:
    from volexswarm.adapters.postgres.readers.policies import PostgresPolicyReader

    return PostgresPolicyReader(database())


def time_machine() -> PostgresTimeMachine:
    from volexswarm.adapters.postgres.readers.whatif import PostgresTimeMachine

    return PostgresTimeMachine(database(), scope())


@cache
def audit_reader() -> AuditReader:
    from volexswarm.adapters.postgres.readers.audit import PostgresAuditReader

    return PostgresAuditReader(database())


@cache
def queue_desk() -> QueueDesk:
    from volexswarm.adapters.dead_letters import SqsQueueDesk

    return SqsQueueDesk(settings().stack)


@cache
def function_logs() -> FunctionLogs:
    from volexswarm.adapters.function_logs import CloudWatchFunctionLogs

    return CloudWatchFunctionLogs(f"{settings().stack}-api", clock())
