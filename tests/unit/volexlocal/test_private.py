"""Secrets on disk."""

import stat
from pathlib import Path

from volexlocal import private


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    private.write(tmp_path / "secrets" / "one", "text")

    assert _mode(tmp_path / "secrets" / "one") == 0o600
    assert _mode(tmp_path / "secrets") == 0o700


def test_writing_again_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    private.write(tmp_path / "one", "first")
    private.write(tmp_path / "one", "second")

    assert (tmp_path / "one").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_password_is_made_once(tmp_path: Path) -> None:
    first = private.password(tmp_path / "password")

    assert len(first) >= 32
    assert private.password(tmp_path / "password") == first
    assert private.password(tmp_path / "other") != first
