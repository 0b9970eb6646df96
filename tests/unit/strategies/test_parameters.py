"""Parameters: the ranges, the defaults, and words a user can act on."""

import subprocess
import sys

import pytest

from volexswarm.errors import InvalidInput
from volexswarm.market.timeframes import Timeframe
from volexswarm.strategies.parameters import PARAMETERS, parse
from volexswarm.strategies.registry import TEMPLATES, build


def test_every_template_has_parameters_and_every_parameter_a_default():
    assert set(TEMPLATES) == set(PARAMETERS) == {"ma_cross", "rsi", "bollinger", "macd"}
    for template in TEMPLATES:
        build(template, {}, Timeframe.M1)


def test_parameters_survive_the_database():
    for template in PARAMETERS:
        parameters = parse(template, {})
        assert parse(template, parameters.model_dump(mode="json")) == parameters


@pytest.mark.parametrize(
    ("template", "parameters", "field"),
    [
        ("ma_cross", {"fast": 4}, "parameters.fast"),
        ("ma_cross", {"fast": 51}, "parameters.fast"),
        ("ma_cross", {"slow": 201}, "parameters.slow"),
        ("ma_cross", {"fast": 20, "slow": 20}, "parameters"),
        ("ma_cross", {"fast": 30, "slow": 20}, "parameters"),
        ("ma_cross", {"fats": 10}, "parameters.fats"),
        ("ma_cross", {"fast": "ten"}, "parameters.fast"),
        ("rsi", {"period": 31}, "parameters.period"),
        ("rsi", {"oversold": 41}, "parameters.oversold"),
        ("rsi", {"overbought": 59.9}, "parameters.overbought"),
        ("rsi", {"oversold": float("nan")}, "parameters.oversold"),
        ("bollinger", {"period": 9}, "parameters.period"),
        ("bollinger", {"deviations": 3.1}, "parameters.deviations"),
        ("macd", {"fast": 20, "slow": 20}, "parameters"),
        ("macd", {"slow": 51}, "parameters.slow"),
        ("macd", {"signal": 4}, "parameters.signal"),
        ("macd", {"stop_atr": 0}, "parameters.stop_atr"),
        ("macd", {"atr_period": 51}, "parameters.atr_period"),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name(template, parameters, field):
    with pytest.raises(InvalidInput) as refused:
        parse(template, parameters)
    assert refused.value.field == field


def test_an_unknown_template_is_refused_with_the_list_of_those_there_are():
    with pytest.raises(InvalidInput, match="bollinger, ma_cross, macd, rsi"):
        parse("martingale", {})


def test_parameters_load_without_pandas():
    code = "import sys, volexswarm.strategies.parameters; sys.exit('pandas' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_market_context_loads_without_pandas():
    code = "import sys, volexswarm.market.agent; sys.exit('pandas' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
