"""The strategy agent: moves strategies on in their lives, and says what those at work hold of a symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from volexswarm.clock import Clock
from volexswarm.errors import require
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Event, Question, Side, StrategyChanged, StrategyStatus, Testimony
from volexswarm.playbook import lifecycle, record
from volexswarm.playbook.model import Saying, Strategy, TrackRecord
from volexswarm.playbook.ports import PlaybookTransaction
from volexswarm.ports import Store
from volexswarm.strategies.parameters import parse
from volexswarm.testimony import Findings

AGENT = "strategy"

TRADES = 200
"""So many closed trades are looked at, the newest: strategies are judged by what they do lately."""


class StrategyAgent:
    """Keeps the playbook.

    Parameters
    ----------
    store : Store[PlaybookTransaction]
    clock : Clock
        Wall time, for the record.
    """

    def __init__(self, store: Store[PlaybookTransaction], clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def draft(
        self,
        *,
        strategy_id: str,
        template: str,
        venue: str,
        symbol: str,
        timeframe: str,
        parameters: Mapping[str, Any],
        actor: str,
        reason: str,
    ) -> Strategy:
        """Put a strategy into the playbook as a draft, which trades nothing; once under its id, the first one stays.

        Raises
        ------
        InvalidInput
            If a parameter does not fit its template, there is no such timeframe, or no reason is given.
        Unavailable
            If the database can't be asked.
        """
        require(bool(reason.strip()), "reason", reason, "why, in words")
        require(timeframe in tuple(Timeframe), "timeframe", timeframe, f"one of {', '.join(Timeframe)}")
        own = parse(template, parameters).model_dump()
        made = Strategy(strategy_id, template, venue, symbol, timeframe, own, StrategyStatus.DRAFT)
        with self._store.transaction() as tx:
            now = self._clock.now()
            if tx.add_strategy(made, now):
                tx.publish(_changed(made, None, actor=actor, reason=reason, at=now))
        return made

    def change_status(self, strategy_id: str, after: StrategyStatus, *, actor: str, reason: str) -> Strategy:
        """Let a strategy go on in its life; as it is then. The change takes effect at the next closed candle.

        Raises
        ------
        NotFound
            If there is no such strategy.
        Conflict
            If its life has no such way.
        InvalidInput
            If no reason is given, or it shall trade with parameters that do not fit its template.
        Unavailable
            If the database can't be asked.
        """
        require(bool(reason.strip()), "reason", reason, "why, in words")
        with self._store.transaction() as tx:
            strategy = tx.strategy_to_change(strategy_id)
            lifecycle.assert_way(strategy_id, strategy.status, after)
            if after is StrategyStatus.ACTIVE:
                parse(strategy.template, strategy.parameters)
            now = self._clock.now()
            tx.save_status(strategy_id, after, now)
            moved = replace(strategy, status=after)
            tx.publish(_changed(moved, strategy.status, actor=actor, reason=reason, at=now))
        return moved

    def testify(self, question: Question) -> Testimony:
        """What the active strategies of the symbol say and have earned, by the question's market time.

        Features: `active` strategies; unless there is none also `stance` (-1 to 1, see `record.stance`), and of their last
        closed trades on the symbol in the account: `trades`, `win_rate`, `expectancy` (mean result as a share of the stake),
        `profit_factor`.

        Raises
        ------
        Unavailable
            If the database can't be asked.
        """
        with self._store.transaction() as tx:
            active = [one for one in tx.active_on(question.venue, question.symbol) if one.timeframe in tuple(Timeframe)]
            ids = [strategy.id for strategy in active]
            sayings = tx.sayings(ids, question.as_of)
            results = tx.results(question.venue, question.account, question.symbol, ids, question.as_of, TRADES)
        found = Findings(AGENT, question)
        if not active:
            found.know("active", 0, f"no strategy is active on {question.symbol}")
            return found.testimony("nothing is known")
        found.know("active", len(active), f"{len(active)} strategies are active on {question.symbol}")
        standing = [
            sayings[s.id] for s in active if s.id in sayings and record.stands(s, sayings[s.id], question.as_of)
        ]
        found.know("stance", record.stance(active, sayings, question.as_of), _words(standing, len(active)))
        fared = record.track_record(results)
        if fared is not None:
            _tell(found, fared)
        for saying in sorted(standing, key=lambda one: (one.as_of, one.strategy_id), reverse=True):
            found.show(
                "signal",
                saying.strategy_id,
                f"{saying.strategy_id} wanted to {saying.side} with confidence {saying.confidence:.2f}",
                value=round(saying.confidence if saying.side is Side.BUY else -saying.confidence, 4),
                as_of=saying.as_of,
            )
        return found.testimony("nothing is known")


def _changed(
    strategy: Strategy, before: StrategyStatus | None, *, actor: str, reason: str, at: datetime
) -> Event[StrategyChanged]:
    """What is told of a strategy that is in its status since this moment."""
    changed = StrategyChanged(
        venue=strategy.venue,
        symbol=strategy.symbol,
        strategy_id=strategy.id,
        template=strategy.template,
        timeframe=strategy.timeframe,
        before=before,
        after=strategy.status,
        actor=actor,
        reason=reason,
    )
    identity = f"{strategy.id}/{before}/{strategy.status}/{at.isoformat()}"
    return Event.root(changed, source=AGENT, subject=strategy.id, identity=identity, time=at)


def _words(standing: list[Saying], active: int) -> str:
    buying = sum(1 for saying in standing if saying.side is Side.BUY)
    return f"{buying} want to buy, {len(standing) - buying} to sell, {active - len(standing)} say nothing"


def _tell(found: Findings, fared: TrackRecord) -> None:
    trades = f"{fared.trades} closed trades"
    found.know("trades", fared.trades, f"{trades} of these strategies on the symbol, the newest")
    found.know("win_rate", fared.win_rate, f"{fared.win_rate:.0%} of {trades} won")
    found.know("expectancy", fared.expectancy, f"{trades} brought {fared.expectancy:+.2%} of the stake on average")
    if fared.profit_factor is not None:
        found.know("profit_factor", fared.profit_factor, f"won {fared.profit_factor:.2f} times what was lost")
