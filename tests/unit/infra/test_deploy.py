"""Deployment's own decisions: which parameters, which changes, which failure is told."""

import pytest

from infra.deploy import DeployError, deploy, settings_parameters
from infra.render import render
from volexswarm.settings import Settings

SETTINGS = Settings(
    target="embedded",
    symbols=("BTC/USDT", "ETH/USDT"),
    timeframes=("1m", "5m"),
    redis_url="redis://127.0.0.1:6379/0",
    vault_url="http://127.0.0.1:8200",
)


def test_settings_survive_the_way_through_parameters_and_environment(app):
    template = render(app.template, "embedded").body
    given = settings_parameters(SETTINGS)
    values = {name: given.get(name, one.get("Default")) for name, one in template["Parameters"].items()}
    variables = template["Resources"]["Risk"]["Properties"]["Environment"]["Variables"]
    environment = {name: values[value["Ref"]] for name, value in variables.items() if "Ref" in value}
    assert Settings.from_environment({k: v for k, v in environment.items() if v is not None}) == SETTINGS


@pytest.mark.parametrize(
    ("target", "endpoint"), [("embedded", None), ("localstack", None), ("aws", "http://127.0.0.1:1")]
)
def test_a_local_target_needs_an_endpoint_and_aws_takes_none(target, endpoint, tmp_path):
    with pytest.raises(DeployError, match="endpoint"):
        deploy(target, {}, endpoint=endpoint, home=tmp_path)
