"""Compliance: vetoes what the desk's rules forbid, consents to the rest, and never wants a trade of its own."""

from __future__ import annotations

from volexswarm.agents import COMPLIANCE
from volexswarm.deliberation.domain import Abstention, Brief, Opinion
from volexswarm.deliberation.policies.wording import Numbers, opinion, share_for, wished
from volexswarm.messages import Stance


def judge(brief: Brief) -> Opinion | Abstention:
    """Veto for a restricted symbol, a purchase on a spent day, or where the wish would not pass; a flag makes it less sure."""
    numbers = Numbers(brief, COMPLIANCE.name)
    passed, restricted = numbers.get("passed"), numbers.get("restricted")
    if restricted:
        return opinion(Stance.VETO, 1.0, 0.0, "The symbol is restricted.", numbers.used)
    if passed is None:
        return numbers.silence("whether the trade would pass the desk's rules")
    wish, left, flags = wished(brief), numbers.get("trades_left_today"), numbers.get("open_flags") or 0.0
    flagged = f"; {flags:.0f} flags are open" if flags else ""
    if wish is None:
        found = "No trade was wished" if passed else f"The rules would refuse a trade now{numbers.failed_checks()}"
        words = f"{found}{flagged}."
        return opinion(Stance.HOLD, 0.2 if passed else 0.8, 0.0, words, numbers.used)
    if not passed:
        words = f"The rules would refuse to {wish.value} now{numbers.failed_checks()}{flagged}."
        return opinion(Stance.VETO, 1.0, 0.0, words, numbers.used)
    # the rule counts sales and refuses none: a spent day must not trap a position
    if wish is Stance.BUY and left is not None and left < 1:
        return opinion(Stance.VETO, 1.0, 0.0, "No trade is left for today.", numbers.used)
    words = f"The rules let it {wish.value}{flagged}."
    return opinion(wish, 0.6 if not flags else 0.4, share_for(brief, wish, 1.0), words, numbers.used)
