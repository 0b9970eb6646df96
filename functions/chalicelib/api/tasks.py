"""Tasks: submitting one, in a typed form or in plain words, following it, and having a say in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import DOCUMENT, LINES, Cursor, Limit, Moment, PageOf, Reason, key_of
from chalicelib.api.orders import IdempotencyKey
from chalicelib.runtime import wiring
from volexswarm.adapters.task_views import view_of
from volexswarm.errors import require
from volexswarm.messages import Priority, TaskKind, TaskStatus
from volexswarm.security.roles import Permission
from volexswarm.tasks import requests
from volexswarm.tasks.desk import Assignment
from volexswarm.views.shape import Page
from volexswarm.views.tasks import Task, TaskCanceled, TaskStory, TaskTaken

resource = Resource(__name__)
blueprint = resource.blueprint

TaskId = Annotated[str, Field(pattern=r"^[0-9a-fA-F-]{36}$", description="a task's whole id")]


class TaskRequest(Input):
    """What the swarm shall do: `type` with `parameters`, or `words`; not both.

    It starts when all of `depends_on` have succeeded; after `deadline` it is not started any more and moves no money.
    """

    type: TaskKind | None = None
    parameters: Annotated[dict[str, Any], Field(max_length=20), DOCUMENT] | None = None
    words: Annotated[str, Field(min_length=1, max_length=500), LINES] | None = None
    priority: Priority = Priority.MEDIUM
    deadline: Moment | None = None
    depends_on: Annotated[tuple[TaskId, ...], Field(max_length=20)] = ()


class TasksOf(PageOf):
    """Which tasks."""

    status: TaskStatus | None = None
    type: TaskKind | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class CancelRequest(Input):
    """Why the task is not wanted any more."""

    reason: Reason


@resource.route(
    "POST",
    "/task",
    TaskTaken,
    permission=Permission.STRATEGY_WRITE,
    body=TaskRequest,
    headers=IdempotencyKey,
    status=202,
    failures=(409,),
)
def submit_task(call: Call[Any, TaskRequest, IdempotencyKey]) -> TaskTaken:
    """Give the swarm a task.

    What was understood is in `task.understood`. A task from words that moves money waits until its author confirms that this was
    meant; a typed one needs the permission to trade. `GET /tasks/{task}` tells what becomes of it.
    """
    given = _assignment(call.body)
    if given.request is not None and given.request.kind.moves_money:
        call.caller.demand(Permission.TRADE_WRITE)
    taken = wiring.task_desk().submit(given, requested_by=call.caller.username, idempotency_key=call.headers.key)
    task = view_of(taken.task)
    return TaskTaken(task=task, repeated=taken.repeated, next=_next(task))


@resource.route("GET", "/tasks", Page[Task], permission=Permission.AGENT_READ, query=TasksOf)
def tasks(call: Call[TasksOf, Any, Any]) -> Page[Task]:
    """Tasks, newest first."""
    query = call.query
    return wiring.task_reader().tasks(query.status, query.type, query.symbol, query.limit, query.cursor)


@resource.route("GET", "/tasks/{task}", TaskStory, permission=Permission.AGENT_READ, failures=(404, 409))
def one_task(_: Call[Any, Any, Any], task: str) -> TaskStory:
    """All of a task, by its id or the beginning of it: statuses and steps with their times, rulings, approval, trades, cost."""
    return wiring.task_reader().story(key_of("task", task))


@resource.route("POST", "/tasks/{task}/confirm", Task, permission=Permission.TRADE_WRITE, failures=(404, 409))
def confirm_task(call: Call[Any, Any, Any], task: str) -> Task:
    """Say that what was understood was meant. Only the task's author can."""
    return view_of(wiring.task_desk().confirm(_whole(task), call.caller.username))


@resource.route(
    "POST",
    "/tasks/{task}/cancel",
    TaskCanceled,
    permission=Permission.STRATEGY_WRITE,
    body=CancelRequest,
    failures=(404, 409),
)
def cancel_task(call: Call[Any, CancelRequest, Any], task: str) -> TaskCanceled:
    """Stop a task. What it has not done yet is not done; its open orders are canceled; what was traded stays traded.

    Somebody else's task needs the permission to control agents.
    """
    found = wiring.task_reader().story(key_of("task", task)).task
    if found.requested_by != call.caller.username:
        call.caller.demand(Permission.AGENT_CONTROL)
    canceled = wiring.task_desk().cancel(found.id, call.caller.username, call.body.reason)
    return TaskCanceled(task=view_of(canceled.task), done=list(canceled.done))


@resource.route("POST", "/tasks/{task}/retry", Task, permission=Permission.STRATEGY_WRITE, failures=(404, 409))
def retry_task(call: Call[Any, Any, Any], task: str) -> Task:
    """Try a task again that ended without success and has traded nothing. One that moves money needs the permission to trade."""
    found = wiring.task_reader().story(key_of("task", task)).task
    if found.moves_money:
        call.caller.demand(Permission.TRADE_WRITE)
    return view_of(wiring.task_desk().retry(found.id, call.caller.username))


def _assignment(asked: TaskRequest) -> Assignment:
    return Assignment(
        request=None
        if asked.type is None and asked.parameters is None
        else _request(asked.type, asked.parameters or {}),
        words=asked.words,
        priority=asked.priority,
        deadline=asked.deadline,
        depends_on=tuple(text.lower() for text in asked.depends_on),
    )


def _request(kind: TaskKind | None, parameters: Mapping[str, Any]) -> requests.Request:
    """The type is said in one place: a second one among the parameters would be another task than the one that is asked for."""
    require(
        "kind" not in parameters, "parameters.kind", parameters.get("kind"), "nothing: what is wanted goes into type"
    )
    require(kind is not None, "type", None, f"with parameters, one of {', '.join(TaskKind)}")
    return requests.read({**parameters, "kind": kind})


def _whole(task: str) -> str:
    return wiring.task_reader().task_id(key_of("task", task))


def _next(task: Task) -> str:
    if task.status is TaskStatus.UNCONFIRMED:
        return f"nothing happens until you confirm it: POST /tasks/{task.id}/confirm"
    return f"follow it: GET /tasks/{task.id}"
