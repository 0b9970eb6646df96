"""Settings: a missing or wrong variable is named at start."""

import pytest

from volexswarm.errors import InvalidInput
from volexswarm.market.timeframes import Timeframe
from volexswarm.settings import Settings

COMPLETE = {
    "VOLEX_TARGET": "embedded",
    "VOLEX_SYMBOLS": "BTC/USDT, ETH/USDT",
    "VOLEX_TIMEFRAMES": "1m,5m",
    "VOLEX_REDIS_URL": "redis://127.0.0.1:6379/0",
    "VOLEX_VAULT_URL": "http://127.0.0.1:8200",
    "UNRELATED": "ignored",
}


def test_lists_are_read_from_words():
    settings = Settings.from_environment(COMPLETE)
    assert settings.symbols == ("BTC/USDT", "ETH/USDT")
    assert settings.timeframes == (Timeframe.M1, Timeframe.M5)


@pytest.mark.parametrize("missing", [name for name in COMPLETE if name.startswith("VOLEX_")])
def test_a_missing_setting_is_named(missing):
    with pytest.raises(InvalidInput, match=missing):
        Settings.from_environment({name: value for name, value in COMPLETE.items() if name != missing})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VOLEX_TIMEFRAMES", "2m"),
        ("VOLEX_SYMBOLS", "btcusdt"),
        ("VOLEX_TARGET", "moon"),
        ("VOLEX_FAILURE_RATE", "1"),
        ("VOLEX_REDIS_URL", "127.0.0.1"),
        ("VOLEX_QUOTE_MAX_AGE", "0"),
        ("VOLEX_MODEL_PROVIDER", "oracle"),
        ("VOLEX_MODEL_URL", "localhost:11434"),
        ("VOLEX_PUSH_URL", "ws://127.0.0.1:8005"),
        ("VOLEX_SOCKET_URL", "http://127.0.0.1:8005"),
    ],
)
def test_a_wrong_setting_is_named(name, value):
    with pytest.raises(InvalidInput, match=name):
        Settings.from_environment(COMPLETE | {name: value})


def test_a_provider_of_models_needs_a_models_name_and_our_own_analysts_none():
    chosen = COMPLETE | {"VOLEX_MODEL_PROVIDER": "ollama"}
    with pytest.raises(InvalidInput, match=r"VOLEX_MODEL_NAME.*the name of a model of ollama"):
        Settings.from_environment(chosen)
    assert Settings.from_environment(chosen | {"VOLEX_MODEL_NAME": "llama3"}).model_name == "llama3"
    assert Settings.from_environment(COMPLETE).model_provider == "policy"
