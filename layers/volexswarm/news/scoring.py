"""Scores a headline by VADER's rules of grammar and our own words of the market. Loads VADER, so it is imported late.

References
----------
Hutto and Gilbert (2014), VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text.
"""

from __future__ import annotations

import re

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from volexswarm.news.agent import Scorer
from volexswarm.news.lexicon import PHRASES, VERSION, WORDS


def crypto_scorer() -> Scorer:
    """VADER's compound score, -1 to 1, with our lexicon."""
    analyzer = SentimentIntensityAnalyzer()
    joined = {phrase: re.sub(r"\W", "", phrase) for phrase in PHRASES}
    analyzer.lexicon.update(WORDS)
    analyzer.lexicon.update({joined[phrase]: weight for phrase, weight in PHRASES.items()})
    longest_first = sorted(PHRASES, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)

    def score(headline: str) -> float:
        text = pattern.sub(lambda found: joined[found[0].lower()], headline)
        return float(analyzer.polarity_scores(text)["compound"])

    return Scorer(f"vader-crypto-{VERSION}", score)
