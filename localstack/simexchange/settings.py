"""What the simulated exchange can be told at the start."""

from dataclasses import dataclass, field
from pathlib import Path

ACCOUNT = "main"


class BadSettings(ValueError):
    """Something was asked for that cannot be; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that shapes a run.

    `symbols` maps unified symbols to their first price, None for a usual one; it rules the synthetic market. With `replay`, the
    one market is `replay_symbol`. `start_ms` None means the recording's first minute or, without one, a fixed instant.
    With `paused` the clock stands until it is told to run or to step; with `wait_for_subscriber` until someone subscribes to
    trades. `max_positions` maps unified symbols to the most base that an account may hold or have
    on order there, in units of 10^-8. `balances` are given once, at the first start of a data directory, in units of 10^-8.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 7
    speed: float = 1.0
    symbols: dict[str, float | None] = field(
        default_factory=lambda: {"BTC/USDT": None, "ETH/USDT": None, "SOL/USDT": None}
    )
    trades_per_second: float = 0.5
    replay: Path | None = None
    replay_symbol: str | None = None
    start_ms: int | None = None
    balances: dict[str, int] | None = None
    max_positions: dict[str, int] = field(default_factory=dict)
    wait_for_subscriber: bool = False
    paused: bool = False
    weight_limit: int = 6000
    api_key: str | None = None
    secret: str | None = None

    def __post_init__(self) -> None:
        if (self.replay is None) != (self.replay_symbol is None):
            raise BadSettings("--replay FILE and --symbol BASE/QUOTE belong together: give both or none")
        if (self.api_key is None) != (self.secret is None):
            raise BadSettings("--api-key and --secret belong together: give both or none")
        if self.paused and self.wait_for_subscriber:
            raise BadSettings("--paused and --wait-for-subscriber exclude each other: give one of them")
        if self.speed <= 0:
            raise BadSettings(f"--speed must be above 0, got {self.speed}")
        if not 0 <= self.port <= 65535:
            raise BadSettings(f"--port must be 0 (any free one) to 65535, got {self.port}")
