"""Deploys the stack: builds what changed, uploads it, and applies the template through a change set.

The same for every target; only the address differs, and that functions on AWS take their layers from S3 while the local clouds
use the built folders. Nothing is applied when nothing changed. `python -m infra.deploy --target embedded --endpoint URL …`
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from infra import runtime
from infra.packaging import PackagingError, packaged, write_code
from infra.render import (
    OWN_SETTINGS,
    TARGETS,
    RenderError,
    Target,
    Template,
    is_local,
    parameter_name,
    render,
    used_layers,
)
from layers.build import AWS, BuildError, Platform, build
from volexswarm.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("functions", "layers", "infra", "statemachines")
POLL_SECONDS = 0.3
REGION = "us-east-1"
PATIENCE = Config(connect_timeout=5, retries={"max_attempts": 3, "mode": "standard"})

Report = Callable[[str], None]


class DeployError(Exception):
    """The stack is not what it should be; the message names the first thing that failed, and why."""


@dataclass(frozen=True)
class Outputs:
    """What a deployment gives. `api_url` is reachable from here; `values` are the stack's outputs, queue URLs among them."""

    target: str
    stack: str
    changed: bool
    api_id: str
    api_url: str
    values: Mapping[str, str]

    def write(self, file: Path) -> None:
        """Write as JSON, in one step: a reader never sees half of it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(f".{os.getpid()}")
        scratch.write_text(json.dumps(asdict(self), indent=1))
        scratch.replace(file)


def settings_parameters(settings: Settings) -> dict[str, str]:
    """The template's parameters for these settings."""
    fields = [field for field in Settings.model_fields if field not in OWN_SETTINGS]
    return {parameter_name(field): _text(getattr(settings, field)) for field in fields}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)


def deploy(
    target: Target,
    parameters: Mapping[str, str],
    *,
    endpoint: str | None = None,
    stack: str = "volexswarm",
    home: Path = ROOT / ".volex",
    report: Report = lambda _: None,
) -> Outputs:
    """Bring the stack to the present sources and parameters.

    Parameters
    ----------
    target : str
        embedded, localstack or aws.
    parameters : mapping
        Values of the template's parameters (`settings_parameters` makes them from Settings). Those left out keep the value
        that the stack has, or their default.
    endpoint : str, optional
        Address of the AWS emulator; required for local targets, none for aws.
    stack : str
        Name of the stack and prefix of all its names.
    home : Path
        Local state: the cache of layers and code is below it, and `outputs.json` is written there.
    report : callable
        Gets a line for every step and every resource.

    Raises
    ------
    DeployError
        If something can't be built, or CloudFormation refuses or fails; what it could roll back it has rolled back.
    """
    if is_local(target) != (endpoint is not None):
        raise DeployError(f"target {target} {'needs' if is_local(target) else 'takes no'} --endpoint")
    session = _Session(endpoint)
    try:
        built = _build_parts(home, report) if is_local(target) else {}
        given = dict(parameters) | built | ({"AwsEndpointUrl": endpoint} if endpoint else {})
        digest = _digest(target, given)
        deployment = _Deployment(session.client("cloudformation"), stack, report)
        values = deployment.values_if_current(digest)
        changed = values is None
        if values is None:
            values = _apply(target, given, digest, session, deployment, home)
    except (BuildError, PackagingError, RenderError) as error:
        raise DeployError(str(error)) from error
    except (BotoCoreError, ClientError) as error:
        where = endpoint or "AWS"
        raise DeployError(f"{where} refused: {error}") from error
    outputs = Outputs(target, stack, changed, values["ApiId"], _api_url(values, endpoint), values)
    outputs.write(home / "outputs.json")
    return outputs


def _api_url(values: Mapping[str, str], endpoint: str | None) -> str:
    if endpoint is None:
        return values["ApiUrl"]
    return f"{endpoint.rstrip('/')}/_aws/execute-api/{values['ApiId']}/api"


class _Session:
    """Clients for AWS, or for an emulator with credentials that mean nothing elsewhere."""

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint
        self._session = (
            boto3.Session()
            if endpoint is None
            else boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
        )

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint, config=PATIENCE)

    @property
    def region(self) -> str:
        return self._session.region_name or REGION


def _build_parts(home: Path, report: Report) -> dict[str, str]:
    """The interpreter and the layers of the local clouds, as parameters."""
    cache = home.resolve() / "cache"
    parts = {"FunctionRuntime": str(runtime.build(cache, report))}
    for layer in used_layers():
        parts[f"{layer.value.capitalize()}LayerPath"] = str(
            build(layer.value, Platform.here(), cache / "layers", report).path
        )
    return parts


