"""What starts when: priorities, dependencies, room, deadlines, and crashes between storing and starting."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.tasks import TaskWorld
from tests.fakes.transaction import START
from volexswarm.messages import Event, Priority, TaskChanged, TaskStatus
from volexswarm.tasks.life import told
from volexswarm.tasks.policy import TasksPolicy

S = TaskStatus


def changed(world: TaskWorld, status: TaskStatus) -> Event[TaskChanged]:
    return told(world.task(status=status), None, START)


def test_tasks_start_by_priority_then_by_age():
    world = TaskWorld(TasksPolicy(max_running=3))
    for number, priority in enumerate(["low", "high", "medium", "critical", "high"]):
        created = START + timedelta(seconds=number)
        world.task(id=f"{priority}{number}", status=S.WAITING, priority=Priority(priority), created_at=created)
    world.dispatcher.dispatch()
    assert world.flows.started == ["task-critical3-1", "task-high1-1", "task-high4-1"]


@given(st.lists(st.sampled_from(list(Priority)), max_size=12), st.integers(1, 5), st.integers(0, 4))
def test_no_more_start_than_there_is_room_for_and_none_that_is_less_urgent_before(priorities, room, at_work):
    world = TaskWorld(TasksPolicy(max_running=room))
    for _ in range(at_work):
        world.task(dispatched_at=START)
    for number, priority in enumerate(priorities):
        created = START + timedelta(seconds=number)
        world.task(id=f"w{number}", status=S.WAITING, priority=priority, created_at=created)
    world.dispatcher.dispatch()
    waited = [world.now(f"w{number}") for number in range(len(priorities))]
    started = [task for task in waited if task.status is S.RUNNING]
    assert len(started) == min(len(priorities), max(0, room - at_work))
    left = [task for task in waited if task.status is S.WAITING]
    order = [(task.priority.rank, task.created_at) for task in started]
    assert all(urgent < (task.priority.rank, task.created_at) for urgent in order for task in left)


def test_a_task_that_waits_for_an_approval_leaves_its_place_to_another():
    world = TaskWorld(TasksPolicy(max_running=1))
    world.task(status=S.AWAITING_APPROVAL, dispatched_at=START)
    waiting = world.task(status=S.WAITING)
    world.dispatcher.dispatch()
    assert world.flows.started == [waiting.flow]


def test_a_task_starts_when_everything_that_it_depends_on_has_succeeded():
    world = TaskWorld()
    first, second = world.task(), world.task(status=S.SUCCEEDED)
    task = world.task(status=S.WAITING, depends_on=(first.id, second.id))
    world.state.mark_dispatched(first.id, 1, START)
    world.dispatcher.dispatch()
    assert world.now(task.id).status is S.WAITING
    world.state.tasks[first.id] = world.task(id=first.id, status=S.SUCCEEDED)
    world.dispatcher.dispatch()
    assert world.now(task.id).status is S.RUNNING


@pytest.mark.parametrize("status", [S.FAILED, S.REJECTED, S.CANCELED, S.EXPIRED])
def test_a_task_fails_with_the_one_that_it_depends_on_and_says_why(status):
    world = TaskWorld()
    other = world.task(status=status, reason="the exchange said no")
    task = world.task(status=S.WAITING, depends_on=(other.id,))
    world.dispatcher.dispatch()
    failed = world.now(task.id)
    assert failed.status is S.FAILED
    assert failed.reason == f"it depends on task {other.id}, which is {status}: the exchange said no"


def test_a_task_whose_deadline_has_passed_is_not_started():
    world = TaskWorld()
    task = world.task(status=S.WAITING, deadline=START)
    world.dispatcher.dispatch()
    assert (world.now(task.id).status, world.flows.started) == (S.EXPIRED, [])


def test_what_was_stored_as_running_and_not_started_is_started_later():
    world = TaskWorld()
    task = world.task(status=S.WAITING)
    world.flows.away = True
    world.dispatcher.dispatch()
    assert (world.now(task.id).status, world.now(task.id).dispatched_at) == (S.RUNNING, None)
    world.flows.away = False
    world.dispatcher.dispatch()
    world.dispatcher.dispatch()
    assert world.flows.started == [task.flow]
    assert world.now(task.id).dispatched_at == START


def test_without_a_policy_nothing_starts():
    world = TaskWorld()
    world.task(status=S.WAITING)
    world.state.policy = None
    world.dispatcher.dispatch()
    assert not world.flows.started


@pytest.mark.parametrize(("status", "starts"), [(S.WAITING, 1), (S.FAILED, 1), (S.RUNNING, 0), (S.UNCONFIRMED, 0)])
def test_a_change_that_makes_room_or_work_wakes_the_dispatcher(status, starts):
    world = TaskWorld()
    waiting = world.task(status=S.WAITING)
    world.dispatcher.on_change(changed(TaskWorld(), status))
    assert (world.flows.started == [waiting.flow]) == bool(starts)


def test_a_task_whose_execution_died_ends_and_says_why():
    world = TaskWorld()
    task = world.task(dispatched_at=START)
    world.flows.states[task.flow] = ("ended", "ABORTED: by hand")
    world.dispatcher.look_after()
    assert world.now(task.id).status is S.FAILED
    assert "ABORTED: by hand" in world.now(task.id).reason


def test_an_execution_that_was_lost_with_its_service_is_started_again():
    world = TaskWorld()
    task = world.task(dispatched_at=START)
    world.flows.states[task.flow] = ("unknown", "")
    world.dispatcher.look_after()
    assert world.now(task.id).status is S.RUNNING
    assert world.flows.started == [task.flow]


def test_a_running_execution_is_left_alone():
    world = TaskWorld()
    task = world.task(dispatched_at=START)
    world.dispatcher.look_after()
    assert (world.now(task.id), world.flows.started) == (task, [])
