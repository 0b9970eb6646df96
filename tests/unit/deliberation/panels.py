"""Panels and snapshots for tests, made from few words."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from tests.fakes.transaction import START
from volexswarm.deliberation.desk import DESK
from volexswarm.deliberation.domain import Abstention, Answer, Opinion, Silence, Snapshot
from volexswarm.messages import Evidence, Question, Side, Stance, Testimony

UNTAINTED = tuple(role.name for role in DESK if not role.tainted)
GATES = tuple(role.name for role in DESK if role.gate)
MARKET = tuple(role.name for role in DESK if not role.tainted and not role.gate)

FEATURES: Mapping[str, Mapping[str, float]] = {
    "research": {
        "trend": 0.7,
        "return_1d": 0.02,
        "return_7d": 0.05,
        "volatility_1h": 0.004,
        "spread": 0.0004,
        "hours": 200,
    },
    "news-sentiment": {"sentiment": 0.3, "items": 4, "age_hours": 2, "dispersion": 0.2},
    "signal": {"rsi_14": 58, "macd_hist": 0.3, "ma_spread": 0.9, "bollinger_position": 0.4, "atr_share": 0.01},
    "strategy": {"active": 2, "stance": 0.6, "trades": 30, "win_rate": 0.55, "expectancy": 0.01, "profit_factor": 1.4},
    "portfolio": {
        "equity": 100_000,
        "cash_share": 0.9,
        "position_share": 0.02,
        "unrealised_share": 0.0,
        "drawdown": 0.01,
    },
    "risk": {"passed": 1, "room_share": 0.2, "stop_share": 0.03, "breakers_open": 0, "halted": 0},
    "compliance": {"passed": 1, "restricted": 0, "trades_left_today": 20, "open_flags": 0},
}
"""A market that rises, and an account that may buy."""


def question(
    wish: Side | None = None, target: float | None = None, task: str = "t1", symbol: str = "BTC/USDT"
) -> Question:
    return Question(
        task_id=task,
        attempt=1,
        venue="binance",
        account="main",
        symbol=symbol,
        timeframe="1h",
        wish=wish,
        target_share=target,
        as_of=START,
    )


def one_testimony(agent: str, features: Mapping[str, float], *headlines: str, missing: str | None = None) -> Testimony:
    evidence = tuple(
        Evidence(id=f"{agent}:item:{n}", kind="item", text=text, as_of=START, tainted=True)
        for n, text in enumerate(headlines)
    )
    return Testimony(
        agent=agent, symbol="BTC/USDT", as_of=START, features=dict(features), evidence=evidence, missing=missing
    )


def all_testimonies(**changes: Mapping[str, float] | None) -> tuple[Testimony, ...]:
    """Everybody's, with some features changed (`news_sentiment={...}`); None makes an agent missing."""
    made = []
    for agent, usual in FEATURES.items():
        change = changes.get(agent.replace("-", "_"), {})
        if change is None:
            made.append(one_testimony(agent, {}, missing=f"{agent} was not reached"))
        else:
            made.append(one_testimony(agent, {**usual, **change}))
    return tuple(made)


def snapshot(wish: Side | None = None, target: float | None = None, **changes: Mapping[str, float] | None) -> Snapshot:
    return Snapshot(question=question(wish, target), testimonies=all_testimonies(**changes))


def says(stance: str, confidence: float = 0.6, size: float = 0.05, to: str | None = None) -> Opinion:
    return Opinion(stance=Stance(stance), confidence=confidence, size_frac=size, rationale="because", objection_to=to)


SILENT = Abstention(why=Silence.NO_DATA, reason="nothing to go by")


def panel_of(**said: Answer) -> dict[str, Answer]:
    """A panel by role (`news_sentiment=...`); those not named hold without conviction."""
    panel: dict[str, Answer] = {role.name: says("hold", 0.0) for role in DESK}
    return panel | {role.replace("_", "-"): answer for role, answer in said.items()}


shares = st.floats(0, 1, allow_nan=False)
opinions = st.builds(
    Opinion,
    stance=st.sampled_from(Stance),
    confidence=shares,
    size_frac=shares,
    rationale=st.just("because"),
    objection_to=st.none() | st.sampled_from([role.name for role in DESK]),
)
answers: st.SearchStrategy[Answer] = st.one_of(opinions, opinions, opinions, st.just(SILENT))


def panels() -> st.SearchStrategy[dict[str, Answer]]:
    """Any answers of the whole desk."""
    return st.fixed_dictionaries({role.name: answers for role in DESK})


weights = st.fixed_dictionaries({}, optional={role.name: st.floats(0.5, 1.5) for role in DESK})