def _digest(target: Target, given: Mapping[str, str]) -> str:
    """Hash of all that the stack is made from."""
    digest = hashlib.sha256(json.dumps([target, Platform.here().label, dict(sorted(given.items()))]).encode())
    for path in _source_files():
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def _source_files() -> Iterator[Path]:
    for top in SOURCES:
        for path in sorted((ROOT / top).rglob("*")):
            if path.is_file() and not {"__pycache__", "deployments", "deployed"} & set(path.parts):
                yield path


def _apply(
    target: Target, given: dict[str, str], digest: str, session: _Session, deployment: _Deployment, home: Path
) -> dict[str, str]:
    """Package, upload and apply; the stack's outputs."""
    platform = Platform.here() if is_local(target) else AWS
    cache = home / "cache"
    bucket = _bucket(session, deployment.stack)
    s3 = session.client("s3")
    deployment.report("packaging the functions")
    with packaged() as app:
        template = render(app.template, target, deployment.stack)
        code = write_code(app, platform, cache / "code", with_bootstrap=is_local(target))
    template.body["Outputs"]["SourceDigest"] = {"Value": digest}
    values = given | {"ArtifactBucket": bucket, "CodeKey": _upload(s3, bucket, "code", code, deployment.report)}
    if not is_local(target):
        for layer in used_layers():
            made = build(layer.value, AWS, cache / "layers", deployment.report)
            key = _upload(s3, bucket, f"layers/{made.folder.name}", made.zip(), deployment.report)
            values[f"{layer.value.capitalize()}LayerKey"] = key
    text = cache / f"template-{digest}.json"
    text.write_text(template.to_json())
    try:
        url_key = _upload(s3, bucket, "templates", text, deployment.report)
    finally:
        text.unlink()
    return deployment.apply(template, s3_url(s3, bucket, url_key), values)


def s3_url(s3: Any, bucket: str, key: str) -> str:
    """Address of an object as CloudFormation wants it."""
    if s3.meta.endpoint_url and "amazonaws.com" not in s3.meta.endpoint_url:
        return f"{s3.meta.endpoint_url}/{bucket}/{key}"
    return f"https://{bucket}.s3.{s3.meta.region_name}.amazonaws.com/{key}"


def _bucket(session: _Session, stack: str) -> str:
    """The private bucket of code and layers, made on first use."""
    account = session.client("sts").get_caller_identity()["Account"]
    name = f"{stack}-artifacts-{account}-{session.region}"
    s3 = session.client("s3")
    try:
        s3.head_bucket(Bucket=name)
        return name
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
    place = (
        {} if session.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": session.region}}
    )
    s3.create_bucket(Bucket=name, **place)
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=closed)
    return name


def _upload(s3: Any, bucket: str, prefix: str, file: Path, report: Report) -> str:
    """Upload unless it is there: names hold the content's hash. The object's key."""
    key = f"{prefix}/{file.name}"
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        report(f"uploading {key} ({file.stat().st_size / 2**20:.1f} MiB)")
        s3.upload_file(str(file), bucket, key)
    return key


