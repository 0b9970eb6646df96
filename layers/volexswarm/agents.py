"""The registry: every agent, what wakes it, what it emits. The API, the template, the page and the tests read this list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from volexswarm.messages import Queue

TOLD = (Queue.EVENTS, Queue.PUSHES)
"""Where every event goes beside its own queue: to the monitor, and to people who watch."""


class Role(StrEnum):
    CORE = "core"
    SUPPORT = "support"


class Layer(StrEnum):
    """Third-party layers, built from `layers/<name>/requirements.txt`."""

    BASE = "base"
    ANALYTICS = "analytics"
    EXCHANGE = "exchange"
    AUTOGEN = "autogen"


class Invoker(StrEnum):
    """A service that calls a function itself, with an event that its code defines, and waits for the answer."""

    STATES = "states"
    """A Step Functions state machine of `statemachines/`."""
    WEBSOCKET = "websocket"
    """The WebSocket API: every route of it."""
    API = "api"
    """The functions of the HTTP and the WebSocket API, for an answer that they can't give without another layer."""


@dataclass(frozen=True)
class Function:
    """One Lambda function.

    `name` as in Chalice; `queue`, `schedule` (EventBridge expression, UTC) or `invoked_by` wakes it; `batch_size` messages per
    call; `memory` in MB, `timeout` in seconds; `concurrency` caps parallel calls of the queue's mapping (at least 2, as SQS
    wants); `sends` the queues it may send to; `runs` the state machines whose executions it may start, stop and describe, and
    whose waiting tasks it may answer; `calls` the functions that it may call for an answer; `pushes` whether it may write to
    WebSocket connections and close them; `trades` whether it speaks to the exchange, and may read our keys there.
    """

    name: str
    purpose: str
    layers: tuple[Layer, ...] = (Layer.BASE,)
    queue: Queue | None = None
    batch_size: int = 10
    schedule: str | None = None
    invoked_by: Invoker | None = None
    memory: int = 512
    timeout: int = 20
    concurrency: int | None = None
    sends: tuple[Queue, ...] = ()
    runs: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    pushes: bool = False
    trades: bool = False


@dataclass(frozen=True)
class Agent:
    """A member of the swarm. `functions` is empty while the agent has none deployed: the API says so."""

    name: str
    title: str
    role: Role
    purpose: str
    functions: tuple[Function, ...] = ()
    container: str | None = None
    emits: tuple[str, ...] = ()

    @property
    def is_deployed(self) -> bool:
        return bool(self.functions) or self.container is not None


