"""The statements of searches for parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from volexswarm.adapters.postgres.history import HistoryTransaction
from volexswarm.backtest.model import Outcome
from volexswarm.market.timeframes import Timeframe
from volexswarm.optimize.model import Finding, Study, Trial

_STUDY = """
SELECT id::text, requested_by, discovery_id::text, venue, symbol, timeframe, strategy, since, until, candles, seed, budget_runs,
    policy_version, started_at
FROM optimizations WHERE id = %s
"""

_BEGIN = """
INSERT INTO optimizations (id, requested_by, discovery_id, venue, symbol, timeframe, strategy, since, until, candles, seed,
    budget_runs, policy_version, started_at, status)
VALUES (%(id)s, %(requested_by)s, %(discovery_id)s, %(venue)s, %(symbol)s, %(timeframe)s, %(strategy)s, %(since)s, %(until)s,
    %(candles)s, %(seed)s, %(budget_runs)s, %(policy_version)s, %(started_at)s, 'running')
ON CONFLICT (id) DO NOTHING
"""

_TRIAL = """
INSERT INTO optimization_trials (optimization_id, fold, number, parameters, sharpe, reason, total_return, trades)
VALUES (%(id)s, %(fold)s, %(number)s, %(parameters)s, %(sharpe)s, %(reason)s, %(total_return)s, %(trades)s)
ON CONFLICT DO NOTHING
"""

_FINISH = """
UPDATE optimizations SET status = 'done', result = %s, words = %s, finished_at = %s WHERE id = %s AND status = 'running'
"""

FINDING: TypeAdapter[Finding] = TypeAdapter(Finding)


class OptimizationTransaction(HistoryTransaction):
    """Implements `optimize.ports.OptimizationTransaction`."""

    def study(self, search_id: str) -> Study | None:
        row = self.connection.execute(_STUDY, (search_id,)).fetchone()
        return None if row is None else Study(**{**row, "timeframe": Timeframe(row["timeframe"])})

    def add_study(self, study: Study) -> None:
        self.connection.execute(_BEGIN, asdict(study) | {"timeframe": study.timeframe.value})

    def trials(self, search_id: str) -> Sequence[Trial]:
        rows = self.connection.execute(
            "SELECT fold, number, parameters, sharpe, reason, total_return, trades FROM optimization_trials"
            " WHERE optimization_id = %s ORDER BY fold, number",
            (search_id,),
        )
        return [Trial(**row) for row in rows]

    def add_trial(self, search_id: str, trial: Trial) -> None:
        self.connection.execute(_TRIAL, asdict(trial) | {"id": search_id, "parameters": Jsonb(dict(trial.parameters))})

    def finish(self, search_id: str, finding: Finding, words: str, at: datetime) -> None:
        result = Jsonb(FINDING.dump_python(finding, mode="json"))
        self.connection.execute(_FINISH, (result, words, at, search_id))

    def finding(self, search_id: str) -> Finding | None:
        row = self.connection.execute(
            "SELECT result FROM optimizations WHERE id = %s AND status = 'done'", (search_id,)
        ).fetchone()
        return None if row is None else FINDING.validate_python(row["result"])

    def outcome(self, search_id: str) -> Outcome | None:
        row = self.connection.execute(
            "SELECT result, words FROM optimizations WHERE id = %s AND status = 'done'", (search_id,)
        ).fetchone()
        if row is None:
            return None
        found = FINDING.validate_python(row["result"])
        summary = {
            "trials": float(found.trials),
            "in_sample_sharpe": found.in_sample_sharpe,
            "out_of_sample_sharpe": found.out_of_sample_sharpe,
            "out_of_sample_return": found.out_of_sample_return,
            "default_return": found.default_return,
            "efficiency": found.efficiency,
            "deflated_sharpe": found.deflated_sharpe,
        }
        return Outcome(search_id, summary, row["words"])
