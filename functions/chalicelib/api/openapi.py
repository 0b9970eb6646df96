"""The API's own description, for people and generators: public, and the one answer without the envelope."""

from __future__ import annotations

from typing import Any

from pydantic import RootModel

from chalicelib import api
from chalicelib.api.description import describe
from chalicelib.api.endpoint import Call, Resource

resource = Resource(__name__)
blueprint = resource.blueprint


class Document(RootModel[dict[str, Any]]):
    """An OpenAPI 3.1 document."""


@resource.route("GET", "/openapi.json", Document, public=True, enveloped=False)
def openapi(_: Call[Any, Any, Any]) -> Document:
    """This description."""
    return Document(describe(api.endpoints()))
