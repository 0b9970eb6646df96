"""The pages in a real browser: a trade from words to its fill, a refusal, the kill switch, and what each role sees."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e import evidence
from tests.e2e.browser import Window, browsers
from tests.e2e.conftest import Swarm
from tests.e2e.tasks.desk import MARKETS, SMALL, Desk, occasions
from tests.e2e.tasks.person import Person
from volexswarm.security.roles import Role

pytestmark = [pytest.mark.timeout(1800), pytest.mark.usefixtures("asked_about_everything", "own_hands")]

VOICES = 6
VIEWER, PASSWORD = "onlooker", "looks and touches nothing"
FORBIDDEN = re.compile("Approve|Reject|Submit|Cancel|Try it again|Yes, I meant|STOP|Resume")
GONE = "deadbeef-0000-4000-8000-000000000000"
MARKUP = "<img src=x onerror=alert(1)>"
LATER = 240_000.0
"""Milliseconds in which a team talks, orders fill, and a halt settles."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers() as browser:
        yield browser


@pytest.fixture
def window(browser: Browser, swarm: Swarm) -> Iterator[Callable[[], Window]]:
    """Opens windows; they close with the test."""
    opened: list[Window] = []

    def open_one() -> Window:
        opened.append(Window(browser, swarm.cloud.api_url, swarm.cloud.socket_url))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def as_admin(window: Window, swarm: Swarm, path: str) -> Page:
    page = window.open(path, "admin", swarm.cloud.admin_password)
    expect(page.locator("#user")).to_have_text("admin (admin)")
    return page


def ask_for_a_trade(page: Page) -> None:
    """Give tasks in words and confirm them, until the team agrees to one and it waits for a person."""
    told = []
    for number in occasions():
        market = MARKETS[number % len(MARKETS)]
        page.get_by_label("In words").fill(f"buy {SMALL[market]} {market}")
        page.get_by_role("button", name="Submit").click()
        expect(page.locator("#taken")).to_contain_text(f"Understood: buy {SMALL[market]} {market[:3]} on {market}")
        page.get_by_role("button", name="Yes, I meant this").click()
        standing = page.locator("#standing")
        expect(standing).to_contain_text(re.compile("^(awaiting_approval|rejected)"), timeout=LATER)
        if (standing.text_content() or "").startswith("awaiting_approval"):
            return
        told.append(standing.text_content())
    pytest.fail("the team agreed to no purchase:\n" + "\n".join(map(str, told)))


def asked(page: Page) -> Locator:
    """What a person is asked about the task on the page."""
    task = page.locator("#story dd").first.text_content()
    return page.locator(".asked").filter(has=page.locator(f'a[href="#{task}"]'))


def test_who_gives_a_wrong_password_stays_outside(window: Callable[[], Window]) -> None:
    page = window().open("tasks/page", "admin", "not the password")
    expect(page.locator("#trouble")).to_contain_text("username or password is wrong")
    expect(page.locator("#desk")).to_be_hidden()


def test_a_trade_goes_from_words_to_its_fill(window: Callable[[], Window], swarm: Swarm, person: Person) -> None:
    own = window()
    page = as_admin(own, swarm, "tasks/page")
    expect(page.locator("#money")).to_have_text("simulated, simulated money.")
    ask_for_a_trade(page)
    box = asked(page)
    approve = box.get_by_role("button", name="Approve")
    approve.click()  # there is no reason yet
    assert own.sockets >= 1
    reason = box.get_by_label("Why")
    reason.fill("this is")
    page.wait_for_timeout(2_500)  # the page looks again meanwhile, and leaves alone what is being typed
    expect(reason).to_have_value("this is")
    reason.fill("this is what I want")
    expect(page.locator("#standing")).to_contain_text("awaiting_approval")
    assert not any("/approvals/" in path for path in own.posted)
    approve.click()
    expect(page.locator("#standing")).to_contain_text("succeeded", timeout=LATER)
    expect(box).to_have_count(0)
    story = page.locator("#story")
    expect(story).to_contain_text("approved by admin")
    expect(story).to_contain_text("this is what I want")
    voices = page.locator("#deliberations table").filter(has_text="The voices").locator("tbody tr")
    expect(voices).to_have_count(VOICES)
    expect(page.locator("#deliberations table").filter(has_text="The verdict's arithmetic")).to_be_visible()
    trades = story.locator("table").filter(has_text="what became of it").locator("tbody tr")
    expect(trades).to_have_count(1)
    task = str(story.locator("dd").first.text_content())
    [trade] = person.gets(f"/tasks/{task}")["trades"]
    assert Decimal(trade["filled"]) > 0
    expect(trades).to_contain_text(trade["filled"])
    expect(trades).to_contain_text("filled")


def test_another_window_is_told_at_once_and_a_refusal_there_ends_it_here(
    window: Callable[[], Window], swarm: Swarm
) -> None:
    page, other = as_admin(window(), swarm, "tasks/page"), as_admin(window(), swarm, "tasks/page")
    ask_for_a_trade(page)
    there = other.locator(".asked").filter(has_text=str(asked(page).locator("strong").text_content()))
    expect(there).to_be_visible()
    expect(other).to_have_title(re.compile(r"^\([1-9]\d*\) VolexSwarm tasks$"))
    there.get_by_label("Why").fill("not today")
    there.get_by_role("button", name="Reject").click()
    expect(page.locator("#standing")).to_have_text("rejected: rejected by admin: not today")
    expect(there).to_have_count(0)


