"""Runs the policy time machine over the stored decisions, and finds what the trades in question have made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.rows import DictRow
from pydantic import BaseModel

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.readers.policies import bodies, model_of, versions
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.compliance import replay
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.errors import NotFound
from volexswarm.messages import Side, Trade
from volexswarm.portfolio import lots
from volexswarm.ports import Fill
from volexswarm.rulebook import changes as change
from volexswarm.rulebook.desk import Wanted
from volexswarm.rulebook.ports import Body
from volexswarm.rulebook.whatif import Budgets, Decided, Effects, Otherwise, Result, Tally, TimeMachine, Worth
from volexswarm.views import policies as views

AT_ONCE = 2_000

RISK_BUDGETS = Budgets(
    of_trade=frozenset({"risk_per_trade", "volatility_target", "max_trade"}),
    of_whole=frozenset(
        {
            "max_per_symbol",
            "max_per_sector",
            "max_per_cluster",
            "max_gross_exposure",
            "max_net_exposure",
            "max_leverage",
        }
    ),
    least="min_trade",
)

# A refusal by risk leaves no proposal: whose books it was for is not stored, so such decisions of the venue count for all.
_DECISIONS = """
SELECT d.signal_id::text, d.approved, d.policy_version, d.checks, d.as_of, d.decided_at, s.symbol, s.side, s.strategy_id,
       s.amount IS NULL AS sized, p.id::text AS proposal_id, p.order_type, p.amount, p.limit_price, p.trigger_price,
       p.time_in_force, p.reference_price
FROM decisions d JOIN signals s ON s.id = d.signal_id LEFT JOIN proposals p ON p.signal_id = d.signal_id
WHERE d.stage = %(stage)s AND s.venue = %(venue)s AND (p.account IS NULL OR p.account = %(account)s)
  AND (%(since)s::timestamptz IS NULL OR d.as_of >= %(since)s) AND (%(until)s::timestamptz IS NULL OR d.as_of < %(until)s)
ORDER BY d.decided_at, d.signal_id
"""

_TRADES = """
SELECT t.id, t.symbol, t.side, t.strategy_id, t.price, t.as_of, t.planned, t.executed, t.ended_at,
       coalesce(d.decided_at, t.ended_at) AS approved_at
FROM own_trades t
LEFT JOIN proposals p ON p.id::text = t.id
LEFT JOIN decisions d ON d.signal_id = p.signal_id AND d.stage = 'compliance'
WHERE t.venue = %(venue)s AND t.account = %(account)s
"""

_ORDERS = """
SELECT symbol, side, limit_price, as_of, intended_at AS known_at,
       CASE WHEN state IN ('filled', 'canceled', 'rejected', 'expired') THEN updated_at END AS ended_at,
       CASE WHEN purpose IN ('trade', 'slice') THEN sent_at END AS counted_at,
       state = 'canceled' AND filled = 0 AS pulled
FROM orders
WHERE venue = %(venue)s AND account = %(account)s
  AND limit_price IS NOT NULL AND trigger_price IS NULL AND time_in_force IN ('gtc', 'post_only')
"""

_FILLS = """
SELECT trade_id, exchange_order_id, side, price, amount, fee, fee_currency, is_maker, as_of FROM fills
WHERE venue = %(venue)s AND account = %(account)s AND symbol = %(symbol)s
"""

_ENTRIES = """
SELECT o.signal_id::text, o.id::text AS order_id, array_agg(f.trade_id) AS trade_ids
FROM orders o JOIN fills f ON f.order_id = o.id
WHERE o.venue = %(venue)s AND o.account = %(account)s AND o.symbol = %(symbol)s AND o.side = 'buy'
  AND o.purpose IN ('trade', 'slice') AND o.signal_id = ANY(%(signals)s::uuid[])
