"""Failed logins are counted before the password is judged, and only failures of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.fakes.api import FakeAttempts
from tests.fakes.transaction import START, FixedClock
from volexswarm.errors import Forbidden, TooManyAttempts, Unauthorized, Unavailable
from volexswarm.security.login import MAX_FAILURES, Login
from volexswarm.security.roles import Role
from volexswarm.security.tokens import LIFETIME, Signed, TokenIssuer


class Users:
    """One user, `ann` with the password `right`; or an error of the directory."""

    def __init__(self) -> None:
        self.policies = ["default", "role-trader"]
        self.error: Exception | None = None
        self.asked = 0

    def login(self, username: str, password: str) -> Sequence[str]:
        self.asked += 1
        if self.error:
            raise self.error
        if (username.lower(), password) != ("ann", "right"):
            raise Unauthorized("username or password is wrong")
        return self.policies

    def sign_jwt(self, signing_input: Callable[[str], bytes]) -> Signed:
        return Signed("1", "signature")


@pytest.fixture
def users() -> Users:
    return Users()


@pytest.fixture
def login(users: Users) -> Login:
    return Login(users, FakeAttempts(), TokenIssuer(users, FixedClock()))


def fail(login: Login, times: int, username: str = "ann") -> None:
    for _ in range(times):
        with pytest.raises(Unauthorized):
            login.log_in(username, "wrong")


def test_the_right_password_gives_the_role_of_the_users_policy(login: Login) -> None:
    session = login.log_in("ann", "right")
    assert (session.role, session.token.expires_at) == (Role.TRADER, START + LIFETIME)


def test_after_five_failures_not_even_the_right_password_is_tried(login: Login, users: Users) -> None:
    fail(login, MAX_FAILURES)
    with pytest.raises(TooManyAttempts, match="30 minutes"):
        login.log_in("ann", "right")
    assert users.asked == MAX_FAILURES


def test_a_success_forgets_the_failures_before_it(login: Login) -> None:
    for _ in range(3):
        fail(login, MAX_FAILURES - 1)
        login.log_in("ann", "right")


def test_another_spelling_of_the_name_counts_as_the_same(login: Login) -> None:
    fail(login, 3, "ann")
    fail(login, 2, "ANN")
    with pytest.raises(TooManyAttempts):
        login.log_in("Ann", "right")


@pytest.mark.parametrize("spelling", ["ann", "Ann", "ANN"])
def test_whoever_logs_in_is_one_person_however_the_name_is_written(login: Login, spelling: str) -> None:
    assert login.log_in(spelling, "right").username == "ann"


def test_one_users_failures_do_not_lock_another(login: Login) -> None:
    fail(login, MAX_FAILURES, "bob")
    assert login.log_in("ann", "right").username == "ann"


@pytest.mark.parametrize("error", [Unavailable("vault", "sealed"), Forbidden("of a role")])
def test_what_is_not_the_users_fault_does_not_lock(login: Login, users: Users, error: Exception) -> None:
    users.error = error
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises(type(error)):
            login.log_in("ann", "right")
    users.error = None
    assert login.log_in("ann", "right").role is Role.TRADER
