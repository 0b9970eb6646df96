"""Logs: whole JSON lines with the chain's id; one summary per call, also when it fails."""

import io
import json
import logging

import pytest

import app
from chalicelib.runtime import observability
from chalicelib.runtime.observability import correlate, observed


@pytest.fixture
def log(monkeypatch):
    """What is logged, as the text that would reach the log."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.terminator = ""
    monkeypatch.setattr(observability, "_fallback", handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_of_any_logger_carry_service_and_correlation_id_until_the_call_ends(log):
    @observed("risk")
    def handler(_event):
        correlate("chain-1")
        logging.getLogger("volexswarm.risk.agent").warning("refused", extra={"symbol": "BTC/USDT"})
        return {"batchItemFailures": [{"itemIdentifier": "a"}]}

    handler({"Records": [{}, {}]})
    inside, summary = lines(log)
    assert (inside["message"], inside["service"], inside["correlation_id"]) == ("refused", "risk", "chain-1")
    assert inside["symbol"] == "BTC/USDT"
    assert (summary["message"], summary["messages"], summary["waiting"]) == ("done", 2, 1)
    assert "correlation_id" not in summary


def test_a_failed_call_is_logged_counted_and_raised(log, capsys):
    @observed("risk")
    def handler(_event):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        handler({})
    assert lines(log)[-1]["message"] == "failed"
    metrics = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (metrics["service"], metrics["Failures"]) == ("risk", [1.0])


def test_the_app_leaves_the_domains_logger_alone():
    domain = logging.getLogger(app.app.app_name)
    assert (domain.level, domain.propagate, domain.handlers) == (logging.NOTSET, True, [])
