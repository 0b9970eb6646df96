"""Where an administrator changes a policy: checked, with a reason, on top of the version that was looked at, and told to all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from volexswarm.clock import Clock
from volexswarm.errors import Conflict, InvalidInput, NotFound, require
from volexswarm.messages import Event, PolicyActivated
from volexswarm.policies import NONE_IN_FORCE, StoredPolicy
from volexswarm.ports import Store
from volexswarm.rulebook import changes as change
from volexswarm.rulebook.ports import Body, PolicyTransaction

SOURCE = "api"


@dataclass(frozen=True)
class Wanted:
    """Either the `whole` new policy, or the `changes` of some of its fields."""

    whole: Body | None = None
    changes: Mapping[str, Any] | None = None

    def on(self, model: type[BaseModel], body: Body) -> Body:
        """The wanted policy, in full, on top of this one.

        Raises
        ------
        InvalidInput
            If both or neither are given, or the outcome is no valid policy.
        """
        if (self.whole is None) == (self.changes is None):
            raise InvalidInput("policy", "both" if self.whole is not None else "neither", "either policy or changes")
        wanted = self.whole if self.whole is not None else change.applied(body, self.changes or {})
        return change.checked(model, wanted).model_dump(mode="json")


@dataclass(frozen=True)
class Activated:
    """A version that is in force, and what it changed."""

    version: int
    changed: Mapping[str, str]


class PolicyDesk:
    """Puts new versions of policies in force.

    Parameters
    ----------
    store : Store[PolicyTransaction]
    models : mapping
        The model of each policy by its name.
    clock : Clock
        Wall time, for the record.
    """

    def __init__(self, store: Store[PolicyTransaction], models: Mapping[str, type[BaseModel]], clock: Clock) -> None:
        self._store = store
        self._models = models
        self._clock = clock

    def activate(self, name: str, wanted: Wanted, *, expected_version: int, actor: str, reason: str) -> Activated:
        """Put the wanted policy in force for every decision from now on.

        `expected_version` is the one that the change was made on, 0 where there was none.

        Raises
        ------
        NotFound
            If there is no policy of that name.
        InvalidInput
            If the policy does not fit its model, nothing would change, or no reason is given.
        Conflict
            If somebody else has put another version in force since.
        """
        model = self._model(name)
        require(bool(reason.strip()), "reason", reason, "why, in words")
        with self._store.transaction() as tx:
            stored = tx.policy_to_change(name)
            version = stored.version if stored else NONE_IN_FORCE
            if version != expected_version:
                raise Conflict(
                    f"version {version} of policy {name} is in force, not {expected_version}: look at it and try again"
                )
            before = change.in_full(model, stored.body) if stored else {}
            after = wanted.on(model, before)
            changed = change.differences(before, after)
            require(bool(changed), "changes", "nothing that differs", "another value than the one in force")
            now = self._clock.now()
            tx.add_policy(name, StoredPolicy(version + 1, after), actor, reason, now)
            activated = PolicyActivated(name=name, version=version + 1, actor=actor, reason=reason, changed=changed)
            identity = f"{name}/{version + 1}"
            tx.publish(Event.root(activated, source=SOURCE, subject=name, identity=identity, time=now))
        return Activated(version + 1, changed)

    def _model(self, name: str) -> type[BaseModel]:
        if name not in self._models:
            raise NotFound("policy", f"{name}: there are {', '.join(self._models)}")
        return self._models[name]
