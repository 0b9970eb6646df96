"""A model that turns a person's words into a form, where the usual forms of words do not fit.

What it writes is no more than a proposal: whoever asked checks it like any other input, and shows the person what was read.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from autogen_core.models import CreateResult, LLMMessage, SystemMessage, UserMessage

from volexswarm.deliberation.fencing import fenced
from volexswarm.deliberation.models.answers import json_object
from volexswarm.deliberation.models.failures import failure_of
from volexswarm.deliberation.models.lane import Lane
from volexswarm.deliberation.models.remote import Opened

log = logging.getLogger(__name__)

_MANDATE: Final = (
    "You read what a person asks of a trading system and write it as one JSON object, and nothing else: no explanation, no "
    "Markdown. The object fits this JSON schema:\n{schema}\nWhat may be named besides: {known}\nIf the words ask for something "
    "that the schema has no form for, or can be read in two ways, or leave a size open, write {{}}. Never guess a size, a side "
    "or a market.\n{rule}"
)


class Clerk:
    """Asks the configured model once, for so long and no longer.

    Parameters
    ----------
    open_client : callable
        Makes the client; called at the first question, in the thread that asks it.
    name : str
        The model's, for people.
    """

    def __init__(self, open_client: Callable[[], Opened], name: str) -> None:
        self._lane = Lane(open_client)
        self.name = name

    async def write(self, words: str, schema: Mapping[str, Any], known: str, seconds: float) -> dict[str, Any] | None:
        """The words as a JSON object; None if the model has no form for them, or no answer came. Never raises.

        Parameters
        ----------
        words : str
            As the person wrote them.
        schema : mapping
            JSON schema of what may be asked for.
        known : str
            What the schema does not tell, as the markets' names.
        seconds : float
            The longest that it may take.
        """
        fence = fenced([("words", words)], json.dumps(schema, sort_keys=True))
        system = _MANDATE.format(schema=json.dumps(schema), known=known, rule=fence.rule)
        messages: list[LLMMessage] = [SystemMessage(content=system), UserMessage(content=fence.text, source="person")]
        try:
            result = await self._lane.call(lambda opened: opened.client.create(messages), seconds)
            return _read(result)
        except (ValueError, RecursionError) as error:
            log.warning("clerk.unreadable", extra={"model": self.name, "why": str(error)[:200]})
        except Exception as error:  # whatever a server or its client does is no answer
            log.warning("clerk.failed", extra={"model": self.name, "why": str(failure_of(error, seconds).why)})
        return None


def _read(result: CreateResult) -> dict[str, Any] | None:
    if not isinstance(result.content, str):
        raise ValueError("it calls a tool that it was not given")  # noqa: TRY004 -- a wrong answer, not a type of ours
    return json_object(result.content) or None
