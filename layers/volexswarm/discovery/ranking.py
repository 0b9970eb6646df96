"""Which candidates are worth a draft: ranked by what they did on candles that no search had seen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from volexswarm.discovery.model import Candidate, Place
from volexswarm.optimize import overfit
from volexswarm.optimize.model import Finding
from volexswarm.optimize.walk import MINIMUM_TRADES

DRAFTS = 3
"""So many drafts are made at most."""
CONVINCING = 0.95
"""A deflated Sharpe ratio (a probability) from which on a candidate is more than the luckiest of many."""


def candidate(place: Place, optimization_id: str, finding: Finding) -> Candidate:
    """A finished search as a candidate, not compared with others yet."""
    return Candidate(
        template=place.template,
        symbol=place.symbol,
        timeframe=place.timeframe,
        optimization_id=optimization_id,
        parameters=finding.proposal,
        out_of_sample_return=finding.out_of_sample_return,
        sharpe=finding.out_of_sample_sharpe,
        trades=finding.out_of_sample_trades,
        trials=finding.trials,
        overfit_risk=finding.overfit_risk,
        deflated_sharpe=None,
    )


def ranked(found: Sequence[tuple[Candidate, Finding]]) -> list[Candidate]:
    """The candidates, the best Sharpe ratio out of sample first, those without one last; each deflated by how many there are."""
    ratios = [finding.moments.sharpe for _, finding in found if finding.moments is not None]
    compared = [
        replace(
            one,
            deflated_sharpe=None if finding.moments is None else overfit.deflated_sharpe(finding.moments, ratios),
        )
        for one, finding in found
    ]
    return sorted(compared, key=lambda one: (one.sharpe is None, -(one.sharpe or 0.0), one.optimization_id))


def worth_a_draft(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The first of the ranked candidates that won on unseen candles, in enough trades."""
    fitting = [
        one
        for one in candidates
        if one.parameters is not None
        and one.sharpe is not None
        and one.sharpe > 0
        and (one.out_of_sample_return or 0.0) > 0
        and one.trades >= MINIMUM_TRADES
    ]
    return fitting[:DRAFTS]


def warnings(candidates: Sequence[Candidate], left_out: int, *, cut_short: bool) -> list[str]:
    """What must be known before anybody trusts a candidate."""
    trials = sum(one.trials for one in candidates)
    told = [
        f"{trials} parameter sets were tried at {len(candidates)} places: the best of so many looks good by luck alone. The"
        " deflated Sharpe ratio is the probability that a candidate is better than that luck, from 95 % on convincing"
        " (Bailey and López de Prado 2014)."
    ]
    if not any((one.deflated_sharpe or 0.0) >= CONVINCING for one in candidates):
        told.append("No candidate is convincing by that measure.")
    if left_out:
        told.append(f"{left_out} places could not be searched.")
    if cut_short:
        told.append("Time ran out before all places were searched.")
    return told
