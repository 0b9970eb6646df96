"""Words of the crypto market with the weight that a trader hears in them, -4 to 4, as VADER weighs its own; ours alone.

`PHRASES` are read as one word. `WORDS` add to VADER's lexicon or take the place of what it says of everyday talk, where "support"
is kindness and "securities" are comfort. A word is given in every form that headlines use: VADER knows no stems.
"""

from __future__ import annotations

from collections.abc import Mapping

VERSION = "1"

PHRASES: Mapping[str, float] = {
    "all-time high": 2.8,
    "all-time highs": 2.8,
    "all-time low": -2.8,
    "record high": 2.6,
    "record highs": 2.6,
    "record low": -2.6,
    "yearly high": 2.2,
    "yearly low": -2.2,
    "golden cross": 2.2,
    "death cross": -2.4,
    "rug pull": -3.2,
    "short squeeze": 2.2,
    "long squeeze": -2.2,
    "to the moon": 2.6,
    "rate cut": 1.6,
    "rate cuts": 1.6,
    "cuts rates": 1.6,
    "rate hike": -1.6,
    "rate hikes": -1.6,
    "raises rates": -1.6,
    "below support": -2.2,
    "breaks support": -2.2,
    "loses support": -2.2,
    "above resistance": 2.2,
    "breaks resistance": 2.2,
    "dismisses lawsuit": 2.4,
    "drops lawsuit": 2.4,
    "drops charges": 2.4,
    "drops case": 2.4,
    "fees drop": 1.4,
    "fees fall": 1.4,
    "loses peg": -3.0,
    "loses its peg": -3.0,
    "bank run": -3.0,
    "risk assets": 0.0,
    "digital assets": 0.0,
    "mt. gox": -0.8,
    "not a security": 1.6,
}


def _forms(weight: float, words: str) -> dict[str, float]:
    return dict.fromkeys(words.split(), weight)


WORDS: Mapping[str, float] = {
    # prices that go up
    **_forms(
        2.4, "surge surges surged surging soar soars soared soaring skyrocket skyrockets skyrocketed skyrocketing"
    ),
    **_forms(
        2.0,
        "rally rallies rallied rallying moon mooning breakout breakouts uptrend outperform outperforms outperformed",
    ),
    **_forms(1.8, "jump jumps jumped jumping spike spikes spiked climb climbs climbed climbing rise rises rose rising"),
    **_forms(
        1.8,
        "rebound rebounds rebounded rebounding recover recovers recovered recovering recovery bounce bounces bounced",
    ),
    **_forms(2.2, "bull bulls bullish"),
    **_forms(1.2, "higher up upside record records"),
    # prices that go down
    **_forms(
        -2.6, "plunge plunges plunged plunging crash crashes crashed crashing plummet plummets plummeted plummeting"
    ),
    **_forms(
        -2.2, "tumble tumbles tumbled tumbling slump slumps slumped slumping sink sinks sank sinking nosedive nosedives"
    ),
    **_forms(
        -1.8,
        "fall falls fell falling drop drops dropped dropping slide slides slid sliding slip slips slipped slipping",
    ),
    **_forms(
        -1.8, "dip dips dipped decline declines declined declining downtrend retreat retreats sheds shed pullback"
    ),
    **_forms(
        -2.2,
        "bear bears bearish selloff sell-off selloffs sell-offs capitulation capitulate capitulates bloodbath rout",
    ),
    **_forms(
        -2.0,
        "dump dumps dumped dumping liquidation liquidations liquidated outflow outflows underperform underperforms",
    ),
    **_forms(-1.0, "lower down downside correction low lows"),
    # what large hands and the world do
    **_forms(1.8, "inflow inflows accumulate accumulates accumulated accumulating accumulation"),
    **_forms(
        1.8,
        "adopt adopts adopted adoption accept accepts accepted integrate integrates integration partnership partners",
    ),
    **_forms(1.6, "approve approves approved approval launch launches launched list lists listed listing listings"),
    **_forms(1.4, "add adds added buy buys bought buying offering offers etf etfs custody mainstream institutional"),
    **_forms(1.4, "demand support upgrade upgrades upgraded milestone halving burn burns"),
    # what breaks
    **_forms(
        -3.2,
        "hack hacks hacked hacker hackers exploit exploits exploited exploiter theft thefts heist stolen drain drains drained",
    ),
    **_forms(
        -3.2,
        "scam scams ponzi phishing rugpull fraud frauds fraudulent laundering bankruptcy bankrupt insolvent insolvency",
    ),
    **_forms(-2.8, "depeg depegs depegged collapse collapses collapsed collapsing solvency contagion default defaults"),
    **_forms(
        -2.2,
        "halt halts halted suspend suspends suspended freeze freezes froze frozen outage outages vulnerability bug bugs",
    ),
    **_forms(-2.2, "delist delists delisted delisting crackdown raid raids seize seizes seized"),
    # what the law does
    **_forms(-2.6, "ban bans banned banning outlaw outlaws outlawed"),
    **_forms(
        -2.2, "sue sues sued suing lawsuit lawsuits indict indicts indicted prosecutors subpoena subpoenas probe probes"
    ),
    **_forms(-2.2, "charge charges charged arrest arrests arrested fine fines fined sanction sanctions sanctioned"),
    **_forms(-1.4, "unregistered winter layoffs fud hawkish"),
    **_forms(1.2, "dovish clarity"),
    # what means nothing here
    **_forms(
        0.0, "security securities trust united share shares interest asset assets authority treasury brutal gross novel"
    ),
    **_forms(
        0.0,
        "token tokens block blocks hash mine miner miners mining stake staking yield yields top matter energy legal",
    ),
}
