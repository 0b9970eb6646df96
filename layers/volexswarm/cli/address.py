"""Where the API is: what the user says, else what the local cloud of this checkout wrote down, else the usual address.

Passwords and tokens are sent there: what another user may have written down is not believed.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import click

USUAL = "http://127.0.0.1:8004"


def api_url(given: str | None, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """The API's address without `/api` and without a slash at its end.

    Parameters
    ----------
    given : str or None
        From the command line or VOLEXSWARM_URL; wins over everything.
    environment : mapping, optional
        The process's, unless given: `VOLEX_HOME` may name the local cloud's folder.
    folder : Path, optional
        Where to begin to look for `.volex`, upward; the current folder unless given. What is passed over there, because others
        may write it, is named on standard error.

    Raises
    ------
    click.UsageError
        If it is no http address.
    """
    environment = os.environ if environment is None else environment
    url = given or _written(environment, folder or Path.cwd()) or USUAL
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"the API's address must begin with http:// or https://, not {url!r}")
    return url.rstrip("/").removesuffix("/api")


def _written(environment: Mapping[str, str], folder: Path) -> str | None:
    homes = [Path(environment["VOLEX_HOME"])] if environment.get("VOLEX_HOME") else []
    homes += [parent / ".volex" for parent in (folder, *folder.parents)]
    for home in homes:
        try:
            if _is_own(home):
                return str(json.loads((home / "api.json").read_text())["url"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not there, or half written: the next one may do
    return None


def _is_own(home: Path) -> bool:
    """Whether nobody but this user and root can have written the folder's api.json; says so if somebody can.

    Raises
    ------
    OSError
        If there is none.
    """
    for place, status in [(place, place.stat()) for place in (home / "api.json", home)]:
        why = foreign(status, os.geteuid(), os.getegid())
        if why is not None:
            click.echo(f"the address in {home} is passed over: {place}: {why}", err=True)
            return False
    return True


def foreign(status: os.stat_result, user: int, group: int) -> str | None:
    """How another than `user` and root may write what has this status; None if none may. Their own `group` is theirs alone."""
    if status.st_uid not in (user, 0):
        return "belongs to another user"
    if status.st_mode & stat.S_IWOTH:
        return "everybody may write it"
    if status.st_mode & stat.S_IWGRP and status.st_gid != group:
        return "its group may write it"
    return None