REALTIME_DATA = Agent(
    "realtime-data",
    "Real-time data agent",
    Role.SUPPORT,
    "Feeds exchange ticks into the queues, keeps candles and quotes.",
    container="realtime-data",
    functions=(
        Function(
            "market-data",
            "Stores trades once, builds and closes candles, watches prices.",
            queue=Queue.TICKS,
            concurrency=4,
            sends=(Queue.CANDLES, Queue.ORDERS, *TOLD),
        ),
    ),
    emits=("CandleClosed", "CandleCorrected", "PriceReached"),
)
SIGNAL = Agent(
    "signal",
    "Signal agent",
    Role.CORE,
    "Runs the active strategies on every closed candle.",
    functions=(
        Function(
            "signal",
            "Indicators and strategies over the candle window.",
            (Layer.BASE, Layer.ANALYTICS),
            queue=Queue.CANDLES,
            memory=1024,
            concurrency=2,
            sends=(Queue.SIGNALS, *TOLD),
        ),
        Function(
            "signal-voice",
            "Says what indicators and strategies see in a symbol.",
            (Layer.BASE, Layer.ANALYTICS),
            invoked_by=Invoker.STATES,
            memory=1024,
            sends=TOLD,
        ),
    ),
    emits=("SignalRaised",),
)
RISK = Agent(
    "risk",
    "Risk agent",
    Role.CORE,
    "Sizes every trade and holds it against the limits.",
    functions=(
        Function("risk", "Sizing and limits.", queue=Queue.SIGNALS, concurrency=2, sends=(Queue.PROPOSALS, *TOLD)),
        Function(
            "risk-voice",
            "Says whether a trade would pass, and what room the limits leave.",
            invoked_by=Invoker.STATES,
            sends=TOLD,
        ),
    ),
    emits=("TradeProposed", "TradeRefused", "BreakerChanged"),
)
COMPLIANCE = Agent(
    "compliance",
    "Compliance agent",
    Role.CORE,
    "Holds every proposal against the desk's rules.",
    functions=(
        Function(
            "compliance",
            "Rules of the desk.",
            queue=Queue.PROPOSALS,
            concurrency=2,
            sends=(Queue.ORDERS, *TOLD),
        ),
        Function(
            "compliance-voice",
            "Says whether the desk's rules would let a trade pass.",
            invoked_by=Invoker.STATES,
            sends=TOLD,
        ),
    ),
    emits=("OrderApproved", "TradeRefused", "FlagChanged"),
)
EXECUTION = Agent(
    "execution",
    "Execution agent",
    Role.CORE,
    "Places orders once, applies fills once, keeps the books.",
    functions=(
        Function(
            "execution-orders",
            "Places approved orders, slices and ways out of positions.",
            (Layer.BASE, Layer.EXCHANGE),
            queue=Queue.ORDERS,
            batch_size=1,
            memory=768,
            timeout=30,
            sends=(Queue.ORDERS, *TOLD),
            trades=True,
        ),
        Function(
            "execution-fills",
            "Applies fills to orders, ledger and positions.",
            (Layer.BASE, Layer.EXCHANGE),
            queue=Queue.FILLS,
            sends=(Queue.ORDERS, *TOLD),
        ),
        Function(
            "execution-keeper",
            "Opens the account, resolves orders without an answer, guards positions, values the books.",
            (Layer.BASE, Layer.EXCHANGE),
            schedule="rate(1 minute)",
            memory=768,
            timeout=120,
            sends=(Queue.ORDERS, *TOLD),
            trades=True,
        ),
        Function(
            "portfolio-voice",
            "Says what the account holds and how it fares.",
            invoked_by=Invoker.STATES,
            sends=TOLD,
        ),
    ),
    emits=(
        *("AccountOpened", "OrderChanged", "FillRecorded", "ReviewProtections", "ProtectionChanged"),
        *("DifferenceFound", "DifferenceSettled", "TransferRecorded", "EquityTaken", "HaltSettled"),
    ),
)
MONITOR = Agent(
    "monitor",
    "Monitor agent",
    Role.SUPPORT,
    "Watches every part, counts every event, sends again what was not sent.",
    functions=(
        Function("monitor-events", "Counts events by agent.", queue=Queue.EVENTS, concurrency=2),
        Function(
            "monitor-keeper",
            "Checks health, republishes the outbox.",
            schedule="rate(1 minute)",
            timeout=50,
            sends=tuple(Queue),
        ),
    ),
)
META = Agent(
    "meta",
    "Meta agent",
    Role.SUPPORT,
    "Coordinates task flows and the team's deliberation.",
    functions=(
        Function(
            "meta-tasks",
            "Starts tasks by priority, as there is room.",
            queue=Queue.TASKS,
            concurrency=2,
            timeout=30,
            sends=(Queue.TASKS, *TOLD),
            runs=("task",),
        ),
        Function(
            "meta-steps",
            "Does the steps of a task that are no specialist's.",
            invoked_by=Invoker.STATES,
            timeout=30,
            sends=(Queue.TASKS, Queue.SIGNALS, Queue.ORDERS, *TOLD),
            runs=("task",),
        ),
        Function(
            "meta-keeper",
            "Looks after tasks that wait, and submits what is scheduled.",
            schedule="rate(1 minute)",
            timeout=50,
            sends=(Queue.TASKS, Queue.ORDERS, *TOLD),
            runs=("task",),
        ),
        Function(
            "meta-read",
            "Has a model, where one is configured, read what people ask for in their own words.",
            (Layer.BASE, Layer.AUTOGEN),
            invoked_by=Invoker.API,
            memory=1024,
            timeout=24,
        ),
        Function(
            "meta-deliberate",
            "Has the team deliberate on a question, and computes its ruling.",
            (Layer.BASE, Layer.AUTOGEN),
            invoked_by=Invoker.STATES,
            memory=1024,
            timeout=120,
            sends=TOLD,
        ),
        Function(
            "meta-broadcast",
            "Numbers what happens and brings it to everybody who watches.",
            queue=Queue.PUSHES,
            timeout=10,
            pushes=True,
        ),
        Function(
            "meta-websocket",
            "Lets people in who want to watch, and answers what they say.",
            invoked_by=Invoker.WEBSOCKET,
            timeout=29,
            sends=tuple(Queue),
            runs=("task",),
            calls=("meta-read",),
            pushes=True,
        ),
    ),
    emits=(
        *("TaskChanged", "TaskStepped", "ApprovalAsked", "ApprovalDecided"),
        *("OpinionGiven", "DeliberationConcluded"),
    ),
)
RESEARCH = Agent(
    "research",
    "Research agent",
    Role.CORE,
    "Collects and judges market information.",
    functions=(
        Function(
            "research",
            "Says what a market is like, and writes reports.",
            invoked_by=Invoker.STATES,
            sends=TOLD,
        ),
    ),
    emits=("MarketReported",),
)
STRATEGY = Agent(
    "strategy",
    "Strategy agent",
    Role.CORE,
    "Keeps strategies, their parameters and their life.",
    functions=(
        Function(
            "strategy",
            "Says what the active strategies hold of a symbol.",
            invoked_by=Invoker.STATES,
            sends=TOLD,
        ),
    ),
    emits=("StrategyChanged",),
)
BACKTEST = Agent(
    "backtest",
    "Backtest agent",
    Role.SUPPORT,
    "Runs strategies over history.",
    functions=(
        Function(
            "backtest",
            "A strategy over stored candles, with costs, stops and sizes as they trade.",
            (Layer.BASE, Layer.ANALYTICS),
            invoked_by=Invoker.STATES,
            memory=1024,
            timeout=300,
            sends=TOLD,
        ),
    ),
)
OPTIMIZE = Agent(
    "optimize",
    "Optimize agent",
    Role.SUPPORT,
    "Searches parameters by walking forward through history.",
    functions=(
        Function(
            "optimize",
            "Tries parameters by backtests, and judges the best on candles that were not searched.",
            (Layer.BASE, Layer.ANALYTICS),
            invoked_by=Invoker.STATES,
            memory=1024,
            timeout=300,
            sends=TOLD,
        ),
    ),
    emits=("JobProgressed",),
)
NEWS = Agent(
    "news-sentiment",
    "News sentiment agent",
    Role.SUPPORT,
    "Reads and scores the news.",
    functions=(
        Function(
            "news-sentiment",
            "Says what the headlines of the last days amount to.",
            invoked_by=Invoker.STATES,
            sends=TOLD,
        ),
    ),
    emits=("NewsRecorded",),
)
DISCOVERY = Agent(
    "strategy-discovery",
    "Strategy discovery agent",
    Role.SUPPORT,
    "Looks for strategies that may be worth a trial.",
    functions=(
        Function(
            "strategy-discovery",
            "Searches every template on each market, and drafts the best.",
            (Layer.BASE, Layer.ANALYTICS),
            invoked_by=Invoker.STATES,
            memory=1024,
            timeout=300,
            sends=TOLD,
        ),
    ),
    emits=("JobProgressed", "StrategyChanged"),
)

AGENTS: tuple[Agent, ...] = (
    RESEARCH,
    SIGNAL,
    EXECUTION,
    RISK,
    STRATEGY,
    COMPLIANCE,
    META,
    MONITOR,
    BACKTEST,
    OPTIMIZE,
    NEWS,
    DISCOVERY,
    REALTIME_DATA,
)
"""All thirteen."""

API_FUNCTION = Function(
    "api-handler",
    "The HTTP API.",
    memory=512,
    timeout=29,
    sends=tuple(Queue),
    runs=("task",),
    calls=("meta-read",),
)
AUTHORIZER_FUNCTION = Function("authorizer", "Checks the bearer token of every HTTP call.", memory=256, timeout=10)


def registered(name: str) -> Function:
    """The registry's entry of a function; KeyError if there is none."""
    return {function.name: function for function in functions()}[name]


def functions() -> tuple[Function, ...]:
    """Every Lambda function of the stack."""
    return (API_FUNCTION, AUTHORIZER_FUNCTION, *(function for agent in AGENTS for function in agent.functions))
