"""The API's description is valid OpenAPI and tells of every route that there is, and of no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chalice.test import Client
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from app import app
from chalicelib import api
from chalicelib.api.description import describe
from tests.unit.api.test_routes import ENDPOINTS, GOOD, ask

PAGES = {"/control/page", "/tasks/page"}  # for people and their browsers, no part of what programs are told


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe(api.endpoints())


def test_the_description_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_it_describes_the_routes_that_there_are(document: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    served = {(method, path) for path, methods in app.routes.items() for method in methods}
    assert described == served - {("GET", page) for page in PAGES}


def test_every_route_is_protected_but_login_and_the_description(document: dict[str, Any]) -> None:
    open_routes = {
        path for path, methods in app.routes.items() for entry in methods.values() if entry.authorizer is None
    }
    said_open = {path for path, methods in document["paths"].items() for m in methods.values() if not m["security"]}
    assert open_routes - PAGES == said_open == {"/login", "/openapi.json"}


def test_the_served_document_is_this_one_and_needs_no_token(client: Client, document: dict[str, Any]) -> None:
    response = client.http.get("/openapi.json")
    assert (response.status_code, response.json_body) == (200, json.loads(json.dumps(document)))


@pytest.mark.parametrize("key", GOOD, ids=" ".join)
def test_answers_are_as_described(client: Client, document: dict[str, Any], key: tuple[str, str]) -> None:
    path, body = GOOD[key]
    answer = ask(client, key[0], path, body).json_body
    operation = document["paths"][key[1]][key[0].lower()]
    schema = operation["responses"][str(ENDPOINTS[key].status)]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(answer)


def test_a_refusal_is_as_described(client: Client, document: dict[str, Any]) -> None:
    answer = ask(client, "GET", "/orders?limit=0").json_body
    Draft202012Validator(document["components"]["schemas"]["Error"]).validate(answer)
