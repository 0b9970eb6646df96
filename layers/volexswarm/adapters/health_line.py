"""Asks a function how it is by calling it, as whatever wakes it would."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from volexswarm.views.swarm import FunctionHealth, Health, TriedPart

PATIENCE = 12.0
"""Seconds: a cold start with all that is tried after it; the API itself must answer in 29."""


class LambdaHealthLine:
    """HealthLine over Lambda. A function's deployed name is `<prefix>-<name>`.

    Parameters
    ----------
    prefix : str
    question : dict
        The event that functions understand as the question.
    client : optional
        A Lambda client; made on first use.
    """

    def __init__(self, prefix: str, question: dict[str, Any], client: Any = None) -> None:
        self._prefix = prefix
        self._question = json.dumps(question).encode()
        self._client = client

    def ask(self, function: str) -> FunctionHealth:
        """Call the function and hear how it is. One that does not answer in time, or fails, is unhealthy and says so."""
        began = time.perf_counter()
        try:
            answer = self._lambda().invoke(FunctionName=f"{self._prefix}-{function}", Payload=self._question)
            body = json.loads(answer["Payload"].read())
        except (BotoCoreError, ClientError, ValueError) as error:
            return _silent(function, f"it does not answer: {error}", began)
        if answer.get("FunctionError"):
            told = body.get("errorMessage") if isinstance(body, dict) else None
            return _silent(function, f"it failed: {told or answer['FunctionError']}", began)
        try:
            parts = [TriedPart.model_validate(part) for part in body["parts"]]
            return FunctionHealth(
                function=function,
                health=Health.HEALTHY if body["healthy"] is True else Health.UNHEALTHY,
                detail=_words(parts),
                milliseconds=_since(began),
                version=body["version"],
                process_seconds=body["process_seconds"],
                parts=parts,
            )
        except (ValidationError, KeyError, TypeError):
            return _silent(function, f"it answers something else: {str(body)[:200]}", began)

    def _lambda(self) -> Any:
        if self._client is None:
            patience = Config(connect_timeout=3, read_timeout=PATIENCE, retries={"max_attempts": 0})
            self._client = boto3.client("lambda", config=patience)
        return self._client


def _words(parts: list[TriedPart]) -> str:
    ill = [part.part for part in parts if not part.healthy]
    return f"not well: {', '.join(ill)}" if ill else f"{len(parts)} parts answer"


def _silent(function: str, detail: str, began: float) -> FunctionHealth:
    return FunctionHealth(
        function=function,
        health=Health.UNHEALTHY,
        detail=detail,
        milliseconds=_since(began),
        version=None,
        process_seconds=None,
        parts=[],
    )


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
