"""The feed's numbers for Prometheus, read from the parts themselves when somebody asks: counting costs nothing in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from volexswarm.realtime.feeds import Feeds

PREFIX = "volexswarm_realtime_"


class FeedCollector(Collector):
    """Everything that /metrics shows."""

    def __init__(self, feeds: Feeds) -> None:
        self._trades = feeds.trades
        self._quotes = feeds.quotes
        self._account = feeds.account
        self._feeds = feeds

    def collect(self) -> Iterable[Metric]:
        yield from self._of_symbols()
        yield from self._of_streams()
        yield from self._of_outlets()
        yield _gauge("lag_seconds", "Exchange time at arrival minus the trade's own.", self._trades.lag_ms / 1000)
        yield _gauge("last_trade_age_seconds", "Since the last trade came.", self._trades.silent_for)
        yield _gauge("buffered_trades", "Trades that wait for the next flush.", self._trades.buffered)
        yield _counter("quotes", "Best bids and asks received.", self._quotes.received)
        yield _counter("quotes_refreshed", "Best bids and asks asked for, as none came.", self._quotes.refreshed)
        yield _counter("execution_reports", "Reports on own orders received.", self._account.reports)
        yield _counter("fills_recovered", "Own fills that came without a message.", self._account.recovered)

    def _of_symbols(self) -> Iterator[Metric]:
        lines = self._trades.lines
        of = {symbol: line.sequence for symbol, line in lines.items()}
        counters: dict[str, tuple[str, dict[str, int]]] = {
            "trades": ("Trades accepted, each once.", {s: q.accepted for s, q in of.items()}),
            "duplicates": ("Trades that came again.", {s: q.duplicates for s, q in of.items()}),
            "gaps": ("Times that ids were missing.", {s: q.gaps for s, q in of.items()}),
            "fetched": ("Trades fetched by id.", {s: line.fetched for s, line in lines.items()}),
            "dropped": (
                "Trades left at the exchange for want of room, fetched later.",
                {s: q.refused for s, q in of.items()},
            ),
            "absent": ("Ids the exchange says it has no trade for.", {s: q.absent for s, q in of.items()}),
        }
        for name, (text, values) in counters.items():
            family = CounterMetricFamily(PREFIX + name, text, labels=["symbol"])
            for symbol, value in values.items():
                family.add_metric([symbol], value)
            yield family
        behind = GaugeMetricFamily(PREFIX + "behind", "1 while a symbol is not complete.", labels=["symbol"])
        for symbol, line in lines.items():
            behind.add_metric([symbol], 0 if line.is_complete else 1)
        yield behind

    def _of_streams(self) -> Iterator[Metric]:
        connects = CounterMetricFamily(PREFIX + "connects", "Connections made.", labels=["stream"])
        up = GaugeMetricFamily(PREFIX + "connected", "1 while the subscription is confirmed.", labels=["stream"])
        for link in (self._trades.link, self._quotes.link, self._account.link):
            connects.add_metric([link.name], link.connects)
            up.add_metric([link.name], int(link.is_ready))
        yield connects
        yield up

    def _of_outlets(self) -> Iterator[Metric]:
        sent = CounterMetricFamily(PREFIX + "messages", "Messages that the queue accepted.", labels=["queue"])
        failed = CounterMetricFamily(
            PREFIX + "send_failures", "Attempts that the queue did not accept.", labels=["queue"]
        )
        held = GaugeMetricFamily(PREFIX + "held", "Trades or reports that wait for the queue.", labels=["queue"])
        for outlet in (self._feeds.loads, self._feeds.reports):
            sent.add_metric([outlet.queue], outlet.sent)
            failed.add_metric([outlet.queue], outlet.failures)
            held.add_metric([outlet.queue], outlet.held)
        yield from (sent, failed, held)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _counter(name: str, text: str, value: int) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value=value)
