"""The news agent: takes items once, and says what they amount to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from volexswarm.clock import Clock
from volexswarm.errors import require
from volexswarm.messages import Event, NewsRecorded, Question, Testimony
from volexswarm.news.fingerprint import fingerprint
from volexswarm.news.mentions import mentioned
from volexswarm.news.model import LONGEST_HEADLINE, LONGEST_ORIGIN, Draft, Item, item_id
from volexswarm.news.ports import NewsTransaction
from volexswarm.news.sentiment import WINDOW, sentiment
from volexswarm.plaintext import plain
from volexswarm.ports import Store
from volexswarm.testimony import Findings

AGENT = "news-sentiment"

SAME_NEWS = timedelta(days=7)
"""The same words within this time are the same news: it was passed on. After it they are news again."""

MOST_ITEMS = 500
MOST_SHOWN = 10
CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of the market's time an item may say it was published: publishers' clocks are some minutes off, and the market's
time is that of its last complete trades, a little behind. More would tell decisions, and replays of them, what is yet to come."""


@dataclass(frozen=True)
class Scorer:
    """Judges a clean headline: `score` gives -1 (bad for the price) to 1; `name` says by what, with its version."""

    name: str
    score: Callable[[str], float]


@dataclass(frozen=True)
class Taken:
    """The item as it is stored; `repeated` when the same words had been taken before."""

    item: Item
    repeated: bool


class NewsAgent:
    """Keeps the news of one venue's symbols.

    Parameters
    ----------
    store : Store[NewsTransaction]
    scorer : Scorer
    clock : Clock
        Wall time, for the record; nobody publishes in its future where the market's own time is not known yet.
    venue, symbols
        Where is traded, and what.
    """

    def __init__(
        self,
        *,
        store: Store[NewsTransaction],
        scorer: Scorer,
        clock: Clock,
        venue: str,
        symbols: Sequence[str],
    ) -> None:
        self._store = store
        self._scorer = scorer
        self._clock = clock
        self._venue = venue
        self._symbols = tuple(symbols)

    def take(self, draft: Draft, *, submitted_by: str) -> Taken:
        """Clean, score and store an item. The same words within seven days are one item: it is answered again.

        Raises
        ------
        InvalidInput
            If nothing visible is left of origin or headline, they are too long, a symbol is not traded here, or it was published
            later than the market's time, whatever the wall's: in market time that is the future.
        Unavailable
            If the database can't be asked.
        """
        origin, headline = plain(draft.origin), plain(draft.headline)
        require(0 < len(origin) <= LONGEST_ORIGIN, "source", draft.origin, f"1 to {LONGEST_ORIGIN} visible characters")
        fits = 0 < len(headline) <= LONGEST_HEADLINE
        require(fits, "headline", draft.headline, f"1 to {LONGEST_HEADLINE} visible characters")
        for symbol in draft.symbols:
            require(symbol in self._symbols, "symbols", symbol, f"some of {', '.join(self._symbols)}")
        item = self._item(draft, origin, headline, submitted_by)
        with self._store.transaction() as tx:
            present, published = tx.market_time(self._venue) or self._clock.now(), item.published_at.isoformat()
            has_been = (
                f"a time that has been, and on {self._venue} it is {present.isoformat()}: {published} is yet to come"
            )
            require(item.published_at <= present + CLOCK_SKEW, "published_at", published, has_been)
            known = tx.same(item.fingerprint, item.published_at - SAME_NEWS, item.published_at + SAME_NEWS)
            if known is not None:
                return Taken(known, repeated=True)
            tx.add(item)
            tx.publish(_told(item))
        return Taken(item, repeated=False)

    def testify(self, question: Question) -> Testimony:
        """What the news of the last 72 hours of market time says about the symbol.

        Features: `items`; unless there is none also `sentiment` (-1 to 1), `dispersion`, `age_hours` of the youngest. Headlines
        are shown as tainted evidence only, the newest ten.

        Raises
        ------
        Unavailable
            If the database can't be asked.
        """
        as_of = question.as_of
        with self._store.transaction() as tx:
            items = tx.items(question.symbol, as_of - WINDOW, as_of, MOST_ITEMS)
        found, together = Findings(AGENT, question), sentiment(items, as_of)
        if together is None:
            hours = WINDOW.total_seconds() / 3600
            found.know(
                "items",
                0,
                f"no news of {question.symbol} in the {hours:.0f} hours before {as_of.isoformat()}: no feed is configured,"
                " items come in by POST /news",
            )
            return found.testimony("nothing is known")
        told = f"{together.items} headlines of {together.origins} sources"
        found.know("sentiment", together.score, f"{told} score {together.score:+.2f} together, the younger the heavier")
        found.know("items", together.items, told)
        age = together.age / timedelta(hours=1)
        found.know("age_hours", age, f"the youngest headline is {age:.1f} hours old")
        found.know("dispersion", together.dispersion, f"their scores deviate by {together.dispersion:.2f}")
        for item in sorted(items, key=lambda one: (one.published_at, one.id), reverse=True)[:MOST_SHOWN]:
            found.show(
                "item", item.id, item.headline, value=round(item.score, 4), as_of=item.published_at, tainted=True
            )
        return found.testimony("nothing is known")

    def _item(self, draft: Draft, origin: str, headline: str, submitted_by: str) -> Item:
        print_of_words = fingerprint(headline)
        return Item(
            id=item_id(print_of_words, draft.published_at),
            origin=origin,
            headline=headline,
            url=draft.url,
            symbols=draft.symbols or mentioned(headline, self._symbols),
            fingerprint=print_of_words,
            score=self._scorer.score(headline),
            scorer=self._scorer.name,
            published_at=draft.published_at,
            received_at=self._clock.now(),
            submitted_by=submitted_by,
        )


def _told(item: Item) -> Event[NewsRecorded]:
    data = NewsRecorded(
        item_id=item.id,
        origin=item.origin,
        headline=item.headline,
        symbols=item.symbols,
        score=item.score,
        published_at=item.published_at,
        submitted_by=item.submitted_by,
    )
    return Event.root(data, source=AGENT, subject=item.id, identity=item.id, time=item.received_at)