def test_words_from_outside_stay_words(window: Callable[[], Window], swarm: Swarm) -> None:
    page = as_admin(window(), swarm, "tasks/page")
    page.get_by_label("In words").fill(f"analyze BTC/USDT {MARKUP}")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("body")).to_contain_text("onerror=alert(1)")
    expect(page.locator("img")).to_have_count(0)


def test_a_page_that_is_opened_anew_shows_the_same_task_after_a_new_login(
    window: Callable[[], Window], swarm: Swarm
) -> None:
    own = window()
    page = as_admin(own, swarm, "tasks/page")
    page.get_by_label("In words").fill("analyze ETH/USDT")
    page.get_by_role("button", name="Submit").click()
    task = page.locator("#story dd").first
    expect(task).to_be_visible()
    chosen = str(task.text_content())
    page.reload()
    expect(page.locator("#desk")).to_be_hidden()
    own.log_in("admin", swarm.cloud.admin_password)
    expect(page.locator("#story dd").first).to_have_text(chosen)


def test_a_task_that_is_gone_hides_no_approval(window: Callable[[], Window], swarm: Swarm, desk: Desk) -> None:
    story = desk.asking()
    try:
        page = as_admin(window(), swarm, f"tasks/page#{GONE}")
        expect(page.locator("#absent")).to_have_text(f"no task {GONE}")
        box = page.locator(".asked").filter(has=page.locator(f'a[href="#{story["task"]["id"]}"]'))
        expect(box.get_by_role("button", name="Approve")).to_be_visible()
        expect(page.locator("#list")).to_contain_text(story["task"]["id"][:8])
        expect(page.locator("#trouble")).to_be_empty()
        box.get_by_role("link", name="The task").click()
        expect(page.locator("#story")).to_contain_text(story["task"]["id"])
        expect(page.locator("#absent")).to_be_empty()
    finally:
        desk.decide(story, "reject")


def test_a_viewer_sees_everything_and_can_touch_nothing(window: Callable[[], Window], swarm: Swarm, desk: Desk) -> None:
    swarm.cloud.vault.add_user(VIEWER, Role.VIEWER, PASSWORD)
    try:
        watched(window(), desk)
    finally:
        swarm.cloud.vault.remove_user(VIEWER)


def watched(own: Window, desk: Desk) -> None:
    """What a viewer sees of both pages."""
    story = desk.asking()
    try:
        page = own.open("tasks/page", VIEWER, PASSWORD)
        expect(page.locator("#user")).to_have_text(f"{VIEWER} (viewer)")
        expect(page.locator(".asked").first).to_be_visible()
        page.locator(".asked").filter(has_text=story["approval"]["question"]).get_by_role("link").click()
        expect(page.locator("#story")).to_contain_text(story["task"]["id"])
        expect(page.get_by_role("button", name=FORBIDDEN)).to_have_count(0)
    finally:
        desk.decide(story, "reject")
    page.get_by_role("link", name="Control").click()
    page.get_by_label("User").fill(VIEWER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#as-of")).not_to_be_empty()
    expect(page.get_by_role("button", name=FORBIDDEN)).to_have_count(0)


def test_all_trading_stops_and_goes_on_by_the_page(window: Callable[[], Window], swarm: Swarm, person: Person) -> None:
    page = as_admin(window(), swarm, "control/page")
    expect(page.locator("#money")).to_have_text("simulated money")
    page.get_by_role("button", name="STOP ALL TRADING").click()
    confirm = page.locator("#confirm")
    confirm.get_by_role("button", name="Yes, stop").click()
    expect(confirm).to_be_visible()  # a reason is missing
    confirm.get_by_label("Why").fill("prices look wrong")
    confirm.get_by_role("button", name="Yes, stop").click()
    try:
        expect(page.locator("#halt")).to_contain_text("TRADING IS HALTED by admin: prices look wrong")
        assert person.gets("/control")["halt"]["reason"] == "prices look wrong"
        refused = swarm.runs("trade", "BUY", "BTC/USDT", "0.01")
        assert refused.returncode != 0
        assert "halted" in refused.stderr
        expect(page.locator("#halt-state")).to_contain_text("settled", timeout=LATER)
        page.get_by_label("Why trading may go on").fill("the feed was wrong, not the market")
        page.get_by_role("button", name="Resume trading").click()
        expect(page.locator("#halt")).to_be_hidden()
    finally:
        if person.gets("/control")["halt"] is not None:
            evidence.wait_until("the halt is settled", lambda: person.gets("/control")["halt"]["settled_at"], 240)
            swarm.succeeds("resume", "--reason", "the test has failed")
    assert person.gets("/control")["halt"] is None
    expect(page.get_by_role("button", name="STOP ALL TRADING")).to_be_visible()
