"""Has words read by the function that has the model: the API's own function has not its layer."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from volexswarm.tasks.requests import schema
from volexswarm.tasks.understanding import Markets

logger = logging.getLogger(__name__)

FUNCTION: Final = "meta-read"
PATIENCE: Final = 22.0
"""Seconds: less than API Gateway gives the API, more than the function gives the model."""
PASSING: Final = frozenset({"TooManyRequestsException", "ServiceException"})
"""What Lambda says when it has no room or fails by itself; whatever else it refuses is the deployment's fault."""


class LambdaInterpreter:
    """`tasks.understanding.Interpreter` by a function's call. A function's deployed name is `<prefix>-<name>`."""

    def __init__(self, prefix: str, client: Any = None) -> None:
        self._function = f"{prefix}-{FUNCTION}"
        self._client = client
        self._model = "a model"

    @property
    def name(self) -> str:
        """The model that read last."""
        return self._model

    def interpret(self, words: str, markets: Markets) -> Mapping[str, Any] | None:
        """The request as JSON, unchecked; None if there is no answer, whatever the reason."""
        known = f"markets {', '.join(markets.symbols)}; values are counted in {markets.currency}; shares are 0 to 1"
        asked = {"words": words, "schema": schema(), "known": known}
        try:
            answer = self._lambda().invoke(FunctionName=self._function, Payload=json.dumps(asked).encode())
            body = json.loads(answer["Payload"].read())
        except ClientError as error:
            passes = error.response["Error"]["Code"] in PASSING
            logger.log(logging.WARNING if passes else logging.ERROR, "nobody reads these words: %s", error)
            return None
        except (BotoCoreError, ValueError) as error:
            logger.warning("nobody reads these words: %s", error)
            return None
        if answer.get("FunctionError") or not isinstance(body, dict) or not isinstance(body.get("read"), dict):
            return None
        self._model = str(body.get("model"))
        read: dict[str, Any] = body["read"]
        return read

    def _lambda(self) -> Any:
        if self._client is None:
            self._client = boto3.client(
                "lambda", config=Config(connect_timeout=3, read_timeout=PATIENCE, retries={"max_attempts": 0})
            )
        return self._client
