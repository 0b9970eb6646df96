"""Which way a strategy may go on in its life. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from volexswarm.errors import Conflict
from volexswarm.messages import StrategyStatus

WAYS: Mapping[StrategyStatus, tuple[StrategyStatus, ...]] = {
    StrategyStatus.DRAFT: (StrategyStatus.TESTING, StrategyStatus.ARCHIVED),
    StrategyStatus.TESTING: (StrategyStatus.ACTIVE, StrategyStatus.ARCHIVED),
    StrategyStatus.ACTIVE: (StrategyStatus.PAUSED,),
    StrategyStatus.PAUSED: (StrategyStatus.ACTIVE, StrategyStatus.ARCHIVED),
    StrategyStatus.ARCHIVED: (),
}
"""Nothing trades untested, and what trades is paused before it is put away: its positions are looked at in between."""


def assert_way(strategy_id: str, before: StrategyStatus, after: StrategyStatus) -> None:
    """Raise Conflict unless a strategy may go from one status to the other; it says which ways there are."""
    ways = WAYS[before]
    if after in ways:
        return
    if not ways:
        raise Conflict(f"strategy {strategy_id} is {before}: that is for good")
    raise Conflict(f"strategy {strategy_id} is {before}: from there it goes to {' or '.join(ways)}, not to {after}")
