"""The containers' file: valid, pinned, on loopback only, and given everything it asks for."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from volexlocal import compose
from volexlocal.compose import Containers
from volexlocal.configuration import Configuration
from volexlocal.failures import CloudError
from volexlocal.home import CHECKOUT, Home
from volexlocal.site import container_settings
from volexswarm.settings import Settings

BIN = Path(sys.executable).parent
DOCKERFILES = ("infra/realtime/Dockerfile", "localstack/simexchange/Dockerfile")


def _services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(compose.FILE.read_text())["services"]
    return services


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_file_is_a_valid_compose_file() -> None:
    _run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", compose.FILE)


@pytest.mark.parametrize("file", DOCKERFILES)
def test_the_dockerfile_passes_its_linter(file: str) -> None:
    _run(BIN / "hadolint", CHECKOUT / file)


@pytest.mark.parametrize("file", DOCKERFILES)
def test_what_a_dockerfile_copies_is_there(file: str) -> None:
    sources = re.findall(r"^COPY (\S+) ", (CHECKOUT / file).read_text(), re.MULTILINE)

    assert sources
    assert [source for source in sources if not (CHECKOUT / source).exists()] == []


def test_every_foreign_image_is_pinned() -> None:
    images = {name: service["image"] for name, service in _services().items() if "build" not in service}

    assert images
    assert all(re.search(r":\d+\.\d+\.\d+", image) for image in images.values()), images


def test_every_port_is_published_on_loopback_alone() -> None:
    published = [port for service in _services().values() for port in service["ports"]]

    assert len(published) == len(_services())
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_every_value_the_file_asks_for_is_given(tmp_path: Path) -> None:
    asked = set(re.findall(r"\$\{(\w+)", compose.FILE.read_text()))

    assert asked <= set(Containers(Home(tmp_path)).environment(Configuration()))


def test_all_services_but_the_feed_are_started_before_provisioning() -> None:
    assert set(compose.SERVERS) == set(_services()) - {"realtime-data"}


def test_services_are_addressed_by_their_names() -> None:
    settings = Settings.model_validate(container_settings(Configuration()))

    hosts = {
        re.sub(r"^\w+://([\w-]+).*", r"\1", url)
        for url in (settings.exchange_url or "", settings.redis_url, settings.vault_url)
    }
    assert hosts <= set(_services())
    assert settings.target == "localstack"


def test_without_docker_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CloudError, match="Docker, which is not installed; `make up` alone needs none"):
        Containers(Home(tmp_path)).up({}, print)


def test_an_engine_that_does_not_run_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CloudError, match="Cannot connect to the Docker daemon"):
        Containers(Home(tmp_path)).up({}, print)
