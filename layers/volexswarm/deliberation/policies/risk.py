"""Risk: vetoes what its limits would refuse, consents to what they leave room for, and never wants a trade of its own."""

from __future__ import annotations

from volexswarm.agents import RISK
from volexswarm.deliberation.domain import Abstention, Brief, Opinion
from volexswarm.deliberation.policies.wording import Numbers, opinion, share_for, wished
from volexswarm.messages import Stance


def judge(brief: Brief) -> Opinion | Abstention:
    """Veto while halted, with a breaker open, or where the wished trade would not pass; else consent by the room there is."""
    numbers = Numbers(brief, RISK.name)
    passed, halted, breakers = numbers.get("passed"), numbers.get("halted"), numbers.get("breakers_open")
    if halted:
        return opinion(Stance.VETO, 1.0, 0.0, "Trading is halted.", numbers.used)
    if passed is None:
        return numbers.silence("whether the trade would pass its limits")
    wish, room = wished(brief), numbers.get("room_share")
    if breakers and wish is not Stance.SELL:
        return opinion(Stance.VETO, 1.0, 0.0, f"{breakers:.0f} circuit breakers are open.", numbers.used)
    left = "" if room is None else f"; limits leave room for {room:.2%} of the equity"
    if wish is None:
        refused = "" if passed else f" A standard trade would be refused now{numbers.failed_checks()}."
        return opinion(Stance.HOLD, 0.2 if passed else 0.8, 0.0, f"No trade was wished{left}.{refused}", numbers.used)
    if not passed:
        words = f"The limits would refuse to {wish.value} now{numbers.failed_checks()}{left}."
        return opinion(Stance.VETO, 1.0, 0.0, words, numbers.used)
    size = share_for(brief, wish, 1.0)
    if wish is Stance.BUY and room is not None:
        size = min(size, max(0.0, room))
    return opinion(wish, 0.6, size, f"The limits let it {wish.value}{left}.", numbers.used)