class _Deployment:
    """One stack at CloudFormation."""

    def __init__(self, cloudformation: CloudFormationClient, stack: str, report: Report) -> None:
        self._cloudformation = cloudformation
        self.stack = stack
        self.report = report

    def values_if_current(self, digest: str) -> dict[str, str] | None:
        """The outputs, if the stack is complete and made from exactly these sources and parameters."""
        found = self._find()
        if found is None or found["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return None
        values = _outputs(found)
        return values if values.get("SourceDigest") == digest else None

    def apply(self, template: Template, template_url: str, given: Mapping[str, str]) -> dict[str, str]:
        """Create or update the stack through a change set, and wait for the end."""
        existing = self._usable()
        name = f"deploy-{datetime.now(UTC):%Y%m%d%H%M%S%f}"
        before = self._last_event() if existing else None
        self._cloudformation.create_change_set(
            StackName=self.stack,
            ChangeSetName=name,
            ChangeSetType="UPDATE" if existing else "CREATE",
            TemplateURL=template_url,
            Parameters=_parameters(template, given, existing),  # type: ignore[arg-type]
            Capabilities=["CAPABILITY_IAM"],
        )
        if self._ready(name):
            self._cloudformation.execute_change_set(StackName=self.stack, ChangeSetName=name)
            self._follow(before)
        found = self._find()
        assert found is not None  # it has just been applied
        return _outputs(found)

    def _find(self) -> dict[str, Any] | None:
        try:
            found: Any = self._cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"} else dict(found)

    def _usable(self) -> dict[str, Any] | None:
        """The stack, if it can be updated. One whose creation failed holds nothing and is deleted first."""
        found = self._find()
        if found is None or (
            found["StackStatus"].endswith("_COMPLETE") and found["StackStatus"] != "ROLLBACK_COMPLETE"
        ):
            return found
        if found["StackStatus"].endswith("_IN_PROGRESS"):
            raise DeployError(
                f"stack {self.stack} is being changed by somebody else ({found['StackStatus']}): try again later"
            )
        if found["StackStatus"] not in {"ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"}:
            raise DeployError(f"stack {self.stack} is {found['StackStatus']}: repair it in CloudFormation first")
        self.report(f"deleting stack {self.stack}, whose creation failed")
        self._cloudformation.delete_stack(StackName=self.stack)
        self._cloudformation.get_waiter("stack_delete_complete").wait(StackName=self.stack, WaiterConfig={"Delay": 1})
        return None

    def _ready(self, change_set: str) -> bool:
        """Wait for the change set; False if it changes nothing."""
        waiter = self._cloudformation.get_waiter("change_set_create_complete")
        try:
            waiter.wait(StackName=self.stack, ChangeSetName=change_set, WaiterConfig={"Delay": 1, "MaxAttempts": 300})
        except WaiterError as error:
            reason = self._cloudformation.describe_change_set(StackName=self.stack, ChangeSetName=change_set)
            why = reason.get("StatusReason", str(error))
            self._cloudformation.delete_change_set(StackName=self.stack, ChangeSetName=change_set)
            if "didn't contain changes" in why or "No updates" in why:
                return False
            raise DeployError(f"CloudFormation refused the template: {why}") from error
        return True

    def _follow(self, before: str | None) -> None:
        """Report every resource until the stack is at rest; raise the first failure's reason."""
        failure: str | None = None
        last = before
        while True:
            news = self._events_after(last)
            for event in news:
                status, resource = event["ResourceStatus"], event["LogicalResourceId"]
                reason = event.get("ResourceStatusReason", "")
                if not status.endswith("_IN_PROGRESS"):
                    self.report(f"{status:16} {event['ResourceType']:32} {resource} {reason}".rstrip())
                if status.endswith("_FAILED") and failure is None:
                    failure = f"{resource} ({event['ResourceType']}): {reason or status}"
            last = news[-1]["EventId"] if news else last
            found = self._find()
            status = found["StackStatus"] if found else "DELETE_COMPLETE"
            if not status.endswith("_IN_PROGRESS") and not self._events_after(last):
                break
            time.sleep(POLL_SECONDS)
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            why = failure or (found or {}).get("StackStatusReason", status)
            raise DeployError(f"stack {self.stack} is {status}; first failure: {why}")

    def _events(self) -> Iterator[dict[str, Any]]:
        """Newest first."""
        pages = self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.stack)
        for page in pages:
            yield from page["StackEvents"]  # type: ignore[misc]

    def _last_event(self) -> str | None:
        return next((event["EventId"] for event in self._events()), None)

    def _events_after(self, last: str | None) -> list[dict[str, Any]]:
        """Events since `last`, oldest first."""
        news = []
        for event in self._events():
            if event["EventId"] == last:
                break
            news.append(event)
        return news[::-1]


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def _parameters(
    template: Template, given: Mapping[str, str], existing: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Given values, else the stack's present ones, else the template's defaults.

    Raises
    ------
    DeployError
        Naming parameters that the template does not have, or that need a value.
    """
    if unknown := set(given) - template.parameters():
        raise DeployError(
            f"no such parameter: {', '.join(sorted(unknown))}; there are {', '.join(sorted(template.parameters()))}"
        )
    present = {one["ParameterKey"] for one in (existing or {}).get("Parameters", ())}
    needed = {name for name, one in template.body["Parameters"].items() if "Default" not in one}
    if missing := needed - set(given) - present:
        raise DeployError(f"give --parameter NAME=VALUE for {', '.join(sorted(missing))}")
    kept = (present & template.parameters()) - set(given)
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in sorted(given.items())] + [
        {"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)
    ]


def main() -> int:
    """`python -m infra.deploy --target T [--endpoint URL] [--parameter NAME=VALUE …]`"""
    parser = argparse.ArgumentParser(description="Deploy the stack.")
    parser.add_argument("--target", choices=TARGETS, required=True)
    parser.add_argument("--endpoint", help="address of the AWS emulator (local targets)")
    parser.add_argument("--stack", default="volexswarm")
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("VOLEX_HOME", ROOT / ".volex")))
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="a parameter's value")
    arguments = parser.parse_args()
    if wrong := [text for text in arguments.parameter if "=" not in text]:
        parser.error(f"--parameter wants NAME=VALUE, got {wrong[0]}")
    parameters = dict(text.split("=", 1) for text in arguments.parameter)
    try:
        outputs = deploy(
            arguments.target,
            parameters,
            endpoint=arguments.endpoint,
            stack=arguments.stack,
            home=arguments.home,
            report=print,
        )
    except DeployError as error:
        print(error, file=sys.stderr)
        return 1
    print("deployed" if outputs.changed else "nothing has changed")
    for name, value in sorted(outputs.values.items()):
        print(f"  {name:24} {value}")
    print(f"API: {outputs.api_url}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
