from volexswarm.realtime.frontier import Frontier


def frontier():
    return Frontier(["BTC/USDT", "ETH/USDT"], grace=1.0)


def test_a_symbol_is_complete_through_its_own_last_trade():
    now = frontier()
    now.traded("BTC/USDT", 5000)
    now.traded("BTC/USDT", 4000)

    assert now.watermarks([], now=0.0) == {"BTC/USDT": 5000}


def test_a_quiet_symbol_follows_the_exchanges_clock_after_the_grace():
    now = frontier()
    now.asked(60_000, answered_at=10.0)

    assert now.watermarks(["ETH/USDT"], now=10.9) == {}
    assert now.watermarks(["ETH/USDT"], now=11.0) == {"ETH/USDT": 60_000}


def test_a_symbol_with_a_gap_stays_behind_the_clock():
    now = frontier()
    now.traded("BTC/USDT", 5000)
    now.asked(60_000, answered_at=10.0)

    assert now.watermarks(["ETH/USDT"], now=12.0) == {"BTC/USDT": 5000, "ETH/USDT": 60_000}


def test_while_older_trades_stream_in_the_clock_proves_nothing():
    now = frontier()
    now.asked(60_000, answered_at=10.0)
    now.arrived(50_000, now=11.5)

    assert now.watermarks(["ETH/USDT"], now=12.0) == {}

    now.arrived(60_001, now=12.1)
    assert now.watermarks(["ETH/USDT"], now=12.2) == {"ETH/USDT": 60_000}


def test_a_broken_connection_makes_earlier_answers_worthless():
    now = frontier()
    now.asked(60_000, answered_at=10.0)
    now.disconnected()

    assert now.watermarks(["ETH/USDT"], now=12.0) == {}


def test_a_watermark_never_goes_back():
    now = frontier()
    now.asked(60_000, answered_at=10.0)
    now.watermarks(["BTC/USDT"], now=12.0)
    now.disconnected()
    now.traded("BTC/USDT", 59_000)

    assert now.watermarks(["BTC/USDT"], now=20.0) == {"BTC/USDT": 60_000}
