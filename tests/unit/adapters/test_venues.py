import ccxt
import ccxt.pro
import pytest

from volexswarm.adapters.capabilities import CAPABILITIES
from volexswarm.adapters.venues import SANDBOXES, connection
from volexswarm.errors import InvalidInput


def test_the_simulated_exchange_gets_every_url_that_spot_trading_uses():
    exchange = ccxt.pro.binance(connection("binance", "http://127.0.0.1:18090/", "simulated"))

    api = exchange.urls["api"]
    assert api["public"] == api["private"] == "http://127.0.0.1:18090/api/v3"
    assert api["ws"]["spot"] == "ws://127.0.0.1:18090/stream"
    assert api["ws"]["ws-api"]["spot"] == "ws://127.0.0.1:18090/ws-api/v3"
    assert exchange.streaming["keepAlive"] == 10_000
    assert exchange.options["fetchMarkets"]["types"] == ["spot"]


def test_an_overloaded_simulated_exchange_is_recognised_as_such():
    exchange = ccxt.binance(connection("binance", "http://127.0.0.1:18090", "simulated"))
    body = '{"code":-1008,"msg":"busy"}'

    with pytest.raises(ccxt.OperationFailed):
        exchange.handle_errors(
            503, "", "http://127.0.0.1:18090/api/v3/order", "POST", {}, body, {"code": -1008}, {}, {}
        )


@pytest.mark.parametrize("venue", sorted(SANDBOXES))
def test_ccxt_itself_has_the_sandboxes_we_name(venue):
    exchange = getattr(ccxt, venue)(connection(venue, None, "sandbox"))

    assert exchange.isSandboxModeEnabled or exchange.options.get("sandboxMode")


def test_the_table_of_capabilities_knows_the_same_sandboxes():
    assert {venue for venue, able in CAPABILITIES.items() if able.sandbox} == SANDBOXES & CAPABILITIES.keys()


def test_live_keeps_the_venues_own_host():
    assert ccxt.binance(connection("binance", None, "live")).urls["api"]["public"] == "https://api.binance.com/api/v3"


@pytest.mark.parametrize(
    ("venue", "url", "mode", "field"),
    [
        ("binance", None, "simulated", "exchange_url"),
        ("binance", "ftp://127.0.0.1", "simulated", "exchange_url"),
        ("kraken", "http://127.0.0.1:1", "simulated", "venue"),
        ("kraken", None, "sandbox", "venue"),
        ("binance", "http://127.0.0.1:1", "live", "exchange_url"),
        ("binance", "http://127.0.0.1:1", "sandbox", "exchange_url"),
        ("binance", None, "paper", "mode"),
    ],
)
def test_what_can_not_be_connected_is_refused_by_name(venue, url, mode, field):
    with pytest.raises(InvalidInput) as refusal:
        connection(venue, url, mode)

    assert refusal.value.field == field
