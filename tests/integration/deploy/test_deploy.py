"""Deployment onto the real emulator: once, again, after a change, and when something is wrong."""

import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import psutil
import pytest

from infra.deploy import DeployError, deploy
from layers.build import AWS
from tests.integration.deploy.conftest import STACK
from volexlocal.ports import free_ports
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.server import Place
from volexswarm.agents import functions
from volexswarm.messages import Event, Queue, Side, SignalRaised, encode

PROBE = """
def _probe():
    import importlib.util, os, sys
    names = ["ministack", "volexlocal", "pytest", "pandas", "ccxt", "boto3", "psycopg", "pydantic", "volexswarm"]
    return {
        "prefix": sys.prefix,
        "path": sys.path,
        "environment": dict(os.environ),
        "found": [name for name in names if importlib.util.find_spec(name)],
        "origin": importlib.util.find_spec("volexswarm").origin,
        "isolated": sys.flags.isolated,
    }
"""


def status_of(url, body):
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_stack_comes_up_whole_and_a_second_time_nothing_changes(trial):
    first = trial.deploy()
    assert first.changed
    names = {one["FunctionName"] for one in trial.client("lambda").list_functions()["Functions"]}
    assert {f"{STACK}-api-{function.name}" for function in functions()} <= names
    reported = [line for line in trial.lines if "AWS::Lambda::Function" in line]
    assert len(reported) == len(functions())
    assert json.loads((trial.home / "outputs.json").read_text())["api_url"] == first.api_url
    assert status_of(f"{first.api_url}/login", {"username": "somebody"}) == 400

    second = trial.deploy()
    assert not second.changed
    assert trial.lines == []
    assert second.values == first.values


def test_a_change_of_code_is_deployed_in_place_and_messages_stay(trial):
    trial.edit("functions/chalicelib/agents/monitor.py", "    monitor = wiring.monitor_agent()", '    return "before"')
    trial.edit(
        "functions/chalicelib/agents/monitor.py", "def on_schedule(_event: Any) -> None:", "def on_schedule(_event):"
    )
    first = trial.deploy()
    assert trial.invoke("monitor-keeper") == "before"
    sqs = trial.client("sqs")
    dead = sqs.get_queue_url(QueueName=f"{STACK}-{Queue.TICKS.dead_letters}")["QueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody="kept")

    trial.edit("functions/chalicelib/agents/monitor.py", '"before"', '"after"')
    second = trial.deploy()
    assert second.changed
    assert trial.invoke("monitor-keeper") == "after"
    assert second.api_url == first.api_url
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=dead)["Messages"]] == ["kept"]


def test_a_function_sees_its_own_interpreter_layers_and_environment_alone(trial, monkeypatch):
    trial.edit("functions/chalicelib/agents/monitor.py", "    monitor = wiring.monitor_agent()", "    return _probe()")
    trial.edit(
        "functions/chalicelib/agents/monitor.py",
        "blueprint = Blueprint(__name__)",
        f"blueprint = Blueprint(__name__)\n{PROBE}",
    )
    trial.deploy()
    seen = trial.invoke("monitor-keeper")
    assert seen["prefix"].startswith(str(trial.home / "cache/runtime-"))
    assert seen["isolated"] == 1
    # its own runtime and the base layer; nothing of the emulator's or this test's environment, no layer it does not have
    assert seen["found"] == ["boto3", "psycopg", "pydantic", "volexswarm"]
    assert "ministack-provided-code" in seen["origin"]
    task_root, layer, *_ = seen["path"]
    assert seen["origin"].startswith(task_root)
    assert "/layers/base-" in layer
    allowed = (
        "AWS_",
        "LAMBDA_",
        "VOLEX_",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "PATH",
        "LANG",
        "TZ",
        "PYTHONUTF8",
        "TMPDIR",
        "PWD",
        "LC_CTYPE",
        "_",
    )
    assert not [name for name in seen["environment"] if not name.startswith(allowed)]
    assert not {"VOLEX_RUNTIME", "VOLEX_LAYERS", "AWS_PROFILE"} & set(seen["environment"])
    assert seen["environment"]["AWS_ENDPOINT_URL"] == trial.emulator.url


def test_what_can_never_be_handled_lies_among_the_dead_letters_with_its_reason(trial):
    trial.edit(
        "functions/chalicelib/runtime/wiring.py",
        "def risk_agent() -> RiskAgent:",
        "def risk_agent() -> RiskAgent:\n    return type('Agent', (), {'assess': print})",
    )
    trial.deploy()
    sqs = trial.client("sqs")
    alive = sqs.get_queue_url(QueueName=f"{STACK}-{Queue.SIGNALS.value}")["QueueUrl"]
    dead = sqs.get_queue_url(QueueName=f"{STACK}-{Queue.SIGNALS.dead_letters}")["QueueUrl"]
    sqs.send_message(QueueUrl=alive, MessageBody="no event at all")
    found = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"]
    assert [message["Body"] for message in found] == ["no event at all"]
    assert found[0]["MessageAttributes"]["reason"]["StringValue"].startswith("InvalidInput: message")


