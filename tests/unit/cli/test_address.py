from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest

from volexswarm.cli.address import USUAL, api_url, foreign


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


ME, MY_GROUP, ROOT, SOMEBODY = 1000, 1000, 0, 4711


@pytest.mark.parametrize(
    ("mode", "owner", "group", "words"),
    [
        (0o100600, ME, MY_GROUP, None),
        # umask 002: the group of the same name as its only member
        (0o100664, ME, MY_GROUP, None),
        (0o40775, ME, MY_GROUP, None),
        (0o100644, ROOT, ROOT, None),
        (0o100644, ME, SOMEBODY, None),
        (0o100600, SOMEBODY, MY_GROUP, "belongs to another user"),
        (0o100664, ME, SOMEBODY, "its group may write it"),
        (0o100666, ME, MY_GROUP, "everybody may write it"),
        # as /tmp itself: whoever writes there may put the file there
        (0o41777, ROOT, ROOT, "everybody may write it"),
    ],
)
def test_what_others_may_write_is_not_trusted(mode: int, owner: int, group: int, words: str | None) -> None:
    status = os.stat_result((mode, 0, 0, 1, owner, group, 0, 0, 0, 0))
    assert foreign(status, ME, MY_GROUP) == words


@pytest.mark.parametrize("place", ["api.json", ""], ids=["the file", "its folder"])
def test_an_address_that_others_may_have_written_is_passed_over_and_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    write(tmp_path / ".volex", json.dumps({"url": "http://127.0.0.1:8104"}))
    inside = tmp_path / "tmp" / "project"
    write(inside.parent / ".volex", json.dumps({"url": "http://6.6.6.6"}))
    trap = inside.parent / ".volex" / place
    trap.chmod(0o777)

    assert api_url(None, {}, inside) == "http://127.0.0.1:8104"

    said = capsys.readouterr()
    assert f"{trap}: everybody may write it" in said.err
    assert not said.out


def test_nothing_is_said_of_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".volex").mkdir()
    (tmp_path / ".volex").chmod(0o777)
    assert api_url(None, {}, tmp_path) == USUAL
    assert not capsys.readouterr().err
