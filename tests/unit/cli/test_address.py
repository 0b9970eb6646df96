from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from volexswarm.cli.address import USUAL, api_url


def write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "api.json").write_text(text)


def test_what_the_user_says_wins(tmp_path: Path) -> None:
    write(tmp_path / ".volex", json.dumps({"url": "http://127.0.0.1:8104"}))
    assert api_url("http://10.0.0.1:80/api/", {}, tmp_path) == "http://10.0.0.1:80"


def test_the_local_cloud_of_the_checkout_is_found_from_a_folder_inside_it(tmp_path: Path) -> None:
    write(tmp_path / ".volex", json.dumps({"url": "http://127.0.0.1:8104/"}))
    inside = tmp_path / "docs" / "adr"
    inside.mkdir(parents=True)
    assert api_url(None, {}, inside) == "http://127.0.0.1:8104"


def test_another_home_of_the_local_cloud_comes_first(tmp_path: Path) -> None:
    write(tmp_path / ".volex", json.dumps({"url": "http://127.0.0.1:8104"}))
    write(tmp_path / "other", json.dumps({"url": "http://127.0.0.1:8204"}))
    assert api_url(None, {"VOLEX_HOME": str(tmp_path / "other")}, tmp_path) == "http://127.0.0.1:8204"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_spoilt_note_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    write(tmp_path / ".volex", text)
    assert api_url(None, {}, tmp_path) == USUAL


def test_an_address_must_be_http() -> None:
    with pytest.raises(click.UsageError, match="http://"):
        api_url("127.0.0.1:8004")
