"""Writes the OpenAPI description from the table of routes and the models: nothing in it is written a second time by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chalicelib.api.endpoint import Endpoint, Nothing
from chalicelib.api.envelope import JSON

VERSION = "1.0.0"
REFERENCE = "#/components/schemas/{model}"
TOKEN = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}

ERROR = {
    "type": "object",
    "required": ["status", "error", "timestamp"],
    "properties": {
        "status": {"const": "error"},
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "details": {"type": "object"}},
        },
        "timestamp": {
            "type": "string",
            "description": "RFC 3339. Where the gateway itself refuses, its own form: 05/Jan/2026:12:00:00 +0000.",
        },
    },
}

Models = Mapping[Any, dict[str, Any]]


def describe(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    references, definitions = models_json_schema(list(_models(endpoints)), ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "VolexSwarm",
            "version": VERSION,
            "description": "Money is a decimal string, time is RFC 3339 in UTC. `as_of` is market time.",
        },
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Error": ERROR},
            "securitySchemes": {"token": TOKEN},
        },
    }


def _models(endpoints: Iterable[Endpoint]) -> Iterable[tuple[type[BaseModel], JsonSchemaMode]]:
    for endpoint in endpoints:
        if endpoint.enveloped:
            yield endpoint.answer, "serialization"
        if endpoint.body is not Nothing:
            yield endpoint.body, "validation"


def _operation(endpoint: Endpoint, references: Models) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": _description(endpoint),
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in endpoint.parameters
            ),
            *_parameters(endpoint.query, "query"),
            *_parameters(endpoint.headers, "header"),
        ],
        "responses": _responses(endpoint, references),
        "security": [] if endpoint.public else [{"token": []}],
    }
    if endpoint.body is not Nothing:
        schema = references[endpoint.body, "validation"]
        required = any(field.is_required() for field in endpoint.body.model_fields.values())
        operation["requestBody"] = {"required": required, "content": {JSON: {"schema": schema}}}
    return operation


def _description(endpoint: Endpoint) -> str:
    permission = f"Needs the permission `{endpoint.permission}`." if endpoint.permission else ""
    return " ".join(filter(None, [endpoint.description, permission]))


def _parameters(model: type[BaseModel], place: str) -> Iterable[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=REFERENCE, mode="validation")
    definitions = schema.get("$defs", {})
    for name, found in schema.get("properties", {}).items():
        yield {
            "name": name,
            "in": place,
            "required": name in schema.get("required", ()),
            "schema": _inlined(found, definitions),
        }


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema with its references resolved: a parameter's enum is small, and better seen where it is used."""
    if isinstance(schema, list):
        return [_inlined(entry, definitions) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    return {key: _inlined(entry, definitions) for key, entry in schema.items()}


def _responses(endpoint: Endpoint, references: Models) -> dict[str, Any]:
    schema = _success(references[endpoint.answer, "serialization"]) if endpoint.enveloped else {"type": "object"}
    success = _response(HTTPStatus(endpoint.status).phrase, schema)
    success["content"] |= {media: {"schema": {"type": "string"}} for media in endpoint.texts}
    answers = {str(endpoint.status): success}
    for status in sorted(_failures(endpoint)):
        answers[str(status.value)] = _response(status.phrase, {"$ref": REFERENCE.format(model="Error")})
    return answers


def _failures(endpoint: Endpoint) -> set[HTTPStatus]:
    failures = {HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}
    if not endpoint.public:
        failures |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if endpoint.parameters:
        failures.add(HTTPStatus.NOT_FOUND)
    if endpoint.body is not Nothing:
        failures |= {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
    return failures | set(map(HTTPStatus, endpoint.failures))


def _response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": schema}}}


def _success(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["status", "data", "message", "timestamp"],
        "properties": {
            "status": {"const": "success"},
            "data": data,
            "message": {"type": "string"},
            "timestamp": {"type": "string", "format": "date-time"},
        },
    }
