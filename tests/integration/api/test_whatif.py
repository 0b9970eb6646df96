"""The policy time machine on what the real agents decided and traded."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.integration.api.conftest import SCOPE, Chain
from volexswarm.adapters.postgres.readers.whatif import PostgresTimeMachine
from volexswarm.rulebook.desk import Wanted
from volexswarm.views.policies import WhatIf


@pytest.fixture
def traded(chain: Chain) -> Chain:
    """One strategy's buy, sized by risk and filled."""
    chain.open_account()
    chain.signal(chain.candle())
    chain.run()
    return chain


def ask(chain: Chain, name: str, **changes: object) -> WhatIf:
    return PostgresTimeMachine(chain.database, SCOPE).what_if(name, Wanted(changes=changes), None, None)


def test_the_policy_in_force_would_have_decided_as_it_did(traded: Chain) -> None:
    for name, unrelated in (("risk", {"max_signal_age": 901}), ("compliance", {"flag_escalation_hours": 25})):
        said = ask(traded, name, **unrelated)
        assert (said.decisions, said.total.refused, said.total.reduced, said.total.allowed) == (1, 0, 0, 0)


def test_an_entry_that_would_not_have_been_allowed_is_told_with_its_order_and_result(traded: Chain) -> None:
    said = ask(traded, "risk", max_entries_per_day=0)
    assert (said.total.refused, [tally.name for tally in said.by_check]) == (1, ["entries_per_day"])
    (example,) = said.examples
    assert len(example.order_ids) == 1
    # bought at about 100, marked at 100: what is left is its fee, and no more than a little slippage
    (worth,) = said.total.worth
    assert worth.unvalued == 0
    assert Decimal(0) < worth.losses_avoided < Decimal(10)
    assert worth.effect == worth.losses_avoided


def test_what_risk_sized_to_a_budget_would_have_been_smaller_by_as_much(traded: Chain) -> None:
    """Risk cuts a trade down to `max_trade`: half of that is half the trade."""
    (row,) = _sized(traded)
    said = ask(traded, "risk", max_trade=str(row / 2), min_trade="0.0001")
    assert (said.total.refused, said.total.reduced) == (0, 1)
    assert round(said.examples[0].part, 3) == Decimal("0.5")


def _sized(chain: Chain) -> list[Decimal]:
    """What `max_trade` measured, as a share of equity."""
    with chain.database.connection() as connection:
        rows = connection.execute(
            "SELECT (c.value->>'measure')::numeric AS measure FROM decisions, jsonb_array_elements(checks) c"
            " WHERE stage = 'risk' AND c.value->>'setting' = 'max_trade'"
        ).fetchall()
    return [row["measure"] for row in rows]
