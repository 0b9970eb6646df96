"""How well the scorer hears what a headline means for the price, on headlines that it was not made on."""

from __future__ import annotations

import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from tests.unit.news.headlines import HELD_OUT, TUNING
from volexswarm.news.lexicon import PHRASES, WORDS
from volexswarm.news.scoring import crypto_scorer

NEUTRAL = 0.05  # VADER's own bound


@pytest.fixture(scope="module")
def scorer():
    return crypto_scorer()


def sign(score: float) -> int:
    return (score >= NEUTRAL) - (score <= -NEUTRAL)


def right(score, headlines) -> int:
    return sum(1 for headline, wanted in headlines if sign(score(headline)) == wanted)


def test_the_two_sets_have_no_headline_in_common():
    assert not {headline for headline, _ in TUNING} & {headline for headline, _ in HELD_OUT}


def test_it_hears_most_headlines_that_it_was_not_made_on(scorer):
    plain = SentimentIntensityAnalyzer()
    assert right(scorer.score, HELD_OUT) >= 36
    assert right(scorer.score, HELD_OUT) > right(lambda text: plain.polarity_scores(text)["compound"], HELD_OUT) + 10


def test_it_takes_no_bad_news_for_good(scorer):
    assert [headline for headline, wanted in HELD_OUT if wanted and sign(scorer.score(headline)) == -wanted] == []


def test_scores_are_shares_and_do_not_change(scorer):
    for headline, _ in (*TUNING, *HELD_OUT):
        assert -1 <= scorer.score(headline) <= 1
        assert scorer.score(headline) == crypto_scorer().score(headline)


def test_the_lexicon_keeps_to_vaders_scale():
    for word, weight in (WORDS | PHRASES).items():
        assert -4 <= weight <= 4
        assert word == word.lower()


def test_it_says_what_it_scored_by(scorer):
    assert scorer.name == "vader-crypto-1"
