"""Seeding: complete, repeatable, and never over what somebody has decided."""

import psycopg
import pytest

from infra.seed import seed
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.errors import InvalidInput
from volexswarm.market.timeframes import Timeframe
from volexswarm.risk.policy import RiskPolicy
from volexswarm.strategies.registry import TEMPLATES, build
from volexswarm.tasks.policy import TasksPolicy

SYMBOLS = ["BTC/USDT", "ETH/USDT"]


@pytest.fixture
def connection(database_dsn):
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        yield connection


def test_a_new_system_gets_valid_policies_and_every_template_on_every_symbol(database_dsn, connection):
    added = seed(database_dsn, "binance", SYMBOLS)
    policies = dict(connection.execute("SELECT name, body FROM policies WHERE version = 1").fetchall())
    assert RiskPolicy.model_validate(policies["risk"]) == RiskPolicy()
    assert CompliancePolicy.model_validate(policies["compliance"]).allowed_venues == ("binance",)
    assert TasksPolicy.model_validate(policies["tasks"]) == TasksPolicy()
    rows = connection.execute("SELECT id, template, symbol, timeframe, parameters, status FROM strategies").fetchall()
    wanted = {(template, symbol, tf) for template in TEMPLATES for symbol in SYMBOLS for tf in ("1m", "5m")}
    assert {(template, symbol, timeframe) for _, template, symbol, timeframe, _, _ in rows} == wanted
    assert {status for *_, status in rows} == {"active"}
    for _, template, _, timeframe, parameters, _ in rows:
        build(template, parameters, Timeframe(timeframe))
    assert sorted(added) == sorted(
        ["policy risk", "policy compliance", "policy tasks", *(f"strategy {row[0]}" for row in rows)]
    )


def test_seeding_again_adds_nothing(database_dsn):
    seed(database_dsn, "binance", SYMBOLS)
    assert seed(database_dsn, "binance", SYMBOLS) == []


def test_a_new_symbol_and_another_venue_are_added_later(database_dsn):
    seed(database_dsn, "binance", SYMBOLS[:1])
    assert len(seed(database_dsn, "binance", SYMBOLS, ["1h"])) == len(TEMPLATES)
    assert len(seed(database_dsn, "kraken", SYMBOLS[:1], ["1h"])) == 1 + len(TEMPLATES)


def test_what_somebody_decided_stays(database_dsn, connection):
    connection.execute("INSERT INTO policies (name, version, body, activated_by) VALUES ('risk', 3, '{}', 'ada')")
    connection.execute(
        "INSERT INTO strategies (id, template, venue, symbol, timeframe, parameters, status)"
        " VALUES ('mine', 'rsi', 'binance', 'BTC/USDT', '1h', '{}', 'archived')"
    )
    assert seed(database_dsn, "binance", ["BTC/USDT"]) == ["policy compliance", "policy tasks"]
    assert connection.execute("SELECT version FROM policies WHERE name = 'risk'").fetchall() == [(3,)]


def test_an_unknown_timeframe_is_refused_and_nothing_is_added(database_dsn, connection):
    with pytest.raises(InvalidInput, match="timeframes"):
        seed(database_dsn, "binance", SYMBOLS, ["1m", "7m"])
    assert connection.execute("SELECT count(*) FROM policies").fetchone() == (0,)
