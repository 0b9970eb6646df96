"""Words that another function reads: without it there is no answer, and the log says whose fault that is."""

from __future__ import annotations

import json
import logging
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from volexswarm.adapters.interpreting import LambdaInterpreter
from volexswarm.tasks.understanding import Markets

MARKETS = Markets(("BTC/USDT",), "USDT")


class Lambda:
    """Answers, or fails."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer

    def invoke(self, **_: Any) -> dict[str, Any]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_the_functions_answer_is_the_request_and_names_its_model() -> None:
    body = json.dumps({"read": {"kind": "report"}, "model": "a clerk"}).encode()
    interpreter = LambdaInterpreter("volexswarm-api", Lambda({"Payload": BytesIO(body)}))
    assert (interpreter.interpret("how are we", MARKETS), interpreter.name) == ({"kind": "report"}, "a clerk")


@pytest.mark.parametrize(
    ("failure", "level"),
    [
        # the deployment is wrong: somebody has to mend it
        (ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no right"}}, "Invoke"), logging.ERROR),
        (ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "none"}}, "Invoke"), logging.ERROR),
        # it passes by itself
        (ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "busy"}}, "Invoke"), logging.WARNING),
        (ReadTimeoutError(endpoint_url="https://lambda"), logging.WARNING),
    ],
    ids=str,
)
def test_a_function_that_cannot_be_called_is_said_in_the_log(
    failure: Exception, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert LambdaInterpreter("volexswarm-api", Lambda(failure)).interpret("how are we", MARKETS) is None
    assert [(record.levelno, str(failure) in record.message) for record in caplog.records] == [(level, True)]
