"""The research agent: says what a market is like, as a voice in a deliberation or as a written report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from volexswarm.clock import Clock
from volexswarm.errors import Unavailable, require
from volexswarm.messages import Event, MarketReported, Question, Quote, Testimony
from volexswarm.ports import QuoteBoard, Store
from volexswarm.research import report
from volexswarm.research.model import Picture, Report, report_id
from volexswarm.research.pictures import Nothing, Photographer
from volexswarm.research.ports import ResearchTransaction
from volexswarm.testimony import Findings

AGENT = "research"


@dataclass(frozen=True)
class Assignment:
    """A report that is wanted. `symbols` empty: of all that are traded; `as_of` None: of the market's present."""

    task_id: str
    attempt: int
    venue: str
    symbols: tuple[str, ...] = ()
    as_of: datetime | None = None


class ResearchAgent:
    """Looks at markets.

    Parameters
    ----------
    store : Store[ResearchTransaction]
    photographer : Photographer
        Measures candles.
    quotes : QuoteBoard
        For the spread, which is of the present moment: no history of it is kept.
    clock : Clock
        Wall time, to judge a quote's age.
    symbols : sequence of str
        What is traded.
    quote_max_age : timedelta
        Of wall time, after which a quote says nothing.
    """

    def __init__(
        self,
        *,
        store: Store[ResearchTransaction],
        photographer: Photographer,
        quotes: QuoteBoard,
        clock: Clock,
        symbols: Sequence[str],
        quote_max_age: timedelta,
    ) -> None:
        self._store = store
        self._photographer = photographer
        self._quotes = quotes
        self._clock = clock
        self._symbols = tuple(symbols)
        self._quote_max_age = quote_max_age

    def testify(self, question: Question) -> Testimony:
        """What the market is like, by candles that closed by the question's market time.

        Features: `return_1d`, `return_7d` (shares), `trend` (-1 to 1), `volatility_1h` (share), `liquidity` (quote currency per
        hour), `spread` (share of the price, of this moment), `hours` (of history seen, at most a week).

        Raises
        ------
        Unavailable
            If database or quotes can't be asked.
        """
        with self._store.transaction() as tx:
            pictures = self._photographer.take(tx, question.venue, [question.symbol], question.as_of)
        picture = pictures[question.symbol]
        found = Findings(AGENT, question)
        if isinstance(picture, Nothing):
            return found.testimony(picture.why)
        _tell(found, picture)
        quote = self._fresh_quote(question.venue, question.symbol)
        if quote is not None:
            spread = (quote.ask - quote.bid) / quote.mid
            found.know("spread", spread, f"bid and ask are {spread:.4%} of the price apart", as_of=quote.as_of)
        return found.testimony("nothing is known")

    def write(self, wanted: Assignment) -> Report:
        """Write a report and store it, once for each attempt of a task.

        Raises
        ------
        InvalidInput
            If a symbol is not traded here.
        Unavailable
            If nothing is known of the market yet, or the database can't be asked.
        """
        for symbol in wanted.symbols:
            require(symbol in self._symbols, "symbols", symbol, f"some of {', '.join(self._symbols)}")
        symbols = wanted.symbols or self._symbols
        with self._store.transaction() as tx:
            as_of = wanted.as_of or tx.market_time(wanted.venue)
            if as_of is None:
                raise Unavailable("market data", f"nothing was heard of {wanted.venue} yet")
            taken = self._photographer.take(tx, wanted.venue, symbols, as_of)
            written = self._report(wanted, as_of, [taken[symbol] for symbol in symbols])
            if tx.add_report(written):
                tx.publish(self._told(written))
        return written

    def _report(self, wanted: Assignment, as_of: datetime, pictures: Sequence[Picture | Nothing]) -> Report:
        return Report(
            id=report_id(wanted.task_id, wanted.attempt),
            venue=wanted.venue,
            symbols=tuple(picture.symbol for picture in pictures),
            as_of=as_of,
            words=report.headline(pictures),
            body=report.body(pictures, as_of),
            pictures={picture.symbol: _plain(picture) for picture in pictures if isinstance(picture, Picture)},
            requested_by=wanted.task_id,
            written_at=self._clock.now(),
        )

    def _told(self, written: Report) -> Event[MarketReported]:
        data = MarketReported(
            report_id=written.id,
            venue=written.venue,
            symbols=written.symbols,
            as_of=written.as_of,
            words=written.words,
        )
        return Event.root(data, source=AGENT, subject=written.id, identity=written.id, time=written.written_at)

    def _fresh_quote(self, venue: str, symbol: str) -> Quote | None:
        quote = self._quotes.get(venue, [symbol]).get(symbol)
        if (
            quote is None
            or self._clock.now() - quote.received_at > self._quote_max_age
            or not 0 < quote.bid <= quote.ask
        ):
            return None
        return quote


def _tell(found: Findings, picture: Picture) -> None:
    as_of, currency = picture.as_of, picture.quote_currency
    for name, value, span in (
        ("return_1d", picture.return_1d, "24 hours"),
        ("return_7d", picture.return_7d, "seven days"),
    ):
        if value is not None:
            found.know(name, value, f"the price changed by {value:+.2%} in {span}", as_of=as_of)
    found.know("trend", picture.trend, f"the price is {report.direction(picture)}", as_of=as_of)
    if picture.volatility_1h is not None:
        words = f"an hour's return deviates by {picture.volatility_1h:.2%}; {report.regime(picture)}"
        found.know("volatility_1h", picture.volatility_1h, words, as_of=as_of)
    if picture.liquidity is not None:
        words = f"{picture.liquidity:,.0f} {currency} are traded in an hour"
        found.know("liquidity", picture.liquidity, words, as_of=as_of)
    found.know("hours", picture.hours, f"{picture.hours:.1f} hours of history were seen", as_of=as_of)
    for other, value in sorted(picture.correlations.items(), key=lambda entry: -abs(entry[1])):
        words = f"hourly returns are correlated with those of {other} by {value:+.2f}"
        found.show("correlation", other, words, value=round(value, 4), as_of=as_of)


def _plain(picture: Picture) -> dict[str, object]:
    """The numbers as JSON takes them."""
    return asdict(picture) | {"as_of": picture.as_of.isoformat(), "correlations": dict(picture.correlations)}
