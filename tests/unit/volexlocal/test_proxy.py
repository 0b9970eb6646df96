"""The front proxy between a client and a stand-in for the gateway."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from volexlocal.proxy import BODY_LIMIT, application

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def gateway() -> AsyncIterator[str]:
    """Answers with what it was asked."""

    async def echo(request: web.Request) -> web.Response:
        asked = {
            "method": request.method,
            "path": request.rel_url.raw_path_qs,
            "authorization": request.headers.get("Authorization"),
            "content_type": request.headers.get("Content-Type"),
            "body": (await request.read()).decode(),
        }
        return web.json_response(asked, status=418, headers={"X-Request": "7", "Access-Control-Allow-Origin": "here"})

    app = web.Application(client_max_size=2 * BODY_LIMIT)
    app.router.add_route("*", "/{path:.*}", echo)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


def _deploy(outputs: Path, api_id: str) -> None:
    outputs.write_text(json.dumps({"api_id": api_id}))


def _withdraw(outputs: Path) -> None:
    outputs.unlink()


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    file = tmp_path / "outputs.json"
    _deploy(file, "abc")
    return file


@pytest.fixture
async def client(gateway: str, outputs: Path) -> AsyncIterator[Client]:
    async with TestClient(TestServer(application(gateway, outputs))) as found:
        yield found


async def test_a_request_goes_through_unchanged(client: Client) -> None:
    answer = await client.post(
        URL("/api/orders/a%2Fb?symbol=BTC%2FUSDT", encoded=True),
        data=b"{}",
        headers={"Authorization": "Bearer t", "Content-Type": "x/y"},
    )

    assert answer.status == 418
    assert answer.headers["X-Request"] == "7"
    assert await answer.json() == {
        "method": "POST",
        "path": "/_aws/execute-api/abc/api/orders/a%2Fb?symbol=BTC%2FUSDT",
        "authorization": "Bearer t",
        "content_type": "x/y",
        "body": "{}",
    }


async def test_a_request_without_a_body_gets_no_content_type_on_the_way(client: Client) -> None:
    answer = await client.post("/api/dlq/signals/replay", skip_auto_headers=["Content-Type"])

    assert (await answer.json())["content_type"] is None


async def test_it_follows_the_api_to_a_new_id(client: Client, outputs: Path) -> None:
    await client.get("/api/status")
    _deploy(outputs, "new-one")

    answer = await client.get("/api/status")

    assert (await answer.json())["path"] == "/_aws/execute-api/new-one/api/status"


async def test_before_the_first_deployment_it_says_so_in_the_apis_envelope(client: Client, outputs: Path) -> None:
    _withdraw(outputs)

    answer = await client.get("/api/status")

    assert answer.status == 503
    body = await answer.json()
    assert body["status"] == "error"
    assert body["error"]["code"] == "unavailable"
    assert "make up" in body["error"]["message"]


async def test_a_gateway_that_is_down_is_unavailable(outputs: Path) -> None:
    async with TestClient(TestServer(application("http://127.0.0.1:1", outputs))) as client:
        answer = await client.get("/api/status")

        assert answer.status == 503
        assert "volexlocal status" in (await answer.json())["error"]["message"]


async def test_what_a_gateway_got_and_died_over_may_have_been_done(outputs: Path) -> None:
    async def die(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    gateway = web.Application()
    gateway.router.add_post("/{path:.*}", die)
    async with (
        TestServer(gateway) as server,
        TestClient(TestServer(application(f"http://127.0.0.1:{server.port}", outputs))) as client,
    ):
        answer = await client.post("/api/trade", data=b"{}")

        assert answer.status == 504
        error = (await answer.json())["error"]
        assert error["code"] == "outcome_unknown"
        assert "not known" in error["message"]


async def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    answer = await client.post("/api/trade", data=b"x" * (BODY_LIMIT + 1))

    assert answer.status == 413
    assert (await answer.json())["error"]["code"] == "too_large"


async def test_the_root_says_what_there_is(client: Client) -> None:
    body = await (await client.get("/")).json()

    assert body["deployed"] is True
    assert body["links"]["openapi"] == "/api/openapi.json"


async def test_nothing_but_the_api_is_handed_through(client: Client) -> None:
    assert (await client.get("/_ministack/health")).status == 404


async def test_it_adds_no_cors_of_its_own(client: Client) -> None:
    assert "Access-Control-Allow-Origin" not in (await client.get("/")).headers
    assert (await client.get("/api/status")).headers["Access-Control-Allow-Origin"] == "here"