GROUP BY o.signal_id, o.id ORDER BY o.id
"""

_MARK = "SELECT price FROM trades WHERE venue = %(venue)s AND symbol = %(symbol)s ORDER BY trade_id DESC LIMIT 1"


class PostgresTimeMachine:
    """PolicyTimeMachine over PostgreSQL."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    def what_if(self, name: str, wanted: Wanted, since: datetime | None, until: datetime | None) -> views.WhatIf:
        """What the wanted policy would have decided otherwise in this time (market time); all there is unless said."""
        model = model_of(name)
        with self._database.connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            rows = versions(connection, name)
            if not rows:
                raise NotFound("policy", f"{name}: none has been put in force yet")
            in_force = change.in_full(model, rows[-1]["body"])
            proposed = wanted.on(model, in_force)
            again = self._rules(connection, model, proposed)
            budgets = RISK_BUDGETS if name == "risk" else None
            machine = TimeMachine(in_force, proposed, budgets, replay.SETTINGS if name == "compliance" else ())
            past = self._decisions(connection, name, since, until, bodies(model, rows), again)
            otherwise = [answer for answer in map(machine.ask, past) if answer is not None]
            results = self._results(connection, otherwise)
        effects = Effects()
        for answer in otherwise:
            effects.add(answer, results.get(answer.decided.signal_id))
        return views.WhatIf(
            name=name,
            version=rows[-1]["version"],
            changed=change.differences(in_force, proposed),
            simulated=self._scope.simulated,
            since=since,
            until=until,
            decisions=machine.asked,
            not_asked=machine.not_asked,
            kept=machine.kept,
            **_shown(effects),
        )

    def _decisions(
        self,
        connection: Connection,
        stage: str,
        since: datetime | None,
        until: datetime | None,
        policies: Mapping[int, Body],
        again: Callable[[DictRow, Body | None], Mapping[str, bool]],
    ) -> Iterator[Decided]:
        """In the order in which they were made, a few at a time: there may be many."""
        wanted = {**self._scope.keys, "stage": stage, "since": since, "until": until}
        with connection.cursor(name="decisions") as cursor:
            cursor.itersize = AT_ONCE
            for row in cursor.execute(_DECISIONS, wanted):
                then = policies.get(row["policy_version"])
                yield Decided(
                    signal_id=row["signal_id"],
                    symbol=row["symbol"],
                    side=row["side"],
                    strategy_id=row["strategy_id"],
                    as_of=row["as_of"],
                    approved=row["approved"],
                    checks=row["checks"],
                    then=then,
                    sized=row["sized"],
                    again=again(row, then),
                )

    def _rules(
        self, connection: Connection, model: type[BaseModel], proposed: Body
    ) -> Callable[[DictRow, Body | None], Mapping[str, bool]]:
        """Who runs a decision's rules again: only compliance has rules that are no limits."""
        if model is not CompliancePolicy:
            return lambda _row, _then: {}
        keys = self._scope.keys
        policy = CompliancePolicy.model_validate(proposed)
        history = replay.History(
            [replay.PastTrade(**row) for row in connection.execute(_TRADES, keys)],
            [replay.PastOrder(**row) for row in connection.execute(_ORDERS, keys)],
            policy.look,
        )
        return _Again(history, policy, self._scope)

    def _results(self, connection: Connection, otherwise: Sequence[Otherwise]) -> dict[str, Result]:
        """What the entries among these have made, by signal."""
        stopped = [
            answer.decided for answer in otherwise if answer.effect != "allowed" and answer.decided.side == "buy"
        ]
        found: dict[str, Result] = {}
        for symbol in sorted({decided.symbol for decided in stopped}):
            signals = [decided.signal_id for decided in stopped if decided.symbol == symbol]
            found |= self._results_of(connection, symbol, signals)
        return found

    def _results_of(self, connection: Connection, symbol: str, signals: Sequence[str]) -> dict[str, Result]:
        wanted = {**self._scope.keys, "symbol": symbol, "signals": list(signals)}
        entries = connection.execute(_ENTRIES, wanted).fetchall()
        if not entries:
            return {}
        fills = [
            Fill(
                **{**row, "side": Side(row["side"])},
                venue=self._scope.venue,
                account=self._scope.account,
                symbol=symbol,
            )
            for row in connection.execute(_FILLS, wanted)
        ]
        mark = connection.execute(_MARK, wanted).fetchone()
        realised, unrealised = _by_entry(fills, None if mark is None else mark["price"])
        found: dict[str, Result] = {}
        for signal in {row["signal_id"] for row in entries}:
            own = [row for row in entries if row["signal_id"] == signal]
            trades = [trade for row in own for trade in row["trade_ids"]]
            held = [unrealised[trade] for trade in trades if trade in unrealised]
            known = [value for value in held if value is not None]
            found[signal] = Result(
                currency=symbol.partition("/")[2],
                realised=sum((realised.get(trade, Decimal(0)) for trade in trades), Decimal(0)),
                unrealised=sum(known, Decimal(0)) if len(known) == len(held) else None,
                order_ids=tuple(row["order_id"] for row in own),
            )
        return found