PATIENT = """
class _Patient:
    calls = 0

    def assess(self, event):
        from datetime import timedelta

        from volexswarm.errors import Retry

        _Patient.calls += 1
        if _Patient.calls == 1:
            raise Retry("not yet", timedelta(seconds=1))
        print("passed", event.data.strategy)


@cache
def settings()"""

SIGNAL = SignalRaised(
    venue="binance",
    symbol="BTC/USDT",
    strategy_id="s",
    strategy="manual",
    side=Side.BUY,
    confidence=1,
    price=Decimal(1),
    as_of=datetime(2026, 1, 5, 12, tzinfo=UTC),
    reason="test",
)


def test_a_message_that_must_wait_comes_back_after_its_own_delay(trial):
    """The queue's visibility timeout alone would take two minutes, longer than this test may."""
    wiring = "functions/chalicelib/runtime/wiring.py"
    trial.edit(wiring, "\n@cache\ndef settings()", PATIENT)
    trial.edit(wiring, "def risk_agent() -> RiskAgent:", "def risk_agent() -> RiskAgent:\n    return _Patient()")
    trial.deploy()
    sqs, logs = trial.client("sqs"), trial.client("logs")
    alive = sqs.get_queue_url(QueueName=f"{STACK}-{Queue.SIGNALS.value}")["QueueUrl"]
    event = Event.root(SIGNAL, source="test", subject="binance:BTC/USDT", identity="1", time=SIGNAL.as_of)
    sqs.send_message(QueueUrl=alive, MessageBody=encode(event))
    lines, deadline = "", time.monotonic() + 60
    while "passed manual" not in lines and time.monotonic() < deadline:
        time.sleep(0.5)
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{STACK}-api-risk")["events"]
        lines = "\n".join(line["message"] for line in found)
    assert "comes back: not yet" in lines
    assert event.correlationid in lines
    assert "passed manual" in lines


def test_a_resource_that_fails_is_named_and_a_corrected_template_goes_through(trial):
    trial.edit(
        "infra/resources.yaml",
        "Resources:\n",
        "Resources:\n  Broken:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: bad.fifo, DelaySeconds: 100000}\n",
    )
    with pytest.raises(DeployError, match="Broken"):
        trial.deploy()
    trial.edit(
        "infra/resources.yaml",
        "  Broken:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: bad.fifo, DelaySeconds: 100000}\n",
        "",
    )
    assert trial.deploy().changed


def test_parameters_are_checked_by_name(trial):
    with pytest.raises(DeployError, match="no such parameter: Symbol;"):
        trial.deploy(Symbol="BTC/USDT")


def test_an_emulator_that_is_not_there_is_named(trial, monkeypatch):
    monkeypatch.setattr(type(trial.emulator), "url", "http://127.0.0.1:9")
    with pytest.raises(DeployError, match=re.escape("127.0.0.1:9")):
        trial.deploy()
    monkeypatch.undo()


def test_the_aws_template_takes_code_and_layers_from_the_bucket(trial, aws):
    """The emulator stands in for AWS, found through the standard variables, as AWS's own endpoints are."""
    outputs = deploy(
        "aws",
        {
            "Symbols": "BTC/USDT",
            "Timeframes": "1m",
            "RedisUrl": "rediss://cache.example:6379/0",
            "VaultUrl": "https://vault.example:8200",
        },
        stack=STACK,
        home=trial.home,
        report=trial.lines.append,
    )
    assert outputs.changed
    assert outputs.api_url.startswith(f"https://{outputs.api_id}.execute-api.us-east-1.")
    found = trial.client("lambda").get_function_configuration(FunctionName=f"{STACK}-api-signal")
    assert found["Runtime"] == f"python{AWS.python}"
    assert [layer["Arn"].split(":")[-2] for layer in found["Layers"]] == [f"{STACK}-base", f"{STACK}-analytics"]
    assert found["Environment"]["Variables"]["VOLEX_VAULT_URL"] == "https://vault.example:8200"
    assert "AWS_ENDPOINT_URL" not in found["Environment"]["Variables"]


def test_what_must_be_given_is_named(trial, aws):
    with pytest.raises(DeployError, match="for RedisUrl, Symbols, Timeframes, VaultUrl"):
        deploy("aws", {}, stack=STACK, home=trial.home)


def test_functions_end_with_their_emulator_however_it_ends(tmp_path, trial):
    own = Emulator(Place(free_ports(1)[0], tmp_path / "own", tmp_path / "own.log"))
    own.start()
    try:
        alone = replace(trial, emulator=own)
        alone.deploy()
        alone.invoke("monitor-keeper")
        # the keeper can reach nothing here, and says so in its log; its process waits for the next call
        assert own.identity is not None
        waiting = psutil.Process(own.identity.pid).children(recursive=True)
        functions_of_it = [one for one in waiting if "volex_start.py" in " ".join(one.cmdline())]
        assert functions_of_it
        psutil.Process(own.identity.pid).kill()
        _, alive = psutil.wait_procs(functions_of_it, timeout=10)
        assert alive == []
    finally:
        own.stop()
