"""Chooses the model by configuration, and hands out guarded clients of it. Implements `ports.Voices`."""

from __future__ import annotations

import logging
from typing import Any, Final

from autogen_core.models import ChatCompletionClient

from volexswarm.deliberation.domain import Ask, ModelChoice
from volexswarm.deliberation.models.answers import Form
from volexswarm.deliberation.models.clerk import Clerk
from volexswarm.deliberation.models.guarded import POLICY, Guarded, Model, Speak
from volexswarm.deliberation.models.policy import PolicyModel
from volexswarm.deliberation.models.prices import Price
from volexswarm.deliberation.models.providers import PROVIDERS, Provider, Target, be_quiet
from volexswarm.deliberation.models.remote import Opened, RemoteModel
from volexswarm.deliberation.ports import Budget, Tape
from volexswarm.errors import InvalidInput, NotFound, require
from volexswarm.ports import SecretStore
from volexswarm.settings import Settings

log = logging.getLogger(__name__)

ANALYSTS: Final = ModelChoice(provider=POLICY, name="analysts")
FREE: Final = Price(0, 0)


class ModelVoices:
    """The configured model, one guarded client per ask.

    Parameters
    ----------
    settings : Settings
        Those that begin with `model_`.
    secrets : SecretStore
        Holds `models/<provider>` {"api_key"}; read at the first call of a model, not before.
    speak : callable
        The policy analysts: the default, and who stands in for a model that fails.

    Raises
    ------
    InvalidInput
        If the settings name a provider that can't be used like this; says what to set or to install.
    """

    def __init__(self, settings: Settings, secrets: SecretStore, speak: Speak) -> None:
        self._settings = settings
        self._secrets = secrets
        self._speak = speak
        self._choice = _choice(settings)
        self._model: Model | None = None
        be_quiet()

    @property
    def choice(self) -> ModelChoice:
        return self._choice

    def guarded(self, ask: Ask, choice: ModelChoice, budget: Budget, tape: Tape) -> ChatCompletionClient:
        return Guarded(ask, choice, lambda: self._made(choice), budget, tape, self._speak)

    def clerk(self) -> Clerk | None:
        """Who reads a person's words where the usual forms do not fit; the analysts can't."""
        if self._choice.provider not in PROVIDERS:
            return None
        provider = PROVIDERS[self._choice.provider]
        return Clerk(lambda: self._open(provider), self._choice.words)

    def _made(self, choice: ModelChoice) -> Model:
        """The model, made once. Raises InvalidInput if it is not the one that is configured (any more)."""
        require(choice == self._choice, "model", choice.words, f"the configured model, {self._choice.words}")
        if self._model is None:
            self._model = self._remote() if choice.provider in PROVIDERS else PolicyModel(self._speak)
        return self._model

    def _remote(self) -> Model:
        params = self._choice.params
        provider = PROVIDERS[self._choice.provider]
        price = Price.parse(self._settings.model_price) if self._settings.model_price else FREE
        return RemoteModel(lambda: self._open(provider), Form(str(params["form"])), price, int(params["max_tokens"]))

    def _open(self, provider: Provider) -> Opened:
        key = self._key(provider)
        target = Target(self._choice.name, self._settings.model_url, key, self._choice.params)
        client = provider.open(target)
        be_quiet()  # packages set their loggers up when they are imported
        return Opened(client, key, provider.schema or {})

    def _key(self, provider: Provider) -> str:
        if provider.keyed == "never":
            return ""
        path = f"models/{self._choice.provider}"
        try:
            fields = self._secrets.read(path)
        except NotFound:
            require(provider.keyed == "may", f"Vault {path}", None, 'a secret with the field "api_key"')
            return ""
        require(bool(fields.get("api_key")), f"Vault {path}", sorted(fields), 'the field "api_key"')
        return fields["api_key"]


def _choice(settings: Settings) -> ModelChoice:
    name = settings.model_provider
    if name == POLICY:
        return ANALYSTS
    provider = PROVIDERS[name]
    provider.require_package(name)
    if name == "azure" and settings.model_url is None:
        raise InvalidInput("VOLEX_MODEL_URL", None, "the address of the Azure resource")
    if provider.paid and settings.model_price is None:
        raise InvalidInput(
            "VOLEX_MODEL_PRICE", None, "what the model costs, so that the budget holds: as 2.5:10, or 0:0 if nothing"
        )
    params: dict[str, Any] = {"form": _form(settings, provider), "max_tokens": settings.model_max_tokens}
    if settings.model_url is not None:
        params["url"] = settings.model_url
    return ModelChoice(provider=name, name=settings.model_name or "", params=params)


def _form(settings: Settings, provider: Provider) -> str:
    if settings.model_form == "auto":
        return provider.forms[0].value
    allowed = [form.value for form in provider.forms]
    require(settings.model_form in allowed, "VOLEX_MODEL_FORM", settings.model_form, " or ".join(allowed))
    return settings.model_form
