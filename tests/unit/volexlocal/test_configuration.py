"""Wishes for a cloud: defaults, checks, and what a change means for stored books."""

from pathlib import Path

import pytest

from volexlocal import configuration
from volexlocal.configuration import DEFAULT_PORTS, Configuration
from volexlocal.failures import CloudError
from volexswarm.settings import Settings


def _changed(**wishes: object) -> Configuration:
    return configuration.changed(Configuration(), wishes)


def test_an_offset_moves_every_port() -> None:
    moved = _changed(port_offset=100)

    assert {part: moved.port(part) - port for part, port in DEFAULT_PORTS.items()} == dict.fromkeys(DEFAULT_PORTS, 100)


def test_a_port_of_its_own_beats_the_offset() -> None:
    assert _changed(port_offset=100, ports={"postgres": 15000}).port("postgres") == 15000


def test_ports_are_added_to_those_set_before() -> None:
    first = _changed(ports={"postgres": 15000})

    assert configuration.changed(first, {"ports": {"valkey": 15001}}).ports == {"postgres": 15000, "valkey": 15001}


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"speed": 0}, "speed"),
        ({"port_offset": -1}, "port_offset"),
        ({"ports": {"postgres": 70000}}, "postgres"),
        ({"ports": {"oracle": 1521}}, "no part is called oracle; there are proxy"),
        ({"ports": {"postgres": 15000, "valkey": 15000}}, "two parts have the same port"),
        ({"symbols": "BTC/USDT,eth"}, "symbols.1: expected BASE/QUOTE in capitals, as BTC/USDT .got 'eth'.$"),
        ({"symbols": ""}, "symbols"),
        ({"replay": Path("missing.csv"), "symbol": "XRP/ETH"}, "^options: there is no file missing.csv to replay$"),
        ({"symbol": "XRP/ETH"}, "needs both the file and its symbol"),
        ({"valuation": "usdt"}, "valuation: expected a currency in capitals, as USDT"),
        ({"failure_rate": 1.0}, "failure_rate"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wish_that_cannot_be_met_is_named(wishes: dict[str, object], words: str) -> None:
    with pytest.raises(CloudError, match=words):
        _changed(**wishes)


def test_a_replay_trades_its_symbol_and_waits_for_the_feed(tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    file.touch()

    market = _changed(replay=file, symbol="XRP/ETH").market

    assert market.traded == ("XRP/ETH",)
    assert market.wait_for_subscriber


def test_asking_for_symbols_ends_a_replay(tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    file.touch()
    replaying = _changed(replay=file, symbol="XRP/ETH")

    assert configuration.changed(replaying, {"symbols": "BTC/USDT"}).replay is None


@pytest.mark.parametrize(
    ("wishes", "same"),
    [
        ({"speed": 5}, True),
        ({"port_offset": 100}, True),
        ({"failure_rate": 0.05}, True),
        ({"symbols": "BTC/USDT"}, False),
        ({"seed": 8}, False),
        ({"valuation": "BTC"}, False),
    ],
)
def test_only_another_market_makes_stored_books_meaningless(wishes: dict[str, object], same: bool) -> None:
    assert (_changed(**wishes).books() == Configuration().books()) is same


def test_the_product_accepts_the_settings() -> None:
    settings = Settings.model_validate(_changed(symbols="BTC/USDT,ETH/USDT", failure_rate=0.05).settings())

    assert settings.symbols == ("BTC/USDT", "ETH/USDT")
    assert settings.failure_rate == 0.05


@pytest.mark.parametrize(
    ("wishes", "address"),
    [
        ({}, "ws://127.0.0.1:8005"),
        ({"port_offset": 100}, "ws://127.0.0.1:8105"),
        ({"ports": {"websocket": 9000}}, "ws://127.0.0.1:9000"),
    ],
)
def test_the_product_tells_clients_the_proxys_address(wishes: dict[str, object], address: str) -> None:
    assert Settings.model_validate(_changed(**wishes).settings()).socket_url == address


def test_a_model_is_handed_on_to_the_product_and_replaced_as_a_whole() -> None:
    first = _changed(model={"provider": "ollama", "name": "a-model", "url": "http://127.0.0.1:11434"})
    settings = Settings.model_validate(first.settings())
    assert (settings.model_provider, settings.model_name) == ("ollama", "a-model")

    own = configuration.changed(first, {"model": {"provider": "policy"}})
    assert Settings.model_validate(own.settings()).model_url is None


def test_a_field_of_the_model_that_is_set_can_be_changed_alone() -> None:
    first = _changed(model={"provider": "openai", "name": "a-model", "url": "http://127.0.0.1:9", "price": "0:0"})
    again = configuration.changed(configuration.changed(first, {"speed": 10.0}), {"model": {"form": "json"}})
    assert again.model == first.model | {"form": "json"}
    assert configuration.changed(again, {"model": {"form": ""}}).model == first.model
    with pytest.raises(CloudError, match="--model name: expected the name of a model"):
        configuration.changed(again, {"model": {"name": ""}})


def test_a_field_alone_does_not_make_a_model_of_the_analysts() -> None:
    own = _changed(model={"provider": "policy"})
    with pytest.raises(CloudError, match="--model name: of which provider"):
        configuration.changed(own, {"model": {"name": "a-model"}})


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"provider": "ollama"}, "--model name: expected the name of a model of ollama"),
        ({"provider": "clippy"}, "--model provider: expected 'policy'"),
        ({"provider": "policy", "temper": "hot"}, "--model temper: expected no field of this name"),
        ({"form": "json"}, "--model form: of which provider"),
    ],
)
def test_a_model_that_can_not_be_asked_is_refused(model: dict[str, str], words: str) -> None:
    with pytest.raises(CloudError, match=words):
        _changed(model=model)


def test_what_was_kept_is_loaded(tmp_path: Path) -> None:
    kept = _changed(speed=5, symbols="BTC/USDT")
    (tmp_path / "config.json").write_text(kept.model_dump_json())

    assert configuration.load(tmp_path / "config.json") == kept


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"speed": "fast"}')

    with pytest.raises(CloudError, match="speed"):
        configuration.load(tmp_path / "config.json")
