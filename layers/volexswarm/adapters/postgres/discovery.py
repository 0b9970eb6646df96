"""The statements of searches for strategies."""

from __future__ import annotations

from datetime import datetime

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from volexswarm.adapters.postgres.optimization import OptimizationTransaction
from volexswarm.backtest.model import Outcome
from volexswarm.discovery.model import Begun, Discovery, Expedition

DISCOVERY: TypeAdapter[Discovery] = TypeAdapter(Discovery)

_BEGIN = """
INSERT INTO discoveries (id, requested_by, venue, symbols, days, until, started_at, status)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'running') ON CONFLICT (id) DO NOTHING
"""

_FINISH = """
UPDATE discoveries SET status = 'done', result = %s, words = %s, finished_at = %s WHERE id = %s AND status = 'running'
"""


class DiscoveryTransaction(OptimizationTransaction):
    """Implements `discovery.ports.DiscoveryTransaction`."""

    def begun(self, discovery_id: str) -> Begun | None:
        row = self.connection.execute(
            "SELECT until, started_at FROM discoveries WHERE id = %s", (discovery_id,)
        ).fetchone()
        return None if row is None else Begun(**row)

    def add_discovery(self, wanted: Expedition, begun: Begun) -> None:
        row = (wanted.discovery_id, wanted.task_id, wanted.venue, list(wanted.symbols), wanted.days)
        self.connection.execute(_BEGIN, (*row, begun.until, begun.started_at))

    def finish_discovery(self, discovery_id: str, found: Discovery, words: str, at: datetime) -> None:
        result = Jsonb(DISCOVERY.dump_python(found, mode="json"))
        self.connection.execute(_FINISH, (result, words, at, discovery_id))

    def discovered(self, discovery_id: str) -> Outcome | None:
        row = self.connection.execute(
            "SELECT result, words FROM discoveries WHERE id = %s AND status = 'done'", (discovery_id,)
        ).fetchone()
        if row is None:
            return None
        found = DISCOVERY.validate_python(row["result"])
        drafts = sum(1 for one in found.candidates if one.draft is not None)
        best = found.candidates[0] if found.candidates else None
        summary = {
            "places": float(len(found.candidates)),
            "trials": float(found.trials),
            "drafts": float(drafts),
            "best_sharpe": None if best is None else best.sharpe,
            "best_return": None if best is None else best.out_of_sample_return,
        }
        return Outcome(discovery_id, summary, row["words"])
