"""The account's own orders and fills, from the user data stream into `fills`.

After every connect, and every minute after that, the exchange's list of own fills is compared with the recorded ones, so that no
fill is lost while nobody listened. What is reported twice has the same id, and whoever receives it drops the second.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from random import Random

from volexswarm.agents import REALTIME_DATA
from volexswarm.clock import Clock
from volexswarm.errors import Unavailable
from volexswarm.messages import Event, ExecutionReported, ReconcileAccount
from volexswarm.realtime.backoff import Backoff
from volexswarm.realtime.link import Link
from volexswarm.realtime.ports import FeedStore, OnReady, RecordedFills, Venue
from volexswarm.realtime.sender import Message, Outlet
from volexswarm.realtime.settings import RealtimeSettings

logger = logging.getLogger(__name__)

Report = Event[ExecutionReported]
Comparison = Event[ReconcileAccount]


def reported(report: ExecutionReported, clock: Clock) -> Report:
    """The event of a report. The same fill, or the same state of the same order, gives the same id from whichever source."""
    order = f"{report.venue}/{report.account}/{report.symbol}"
    identity = (
        f"{order}/fill/{report.trade_id}"
        if report.trade_id is not None
        else f"{order}/order/{report.exchange_order_id}/{report.state}/{report.filled.normalize():f}"
    )
    return Event.root(
        report,
        source=REALTIME_DATA.name,
        subject=f"{report.key}:{report.exchange_order_id}",
        identity=identity,
        time=clock.now(),
    )


def as_message(event: Event[ExecutionReported] | Event[ReconcileAccount]) -> Message:
    """The event as a message of the FIFO queue."""
    return Message(event.id, event.data.group, event.model_dump_json())


class AccountFeed:
    """Runs the account's reports into an outlet."""

    def __init__(
        self,
        venue: Venue,
        store: FeedStore,
        outlet: Outlet[Report],
        commands: Outlet[Comparison],
        settings: RealtimeSettings,
        clock: Clock,
        random: Random,
    ) -> None:
        self._venue = venue
        self._store = store
        self._outlet = outlet
        self._commands = commands
        self._settings = settings
        self._clock = clock
        self._backoff = Backoff(random)
        self._due = asyncio.Event()
        self._held: list[ExecutionReported] | None = []
        self._fills: dict[str, set[str]] = {symbol: set() for symbol in settings.symbols}
        self.link = Link("account", Backoff(random), venue.cut)
        self.reports = 0
        self.recovered = 0

    @property
    def is_recovered(self) -> bool:
        """True once what happened before the connection has been asked for."""
        return self._held is None

    async def run(self) -> None:
        """Feed until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reconcile_regularly())
            group.create_task(self.link.keep(self._watch, self._due.set, self._on_lost))

    async def _watch(self, ready: OnReady) -> None:
        await self._venue.watch_account(self._on_report, ready)

    def _on_lost(self) -> None:
        self._held = self._held or []

    def _on_report(self, report: ExecutionReported) -> None:
        self.reports += 1
        if self._held is None:
            self._send(report)
        else:
            self._held.append(report)  # what was missed comes first

    def _send(self, report: ExecutionReported) -> None:
        if report.trade_id is not None:
            self._fills[report.symbol].add(report.trade_id)
        self._outlet.put(reported(report, self._clock))

    async def _reconcile_regularly(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._settings.realtime_reconcile):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            if not self.link.is_ready:
                continue
            try:
                await self._reconcile()
                self._backoff.reset()
            except Unavailable as error:
                logger.warning("own fills: %s", error)
                await self._backoff.sleep()
                self._due.set()

    async def _reconcile(self) -> None:
        """Report the fills that are neither recorded nor reported yet, and after a connect the open orders."""
        connection = self.link.connects
        was_recovered = self.is_recovered
        recorded = await asyncio.to_thread(
            self._store.recorded_fills, self._settings.venue, self._settings.account, self._settings.symbols
        )
        missed = await self._missed(recorded)
        orders = [] if was_recovered else await self._venue.open_orders()
        if connection != self.link.connects or not self.link.is_ready:
            return  # it broke meanwhile: the next connect asks again
        for report in (*missed, *orders):
            self._send(report)
        self.recovered += len(missed)
        self._release()
        if not was_recovered and connection > 1:
            self._commands.put(self._comparison(connection))
        if missed and was_recovered:
            self.link.cut(f"{len(missed)} own fills came without a message")

    async def _missed(self, recorded: Mapping[str, RecordedFills]) -> list[ExecutionReported]:
        found: list[ExecutionReported] = []
        for symbol, known in recorded.items():
            self._fills[symbol] -= known.trade_ids  # recorded: nothing more to remember
            start = min(map(int, known.trade_ids), default=None)
            told = known.trade_ids | self._fills[symbol]
            fills = await self._venue.own_fills(symbol, start, known.opened_at, told)
            found += [fill for fill in fills if fill.as_of > known.opened_at]
        if found:
            await asyncio.sleep(self._settings.realtime_grace)  # they may be on their way
        return [fill for fill in found if fill.trade_id not in self._fills[fill.symbol]]

    def _comparison(self, connection: int) -> Comparison:
        """The command to compare everything else, too: what was it that cut us off, and what did it do meanwhile?"""
        venue, account, now = self._settings.venue, self._settings.account, self._clock.now()
        command = ReconcileAccount(venue=venue, account=account, occasion="reconnect", requested_by=REALTIME_DATA.name)
        identity = f"{venue}/{account}/{connection}/{now.isoformat()}"
        return Event.root(command, source=REALTIME_DATA.name, subject=f"{venue}:{account}", identity=identity, time=now)

    def _release(self) -> None:
        held, self._held = self._held or [], None
        for report in held:
            self._send(report)
