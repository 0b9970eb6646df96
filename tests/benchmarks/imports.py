"""What a cold start costs each function before its first message: the imports of its handler and of the agent it wires.

The interpreter, the layers and the precompiled code are those of a deployment; AWS's runtime client is there already.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra import runtime
from infra.packaging import packaged, write_code
from infra.render import render, used_layers
from layers.build import Platform, build
from tests.benchmarks.figure import Figure
from volexlocal.configuration import Configuration
from volexlocal.home import CHECKOUT
from volexswarm.agents import Function, functions
from volexswarm.settings import PREFIX

TIMES = 3
STACK = "volexswarm"
WIRED = {
    "api-handler": ("control_reader",),
    "authorizer": ("token_verifier",),
    "market-data": ("batch", "market_data_agent"),
    "signal": ("batch", "signal_agent"),
    "risk": ("batch", "risk_agent"),
    "compliance": ("batch", "compliance_agent"),
    "execution-orders": ("batch", "execution_agent"),
    "execution-fills": ("batch", "execution_agent"),
    "execution-keeper": ("execution_agent", "slicer", "guard"),
    "portfolio-voice": ("portfolio_voice",),
    "signal-voice": ("signal_voice",),
    "risk-voice": ("risk_voice",),
    "compliance-voice": ("compliance_voice",),
    "research": ("research_agent",),
    "news-sentiment": ("news_agent",),
    "strategy": ("strategy_agent",),
    "backtest": ("backtest_agent",),
    "optimize": ("optimize_agent",),
    "strategy-discovery": ("discovery_agent",),
    "meta-tasks": ("batch", "dispatcher"),
    "meta-steps": ("task_steps",),
    "meta-keeper": ("dispatcher", "task_upkeep", "task_schedules", "calibration"),
    "meta-broadcast": ("broadcaster",),
    "meta-websocket": ("gate", "subscription_desk"),
    "meta-deliberate": ("coordinator",),
    "meta-read": ("model_voices",),
    "monitor-events": ("batch", "monitor_agent"),
    "monitor-keeper": ("monitor_agent",),
}
"""What each handler asks of `chalicelib.runtime.wiring`. None of it speaks to the outside when it is made."""

_PROGRAM = """
import json, sys, time
asked = json.loads(sys.argv[1])
sys.path[:0] = asked["paths"]
import awslambdaric.bootstrap
began = time.process_time()
__import__(asked["module"])
from chalicelib.runtime import wiring
for name in asked["wired"]:
    getattr(wiring, name)()
print((time.process_time() - began) * 1000)
"""


def run() -> Iterator[Figure]:
    """Median processor time of each function's cold start. Builds what is not built yet."""
    cache = CHECKOUT / ".volex" / "cache"
    interpreter = runtime.build(cache) / "bin/python"
    layers = {layer: build(layer.value, Platform.here(), cache / "layers").path for layer in used_layers()}
    with tempfile.TemporaryDirectory(prefix="volexswarm-bench-") as folder:
        code, handlers = _unpacked(Path(folder))
        for function in functions():
            module = handlers[function.name].rpartition(".")[0]
            paths = [code, *(layers[layer] for layer in function.layers)]
            taken = [_cold(interpreter, function, module, paths) for _ in range(TIMES)]
            yield Figure(f"cold imports of {function.name}", round(statistics.median(taken)), "CPU ms")


def _unpacked(folder: Path) -> tuple[Path, dict[str, str]]:
    """The code as it is deployed, and each function's handler."""
    code = folder / "code"
    with packaged() as app:
        resources = render(app.template, "embedded", STACK).body["Resources"]
        archive = write_code(app, Platform.here(), folder, with_bootstrap=True)
    with zipfile.ZipFile(archive) as content:
        content.extractall(code)
    found = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Lambda::Function"]
    return code, {one["FunctionName"].removeprefix(f"{STACK}-api-"): one["Handler"] for one in found}


def _cold(interpreter: Path, function: Function, module: str, paths: Sequence[Path]) -> float:
    """Milliseconds of processor time in a fresh interpreter with the environment of a function, and nothing else."""
    asked = {"module": module, "paths": [str(path) for path in paths], "wired": WIRED[function.name]}
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": f"{STACK}-api-{function.name}",
        **{f"{PREFIX}{field.upper()}": value for field, value in Configuration().settings().items()},
    }
    command = [str(interpreter), "-I", "-c", _PROGRAM, json.dumps(asked)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{function.name} can't be imported: {done.stderr.strip()[-500:]}")
    return float(done.stdout)
