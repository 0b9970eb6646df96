"""Speaks to the API: data out of the envelope, and failures in words, each kind with an exit code of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click
import httpx

from volexswarm.cli.output import harmless

TIMEOUT = httpx.Timeout(35.0, connect=5.0)  # the gateway itself gives up after 29 s
NO_ANSWER = (502, 504)  # what stands before the API says so: the function failed without a word, or was too slow


class Failure(click.ClickException):
    """A request that came to nothing: what is said of it may be the server's words, and is made harmless."""

    def __init__(self, message: str) -> None:
        super().__init__(harmless(message))


class Refused(Failure):
    """The API said no: exit code 1. `status` and `code` are the API's."""

    exit_code = 1

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Unreachable(Failure):
    """No answer, or none that says so: exit code 3. Whether the request was carried out is not known."""

    exit_code = 3


class ApiClient:
    """One API at one address.

    Parameters
    ----------
    url : str
        Its address, without `/api`.
    token : str or None
        Bearer token; None before a login.
    transport : httpx.BaseTransport, optional
        How requests travel; the network unless given.
    """

    def __init__(self, url: str, token: str | None, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            self._http = httpx.Client(base_url=f"{url}/api", headers=headers, timeout=TIMEOUT, transport=transport)
        except httpx.InvalidURL as error:
            raise click.UsageError(f"{url} is no address: {error}") from error

    def get(self, path: str, **query: Any) -> Any:
        """The `data` of a GET; query values that are None are left out.

        Raises
        ------
        Refused
            If the API answers with an error.
        Unreachable
            If it does not answer, or what answers is no VolexSwarm.
        """
        return self._ask("GET", path, params={name: value for name, value in query.items() if value is not None})

    def text(self, path: str, **query: Any) -> str:
        """The text of a GET that answers with a file; raises as `get`."""
        response = self._send("GET", path, params=query)
        if response.is_success and not response.headers.get("content-type", "").startswith("application/json"):
            return response.text
        raise self._failure(response)

    def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Any:
        """The `data` of a POST; raises as `get`."""
        return self._ask("POST", path, json=dict(body), headers=dict(headers or {}))

    def post_once(self, path: str, body: Mapping[str, Any], key: str) -> Any:
        """The `data` of a POST that is done once, however often it is sent with this idempotency key.

        Raises
        ------
        Refused
            If the API says no: it was not taken.
        Unreachable
            If it may have been taken, as it may before an answer of 500 or more; names the key to repeat it with.
        """
        try:
            return self.post(path, body, {"Idempotency-Key": key})
        except (Refused, Unreachable) as error:
            if isinstance(error, Refused) and 400 <= error.status < 500:
                raise
            raise Unreachable(
                f"{error.message}\nwhether it was taken is not known: repeat it with --key {key}"
            ) from error

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        response = self._send(method, path, **request)
        body = _json(response)
        if response.is_success and body is not None and "data" in body:
            return body["data"]
        raise self._failure(response)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise Unreachable(f"{self._url} does not answer ({_words(error)}): is the swarm up? make up") from error

    def _failure(self, response: httpx.Response) -> click.ClickException:
        body = _json(response)
        if body is None:
            return Unreachable(
                f"what answers at {self._url} is no VolexSwarm (HTTP {response.status_code}): check the address"
            )
        return _refusal(response, body)


def _json(response: httpx.Response) -> dict[str, Any] | None:
    """The answer's JSON object, if it is one."""
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def path_of(*segments: str) -> str:
    """A path whose segments may hold anything a user typed.

    Raises
    ------
    click.UsageError
        If one is empty: the path would be another one.
    """
    if not all(segments):
        raise click.UsageError("an empty name names nothing")
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


def _words(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__


def _refusal(response: httpx.Response, body: dict[str, Any]) -> click.ClickException:
    status, error = response.status_code, body.get("error")
    if isinstance(error, dict):
        code, message = str(error.get("code", "")), str(error.get("message", ""))
    else:  # the gateway speaks for itself: its answers have no envelope
        gone = f"the API gave no answer (HTTP {status}): is the swarm up? make up" if status in NO_ANSWER else ""
        code, message = "", gone or str(body.get("message") or body.get("Message") or "") or f"HTTP {status}"
    if status == 401 and not response.request.url.path.endswith("/login"):
        message = "not logged in, or the session has ended: volexswarm login"
    return Unreachable(message) if status in NO_ANSWER else Refused(message, status, code)