class _Again:
    """Runs compliance's rules again for a decision, those whose settings were others than the proposed ones."""

    def __init__(self, history: replay.History, proposed: CompliancePolicy, scope: Scope) -> None:
        self._history = history
        self._proposed = proposed
        self._scope = scope
        self._names: dict[int, frozenset[str]] = {}

    def __call__(self, row: DictRow, then: Body | None) -> Mapping[str, bool]:
        names = self._to_run(row["policy_version"], then)
        if not names or row["proposal_id"] is None:
            return {}
        trade = self._trade(row)
        activity = self._history.activity(trade, row["decided_at"])
        return replay.run_again(names, trade, self._proposed, activity)

    def _to_run(self, version: int, then: Body | None) -> frozenset[str]:
        if version not in self._names:
            policy = None if then is None else CompliancePolicy.model_validate(then)
            self._names[version] = replay.to_run_again(policy, self._proposed)
        return self._names[version]

    def _trade(self, row: DictRow) -> Trade:
        names = ("signal_id", "strategy_id", "symbol", "side", "order_type", "amount", "limit_price", "trigger_price")
        others = ("time_in_force", "reference_price", "as_of")
        return Trade(**self._scope.keys, **{name: row[name] for name in (*names, *others)})


def _by_entry(fills: Sequence[Fill], mark: Decimal | None) -> tuple[dict[str, Decimal], dict[str, Decimal | None]]:
    """Realised and unrealised P&L of each purchase by its trade id; unrealised only of what is still held."""
    held, closings = lots.match(fills)
    realised: dict[str, Decimal] = {}
    for closing in closings:
        realised[closing.entry_id] = realised.get(closing.entry_id, Decimal(0)) + closing.realised
    return realised, {lot.trade_id: None if mark is None else lot.amount * mark - lot.cost for lot in held}


def _shown(effects: Effects) -> dict[str, Any]:
    return {
        "total": _tally("total", effects.total),
        "exits_stopped": effects.exits_stopped,
        "by_check": _tallies(effects.by_check),
        "by_symbol": _tallies(effects.by_symbol),
        "by_strategy": _tallies(effects.by_strategy),
        "by_day": [_tally(day, tally) for day, tally in sorted(effects.by_day.items())],
        "examples": [_example(answer, result) for answer, result in effects.examples],
        "caveats": effects.caveats,
    }


def _tallies(headings: Mapping[str, Tally]) -> list[views.Tally]:
    """The largest first."""
    ordered = sorted(headings.items(), key=lambda entry: (-entry[1].refused - entry[1].reduced, -entry[1].allowed))
    return [_tally(name, tally) for name, tally in ordered]


def _tally(name: str, tally: Tally) -> views.Tally:
    worth = [_worth(currency, found) for currency, found in sorted(tally.worth.items())]
    return views.Tally(name=name, refused=tally.refused, reduced=tally.reduced, allowed=tally.allowed, worth=worth)


def _worth(currency: str, worth: Worth) -> views.Worth:
    return views.Worth(
        currency=currency,
        losses_avoided=-worth.lost,
        profits_missed=worth.won,
        effect=worth.effect,
        unrealised=worth.unrealised,
        unvalued=worth.unvalued,
    )


def _example(answer: Otherwise, result: Result | None) -> views.Example:
    decided = answer.decided
    return views.Example(
        signal_id=decided.signal_id,
        symbol=decided.symbol,
        side=decided.side,
        strategy_id=decided.strategy_id,
        as_of=decided.as_of,
        effect=answer.effect,
        checks=list(answer.checks),
        part=answer.part,
        order_ids=list(result.order_ids) if result else [],
        currency=result.currency if result else None,
        realised=result.realised if result else None,
        unrealised=result.unrealised if result else None,
    )
