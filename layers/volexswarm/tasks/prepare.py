"""The first step: which questions a task puts to the team, to whom, and within what limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from volexswarm.clock import Clock
from volexswarm.errors import Conflict, Unavailable
from volexswarm.messages import Question, Side, TaskKind
from volexswarm.policies import in_force
from volexswarm.ports import Store
from volexswarm.tasks.model import Task
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.ports import Account, AccountState, TaskTransaction
from volexswarm.tasks.requests import Rebalance, TradeWish
from volexswarm.tasks.router import Router
from volexswarm.tasks.routing import VOICES
from volexswarm.tasks.sizing import Aim, Left, aim_of_target, aim_of_wish

PATIENCE: Final = timedelta(minutes=10)
"""After this the team's answer would be about a market that is gone."""


class Preparation:
    """Turns a task into questions.

    Parameters
    ----------
    store : Store[TaskTransaction]
    account : Account
    clock : Clock
        Wall time.
    router : Router
        Says who is asked.
    """

    def __init__(
        self,
        *,
        store: Store[TaskTransaction],
        account: Account,
        clock: Clock,
        router: Router,
    ) -> None:
        self._store = store
        self._account = account
        self._clock = clock
        self._router = router

    def prepare(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What the flow goes by: kind, request, one question for each market, who is asked, limits, deadline.

        Raises
        ------
        Unavailable
            If the account can't be valued or a market has no price.
        Conflict
            If there is no valid policy, or the account is worth nothing.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            task = tx.task(event["task_id"])
            policy = required_policy(tx)
        weighed = self._router.weights().get(task.kind, {})
        asked = [agent for agent, weight in weighed.items() if weight.asked]
        deadline = min(task.deadline or now + PATIENCE, now + PATIENCE)
        return {
            "kind": task.kind.value,
            "request": task.request.model_dump(mode="json"),
            "legs": [question.model_dump(mode="json") for question in self._questions(task, policy)],
            # as a state machine's paths can name them
            "asked": {agent.replace("-", "_"): agent in asked for agent in VOICES},
            "limits": policy.limits,
            "deadline": deadline.isoformat(),
            "words": f"{task.understood}; asked: {', '.join(asked) or 'nobody'}",
        }

    def _questions(self, task: Task, policy: TasksPolicy) -> list[Question]:
        request = task.request
        if task.kind in (TaskKind.ANALYZE, TaskKind.RESEARCH):
            return [self._question(task, symbol, None, None) for symbol in request.markets]
        if not isinstance(request, TradeWish | Rebalance):
            return []
        account = self._account.state(request.markets)
        if account.equity <= 0:
            raise Conflict(f"account {account.account} is worth nothing: there is nothing to trade with")
        require_prices(account, request.markets)
        return [
            self._question(task, aim.symbol, aim.side, _target(aim, account))
            for aim in aims(task, account, policy)
            if isinstance(aim, Aim)
        ]

    def _question(self, task: Task, symbol: str, wish: Side | None, target: float | None) -> Question:
        outlook = self._account.outlook(symbol)
        return Question(
            task_id=task.id,
            attempt=task.attempt,
            venue=outlook.venue,
            account=outlook.account,
            symbol=symbol,
            timeframe=outlook.timeframe.value,
            wish=wish,
            target_share=target,
            as_of=outlook.as_of,
        )


def aims(task: Task, account: AccountState, policy: TasksPolicy) -> list[Aim | Left]:
    """What a task that moves money comes to in this account, market by market."""
    request = task.request
    if isinstance(request, TradeWish):
        return [aim_of_wish(request, account)]
    assert isinstance(request, Rebalance)  # no other kind moves money
    return [aim_of_target(symbol, request.targets[symbol.split("/")[0]], account, policy) for symbol in request.markets]


def required_policy(tx: TaskTransaction) -> TasksPolicy:
    """The policy in force. Raises Conflict if there is none to be trusted: nothing is done without one."""
    found = in_force(TasksPolicy, tx.newest_policy())
    if found.policy is None:
        raise Conflict(f"{found.check.name}: {found.check.value}, wanted is {found.check.limit}")
    return found.policy


def require_prices(account: AccountState, symbols: tuple[str, ...]) -> None:
    """Raise Unavailable unless each market has a price."""
    without = [
        symbol for symbol in symbols if symbol not in account.prices or symbol.split("/")[0] not in account.worth
    ]
    if without:
        raise Unavailable("market data", f"there is no fresh price of {', '.join(without)}")


def _target(aim: Aim, account: AccountState) -> float:
    """What is held now, and this trade: the team sizes it by what is held, and what is under way would be sized once more."""
    base = aim.symbol.split("/")[0]
    held = account.held.get(base, Decimal(0)) * account.worth[base] / account.equity
    after = held + aim.share if aim.side is Side.BUY else held - aim.share
    return float(min(max(after, Decimal(0)), Decimal(1)))
