"""Returns and ratios: tables worked by hand, and what holds for any curve. What the data cannot carry is said, not invented."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.transaction import START
from volexswarm.portfolio import performance as perf
from volexswarm.portfolio.performance import CashFlow, Drawdown, Figure, Point, TradeSums
from volexswarm.units import units_after

DAY = timedelta(days=1)


def curve(*worths: float, step: timedelta = DAY, equity: float = 1000) -> list[Point]:
    """Without flows: the equity moves with the worth of a unit."""
    return [Point(START + number * step, equity * worth, worth) for number, worth in enumerate(worths)]


def flow(value: float, days: float) -> CashFlow:
    return CashFlow(START + days * DAY, value)


# 100 grows to 110; then 90 come, 200 grow to 220; then 120 go, 100 fall to 95
MOVED = [
    Point(START, 100, 1.0),
    Point(START + 1 * DAY, 200, 1.1),
    Point(START + 2 * DAY, 100, 1.21),
    Point(START + 3 * DAY, 95, 1.1495),
]
MOVES = [flow(90, 1), flow(-120, 2)]


def test_deposits_and_withdrawals_are_neither_gain_nor_loss() -> None:
    assert perf.time_weighted_return(MOVED).value == pytest.approx(1.1 * 1.1 * 0.95 - 1)
    # 95 - 100 - 90 + 120 = 25
    assert perf.simple_return(MOVED, MOVES).value == pytest.approx(0.25)
    assert perf.max_drawdown(MOVED) == Drawdown(pytest.approx(0.05), START + 2 * DAY, START + 3 * DAY, None)


@pytest.mark.parametrize(
    ("points", "flows", "expected"),
    [
        # no flow: the plain growth
        (curve(1, 1.1), [], 0.1),
        # doubled by a deposit in the very beginning: 100 earned on nearly 2000
        ([Point(START, 1000, 1.0), Point(START + 100 * DAY, 2100, 1.05)], [flow(1000, 1e-9)], 0.05),
        # deposited in the middle: 1000 g + 1000 sqrt(g) = 2100 -> sqrt(g) = (-1 + sqrt(1 + 8.4)) / 2
        (
            [Point(START, 1000, 1.0), Point(START + 2 * DAY, 2100, 1.06)],
            [flow(1000, 1)],
            ((math.sqrt(9.4) - 1) / 2) ** 2 - 1,
        ),
        # half of it lost before half is withdrawn in the middle: 1000 g - 250 sqrt(g) = 250 -> sqrt(g) = (1 + sqrt(17)) / 8
        (
            [Point(START, 1000, 1.0), Point(START + 2 * DAY, 250, 0.5)],
            [flow(-250, 1)],
            ((1 + math.sqrt(17)) / 8) ** 2 - 1,
        ),
        # what came before the period is in its start
        (curve(1, 1.1), [flow(500, 0)], 0.1),
    ],
)
def test_money_weighted_return(points: list[Point], flows: list[CashFlow], expected: float) -> None:
    assert perf.money_weighted_return(points, flows).value == pytest.approx(expected, rel=1e-6)


def test_a_years_money_weighted_return_is_what_a_spreadsheet_calls_xirr() -> None:
    # the example of Microsoft's XIRR: -10000, 2750, 4250, 3250, 2750 -> 37.336 %
    days = [0, 60, 303, 411, 456]
    points = [Point(START, 10_000, 1.0), Point(START + 456 * DAY, 2750, 1.2)]
    flows = [flow(-2750, days[1]), flow(-4250, days[2]), flow(-3250, days[3])]
    assert perf.money_weighted_annual(points, flows).value == pytest.approx(0.373362535, rel=1e-6)


def test_a_rate_that_is_not_there_or_not_alone_is_not_given() -> None:
    nothing_left = [Point(START, 1000, 1.0), Point(START + DAY, 0, 1e-12)]
    assert "no rate" in str(perf.money_weighted_return(nothing_left, []).reason)
    # 1000, then 2500 go and 1560 come: 1000 g² - 2500 g + 1560 = 0 has two solutions, 1.2 and 1.3
    twice = [Point(START, 1000, 1.0), Point(START + 2 * DAY, 0.0, 1.0)]
    answer = perf.money_weighted_return(twice, [flow(-2500, 1), flow(1560, 2)])
    assert "more than one rate" in str(answer.reason)


def test_annual_figures_compound_and_need_thirty_days() -> None:
    points = [Point(START, 100, 1.0), Point(START + timedelta(days=73), 110, 1.1)]
    assert perf.annual_return(points).value == pytest.approx(1.1**5 - 1)
    short = curve(1, 1.1)
    assert perf.annual_return(short) == Figure(None, "1.0 days are too few to speak of a year: at least 30 days")
    assert perf.money_weighted_annual(short, []).value is None
    assert perf.calmar(short).value is None


def test_calmar_is_the_annual_return_by_the_deepest_drawdown() -> None:
    points = [Point(START, 100, 1.0), Point(START + 10 * DAY, 80, 0.8), Point(START + 365 * DAY, 150, 1.5)]
    assert perf.calmar(points).value == pytest.approx(0.5 / 0.2)
    rising = [Point(START, 100, 1.0), Point(START + 365 * DAY, 150, 1.5)]
    assert perf.calmar(rising) == Figure(None, "there was no drawdown")


ALTERNATING = [0.02, -0.01] * 20
"""Mean 0.005; standard deviation 0.015 × sqrt(40/39); downside sqrt(0.0001 / 2)."""


def test_volatility_sharpe_and_sortino_by_hand() -> None:
    deviation = 0.015 * math.sqrt(40 / 39)
    assert perf.volatility(ALTERNATING, DAY).value == pytest.approx(deviation * math.sqrt(365))
    assert perf.sharpe(ALTERNATING, DAY).value == pytest.approx(0.005 / deviation * math.sqrt(365))
    assert perf.sortino(ALTERNATING, DAY).value == pytest.approx(0.005 / math.sqrt(0.00005) * math.sqrt(365))
    # by the hour there are 24 times as many periods in a year
    hour = timedelta(hours=1)
    assert perf.volatility(ALTERNATING, hour).value == pytest.approx(deviation * math.sqrt(365 * 24))


def test_the_risk_free_rate_is_spread_over_the_year() -> None:
    deviation = 0.015 * math.sqrt(40 / 39)
    expected = (0.005 - 0.365 / 365) / deviation * math.sqrt(365)
    assert perf.sharpe(ALTERNATING, DAY, risk_free=0.365).value == pytest.approx(expected)
    downside = math.sqrt((0.011**2) / 2)
    expected = (0.005 - 0.001) / downside * math.sqrt(365)
    assert perf.sortino(ALTERNATING, DAY, risk_free=0.365).value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        (perf.volatility([0.1] * 29, DAY), "29 returns in a row are too few: at least 30"),
        (perf.sharpe([], DAY), "0 returns in a row are too few: at least 30"),
        (perf.sharpe([0.0] * 30, DAY), "the returns do not vary"),
        (perf.sortino([0.01, 0.02] * 15, DAY), "no return was below the risk-free one"),
        (perf.time_weighted_return([]), "the account was valued fewer than two times in the period"),
        (perf.time_weighted_return(curve(1)), "the account was valued fewer than two times in the period"),
        (perf.simple_return(curve(1, 1, equity=0), []), "the period began with an empty account"),
    ],
)
def test_what_the_data_cannot_carry_has_a_reason_and_no_value(figure: Figure, reason: str) -> None:
    assert figure == Figure(None, reason)


def test_a_gap_is_no_period() -> None:
    points = [Point(START + days * DAY, 1.0, worth) for days, worth in ((0, 1.0), (1, 1.1), (3, 2.2), (4, 2.42))]
    assert perf.returns(points, DAY) == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize(
    ("worths", "expected"),
    [
        ([1.0, 1.2, 0.9, 1.1, 1.3], (0.25, 1, 2, 4)),
        # the deeper of two, and not yet recovered
        ([1.0, 0.9, 1.2, 0.6, 1.0], (0.5, 2, 3, None)),
        # a fall within a fall counts from the first peak
        ([2.0, 1.5, 1.8, 1.0], (0.5, 0, 3, None)),
        # reached again is recovered
        ([1.0, 0.5, 1.0], (0.5, 0, 1, 2)),
    ],
)
def test_max_drawdown(worths: list[float], expected: tuple[float, int, int, int | None]) -> None:
    share, peak, trough, recovered = expected
    found = perf.max_drawdown(curve(*worths))
    assert found is not None
    assert found.share == pytest.approx(share)
    assert (found.peak_at, found.trough_at) == (START + peak * DAY, START + trough * DAY)
    assert found.recovered_at == (None if recovered is None else START + recovered * DAY)


def test_a_curve_that_never_fell_has_no_drawdown() -> None:
    assert perf.max_drawdown(curve(1, 1, 1.1)) is None
    assert perf.max_drawdown([]) is None


TRADES = TradeSums(
    count=5, wins=2, losses=2, won=90, lost=30, largest_win=60, largest_loss=20, held=timedelta(minutes=10)
)
NONE = TradeSums(0, 0, 0, 0, 0, 0, 0, timedelta(0))


def test_what_closed_trades_say() -> None:
    assert perf.win_rate(TRADES).value == pytest.approx(0.4)
    assert perf.profit_factor(TRADES).value == pytest.approx(3)
    assert perf.expectancy(TRADES).value == pytest.approx(12)
    assert perf.average_win(TRADES).value == pytest.approx(45)
    assert perf.average_loss(TRADES).value == pytest.approx(15)
    assert perf.average_holding(TRADES).value == pytest.approx(120)


def test_without_trades_nothing_is_said_of_them() -> None:
    figures = [perf.win_rate, perf.profit_factor, perf.expectancy, perf.average_win, perf.average_loss]
    assert all(figure(NONE).value is None and figure(NONE).reason for figure in [*figures, perf.average_holding])
    unbeaten = TradeSums(1, 1, 0, 5, 0, 5, 0, timedelta(1))
    assert perf.profit_factor(unbeaten) == Figure(None, "no trade lost")


growths = st.lists(st.floats(0.5, 1.5), min_size=2, max_size=40)


@given(growths, st.lists(st.floats(-0.9, 2.0), min_size=40, max_size=40))
def test_units_give_the_product_of_the_growths_between_flows(steps: list[float], shares: list[float]) -> None:
    """Whatever comes and goes, as a share of what there is."""
    equity, units = Decimal(1000), Decimal(1000)
    points, flows = [Point(START, 1000.0, 1.0)], []
    for number, (growth, share) in enumerate(zip(steps, shares, strict=False), 1):
        grown = equity * Decimal(growth)
        change = grown * Decimal(share)
        equity = grown + change
        units = units_after(units, equity, change, None)
        points.append(Point(START + number * DAY, float(equity), float(equity / units)))
        flows.append(flow(float(change), number))
    assert perf.time_weighted_return(points).value == pytest.approx(math.prod(steps) - 1, rel=1e-6, abs=1e-9)
    profit = perf.simple_return(points, flows).value
    assert profit is not None
    assert math.isfinite(profit)


@given(growths)
def test_without_flows_all_returns_agree(steps: list[float]) -> None:
    worths = [1.0]
    for growth in steps:
        worths.append(worths[-1] * growth)
    points = curve(*worths)
    expected = pytest.approx(worths[-1] - 1, rel=1e-6, abs=1e-9)
    assert perf.simple_return(points, []).value == expected
    assert perf.time_weighted_return(points).value == expected
    assert perf.money_weighted_return(points, []).value == expected


@given(st.lists(st.floats(1e-6, 1e6), max_size=60), st.lists(st.floats(-1e6, 1e6), max_size=10))
def test_no_figure_is_ever_without_value_or_reason(worths: list[float], values: list[float]) -> None:
    points, flows = curve(*worths), [flow(value, number) for number, value in enumerate(values)]
    series = perf.returns(points, DAY)
    figures = [
        perf.simple_return(points, flows),
        perf.time_weighted_return(points),
        perf.annual_return(points),
        perf.money_weighted_return(points, flows),
        perf.money_weighted_annual(points, flows),
        perf.volatility(series, DAY),
        perf.sharpe(series, DAY),
        perf.sortino(series, DAY),
        perf.calmar(points),
    ]
    for figure in figures:
        assert (figure.value is None) is (figure.reason is not None)
        assert figure.value is None or math.isfinite(figure.value)


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=30))
def test_the_deepest_drawdown_is_the_deepest_of_all_pairs(worths: list[float]) -> None:
    pairs = [1 - later / earlier for i, earlier in enumerate(worths) for later in worths[i:]]
    found = perf.max_drawdown(curve(*worths))
    assert (found.share if found else 0.0) == pytest.approx(max(pairs), abs=1e-12)
