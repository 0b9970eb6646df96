"""Settings of the feed's process: those of every process, and a few of its own."""

from __future__ import annotations

from pydantic import Field

from volexswarm.settings import Settings


class RealtimeSettings(Settings):
    """Each field is the variable `VOLEX_<FIELD>`.

    `realtime_host`, `realtime_port` where health and metrics are served; `realtime_flush` seconds between batches;
    `realtime_batch_ticks` trades per message; `realtime_queue_ticks` trades held while the queue is away;
    `realtime_grace` seconds that a trade may take from the exchange to us; `realtime_silence` seconds without a message
    after which the exchange is asked whether there was something to say; `realtime_reconcile` seconds between two looks
    at the account's own fills.
    """

    realtime_host: str = "127.0.0.1"
    realtime_port: int = Field(default=8026, ge=0, le=65535)
    realtime_flush: float = Field(default=0.2, gt=0, le=10)
    realtime_batch_ticks: int = Field(default=5000, ge=1, le=20_000)
    realtime_queue_ticks: int = Field(default=500_000, ge=1000)
    realtime_grace: float = Field(default=1.0, gt=0, le=60)
    realtime_silence: float = Field(default=15.0, gt=0, le=600)
    realtime_reconcile: float = Field(default=60.0, gt=0, le=3600)
