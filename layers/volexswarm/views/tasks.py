"""Tasks as people see them: what was asked, how it was understood, each status and step with its times, and what came of it."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime

from volexswarm.messages import Money, Priority, Ruling, Side, TaskKind, TaskStatus
from volexswarm.views.shape import View


class Task(View):
    """One task. `reason` says why it is in its status; `understood` what was read out of `words`, null if it came typed.

    `confirm_by` is set while its author must say that this was meant. `moves_money`: it may trade.
    """

    id: str
    kind: TaskKind
    priority: Priority
    status: TaskStatus
    attempt: int
    requested_by: str
    words: str | None
    understood: str
    ignored: list[str]
    request: dict[str, Any]
    symbols: list[str]
    depends_on: list[str]
    moves_money: bool
    reason: str
    deadline: AwareDatetime | None
    confirm_by: AwareDatetime | None
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class TaskTransition(View):
    """A change of status: by whom, and why."""

    attempt: int
    before: TaskStatus | None
    after: TaskStatus
    actor: str
    reason: str
    changed_at: AwareDatetime


class TaskStep(View):
    """A step of the state machine, on one symbol or on the whole task (`symbol` null). `runs` counts interrupted ones, too.

    `seconds` from its beginning to its end, null while it runs; `input` and `output` as they were.
    """

    attempt: int
    step: str
    symbol: str | None
    function: str
    status: str
    detail: str
    runs: int
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    seconds: float | None
    input: dict[str, Any]
    output: dict[str, Any] | None


class AskedTrade(View):
    """A trade that a person is asked to approve, decided at `price`; prices are the market's middle, in quote currency.

    Beyond `worst_price` it is not ordered, approved or not. `market` is the present price, and `drift` the share of `price` by
    which that is worse (below 0: better); both null where no fresh price is known.
    """

    symbol: str
    side: Side
    amount: Money
    price: Money
    worst_price: Money
    market: Money | None = None
    drift: Money | None = None


class Approval(View):
    """What a person is asked about a task. `verdict` is null while nobody has spoken; nobody speaking by `expires_at` is a no."""

    id: str
    task_id: str
    attempt: int
    understood: str
    requested_by: str
    question: str
    reasons: list[str]
    trades: list[AskedTrade]
    asked_at: AwareDatetime
    expires_at: AwareDatetime
    verdict: str | None
    actor: str | None
    reason: str | None
    decided_at: AwareDatetime | None


class TaskOrder(View):
    """An order that came of a task's trade; `cost` in quote currency of what is filled."""

    id: str
    state: str
    amount: Money
    filled: Money
    cost: Money
    reason: str | None


class TaskFill(View):
    """A fill; `slippage` as a share of the decision price."""

    order_id: str
    price: Money
    amount: Money
    fee: Money
    fee_currency: str
    slippage: Money | None


class TaskTrade(View):
    """A trade that an attempt decided on, and what became of it. `share` of the equity, sized at `price`.

    It is not ordered once the market is beyond `worst_price`, or in another `mode` of trading.

    `refusal`: why it could not even be asked for; `refused`: who refused it then, and why; `working` while anything may happen.
    """

    leg: int
    symbol: str
    side: Side
    amount: Money
    price: Money
    worst_price: Money
    share: Money
    why: str
    mode: str
    signal_id: str | None
    refusal: str | None
    refused: str | None
    working: bool
    filled: Money
    cost: Money
    orders: list[TaskOrder]
    fills: list[TaskFill]


class TaskCost(View):
    """What the present attempt's deliberations took of a model; `usd` by its price."""

    calls: int
    tokens: int
    usd: float


class TaskStory(View):
    """All of a task: its transitions and steps of every attempt; approval, rulings, trades and cost of the present one.

    The transcript of a ruling is `GET /deliberations/{id}` with its `deliberation_id`.
    """

    task: Task
    explanation: list[str]
    transitions: list[TaskTransition]
    steps: list[TaskStep]
    approval: Approval | None
    rulings: list[Ruling]
    trades: list[TaskTrade]
    cost: TaskCost
    simulated: bool


class TaskTaken(View):
    """The answer to a submission. `repeated`: the same had been submitted under this key, nothing was done.

    `next` says in words what the author does now.
    """

    task: Task
    repeated: bool
    next: str


class TaskCanceled(View):
    """A canceled task, and what it had done until then, in words; `done` is empty when it was nothing."""

    task: Task
    done: list[str]
