"""One day of a site, as its people live it: from an empty house to a drawing that is paid for,
told about, and given back.

Everything happens in browsers, on the running product: the operator and the owner of the tenant
sign in with their passwords, and nothing is put into the database behind their backs but the
operator's own account.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from billing import books
from billing.models import StaffMember, StaffRole, Tenant
from channels.models import Channel
from tests.api.v1.desk import unique
from tests.browser.console.conftest import EXPECTED, SECONDS, look
from tests.console.accounts.visitor import LOGIN, PASSWORD, person
from tests.listener import Listener, listening
from tests.prices import PRICES
from tests.stack import Stack, wait_until

DRAWN_MS = 40_000


@pytest.fixture
def usual_prices(database: str) -> Iterator[None]:
    """In force again after the test."""
    del database
    yield
    books.publish_json(PRICES, memo="tests")


@pytest.fixture
def browse(stack: Stack, chromium: Browser) -> Iterator[Callable[[], Page]]:
    """Opens the browser of somebody who is not signed in yet. What a page says on its console
    fails the test."""
    opened: list[Page] = []
    troubles: list[str] = []

    def hear(message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(EXPECTED):
            troubles.append(f"{message.page.url}: {message.text}")

    def new() -> Page:
        context = chromium.new_context(
            base_url=stack.url, viewport={"width": 1440, "height": 900}, locale="en"
        )
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: troubles.append(f"{page.url}: {error}"))
        opened.append(page)
        return page

    yield new
    for page in opened:
        page.context.close()
    assert not troubles, "\n".join(troubles)


@contextmanager
def dialog(page: Page, opener: Locator) -> Iterator[Locator]:
    """What a link opens over the page."""
    opener.click()
    box = page.get_by_role("dialog")
    expect(box.get_by_role("button").last).to_be_visible()
    yield box


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("User name or mail address").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def follow(page: Page, *names: str) -> None:
    """Through the navigation, as people go."""
    for name in names:
        page.get_by_role("navigation").get_by_role("link", name=name, exact=True).first.click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.usefixtures("usual_prices")
def test_a_day_of_an_operator_and_of_a_tenant(stack: Stack, browse: Callable[[], Page]) -> None:
    boss, group, name = person(), unique("galleries"), unique("Acme")
    StaffMember.objects.create(user=boss, role=StaffRole.OPERATOR)
    operator, owner = browse(), browse()

    operator.goto("/console/")
    look(operator, "day-01-sign-in")
    sign_in(operator, boss.username)
    expect(operator.get_by_role("heading", name="Overview")).to_be_visible()
    look(operator, "day-02-overview")

    make_a_group(operator, group)
    channel = add_a_channel(operator, stack, group)
    publish_prices(operator)
    link = make_a_tenant(operator, name=name, group=group)
    tenant = Tenant.objects.get(name=name)
    try:
        with listening() as receiver:
            become_its_owner(owner, link, tenant)
            give_a_callback_address(owner, receiver)
            make_a_key(owner)
            task_id = draw(owner)
            go_on_with_it(owner)
            see_the_charges(owner)
            send_the_callback_again(owner, receiver, task_id)
        see_the_margin(operator, tenant, channel)
        drain_the_channel(operator, channel)
        refund(operator, task_id)
        read_the_audit(operator, boss.email, tenant, channel)
    finally:
        Channel.objects.filter(name=channel).update(state=Channel.State.DISABLED)


def make_a_group(page: Page, group: str) -> None:
    follow(page, "Tenants")
    page.get_by_role("link", name="Groups").click()
    with dialog(page, page.get_by_role("link", name="New group")) as box:
        box.get_by_label("Name", exact=True).fill(group)
        box.get_by_role("button", name="Make the group").click()
    expect(page.get_by_text(group).first).to_be_visible()


def add_a_channel(page: Page, stack: Stack, group: str) -> str:
    """At the sandbox, only for the group, with what it costs us: its name."""
    name = unique("sandbox")
    follow(page, "Channels")
    page.get_by_role("link", name="New channel").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Kind").select_option("trueai")
    page.get_by_label("Address", exact=True).fill(f"{stack.sandbox_url}/trueai")
    page.get_by_text("What it may be used for").click()
    page.get_by_label("Groups").fill(group)
    page.get_by_role("button", name="Make the channel").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("link", name="Edit the costs").click()
    row = page.get_by_role("group", name="Row 1")
    row.get_by_label("Price name").fill("mj_*")
    row.get_by_label("Cost").fill("0.02")
    page.get_by_role("button", name="Set the costs").click()
    expect(page.get_by_role("cell", name="$0.02")).to_be_visible()
    look(page, "day-03-channel")
    return name


def publish_prices(page: Page) -> None:
    """An Imagine is $0.25 from now on."""
    follow(page, "Prices")
    with dialog(page, page.get_by_role("link", name="New draft").first) as box:
        box.get_by_label("Note").fill("the prices of this day")
        box.get_by_role("button", name="Begin the draft").click()
    page.get_by_label("mj_imagine, Everybody, Any mode", exact=True).fill("0.25")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 change is saved.")).to_be_visible()
    look(page, "day-04-prices")
    page.get_by_role("link", name="Publish").click()
    page.get_by_label("Why").fill("we open")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("is in force now.")).to_be_visible()


def make_a_tenant(page: Page, *, name: str, group: str) -> str:
    """With $25.00; the link that invites its owner."""
    follow(page, "Tenants")
    with dialog(page, page.get_by_role("link", name="New tenant")) as box:
        box.get_by_label("Name", exact=True).fill(name)
        box.get_by_label("Group").select_option(group)
        box.get_by_role("button", name="Make the tenant").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    with dialog(page, page.get_by_role("link", name="Top up", exact=True).last) as box:
        box.get_by_label("Amount").fill("25")
        box.get_by_label("Why").fill("invoice 1")
        box.get_by_role("button", name="Add the money").click()
    expect(page.get_by_text("$25.00 is booked; the balance is $25.00.")).to_be_visible()
    follow(page, "Members")
    with dialog(page, page.get_by_role("link", name="Invite")) as box:
        box.get_by_label("Mail address").fill(f"{name}@example.com")
        box.get_by_label("Role").select_option("owner")
        box.get_by_role("button", name="Invite").click()
        link = box.get_by_label("Link of the invitation").input_value()
        look(page, "day-05-invitation")
        box.get_by_role("link", name="I have copied it").click()
    return link


def become_its_owner(page: Page, link: str, tenant: Tenant) -> None:
    """Sign-up is closed to everybody who is not invited."""
    page.goto(link)
    expect(
        page.get_by_text(f"You are invited to become a member of {tenant.name}.")
    ).to_be_visible()
    look(page, "day-06-invited")
    newcomer = person(email=f"{tenant.name}@example.com")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, newcomer.username)
    page.get_by_role("button", name="Accept the invitation").click()
    expect(page.get_by_role("heading", name="The first drawing")).to_be_visible()
    look(page, "day-07-tenant")
    # It is the password that lets him in, not the link.
    page.locator("summary:visible", has_text=newcomer.username).click()
    page.locator("button:visible", has_text="Sign out").click()
    page.goto(LOGIN)
    sign_in(page, newcomer.username)
    expect(page.get_by_role("heading", name="The first drawing")).to_be_visible()


def give_a_callback_address(page: Page, receiver: Listener) -> None:
    follow(page, "Callbacks")
    page.get_by_role("link", name="Addresses").click()
    with dialog(page, page.get_by_role("link", name="Change")) as box:
        box.get_by_label("Callback address").fill(f"{receiver.url}/told")
        box.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The callback address is changed.")).to_be_visible()


def make_a_key(page: Page) -> None:
    follow(page, "Keys")
    with dialog(page, page.get_by_role("link", name="New key")) as box:
        box.get_by_label("Name", exact=True).fill("website")
        box.get_by_role("button", name="Make the key").click()
        expect(box.get_by_role("link", name="I have copied it")).to_be_visible()
        look(page, "day-08-key")
        box.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("heading", name="website")).to_be_visible()


def draw(page: Page) -> str:
    """A picture in the playground, watched to the end: the task's id."""
    follow(page, "Playground")
    page.get_by_label("Prompt", exact=True).fill("a lighthouse at dawn")
    expect(page.locator("#preview")).to_contain_text("Costs $0.25")
    page.get_by_role("button", name="Imagine", exact=True).click()
    finished(page, "IMAGINE")
    picture = page.get_by_role("img", name="The picture").first
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 100
    look(page, "day-09-drawn")
    card = page.locator("[id^=drawing-]").first.get_attribute("id")
    assert card
    return card.removeprefix("drawing-")


def finished(page: Page, action: str) -> None:
    card = page.get_by_role("article", name=action).first
    expect(card.get_by_text("Success")).to_be_visible(timeout=DRAWN_MS)


def go_on_with_it(page: Page) -> None:
    """One of the four is made large, and a part of it is painted over and drawn anew."""
    page.get_by_role("button", name="U2", exact=True).click()
    finished(page, "UPSCALE")
    page.get_by_role("button", name="Vary (Region)").click()
    canvas = page.get_by_role("img", name="The picture with what is painted over")
    expect(page.get_by_text("Nothing is painted over yet.")).to_be_visible()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(page.get_by_text("of the picture are painted over")).to_be_visible()
    page.get_by_label("What shall be there").fill("a red boat")
    look(page, "day-10-mask")
    page.get_by_role("button", name="Draw it").click()
    finished(page, "INPAINT")
    look(page, "day-11-inpainted")


def see_the_charges(page: Page) -> None:
    follow(page, "Wallet")
    expect(page.get_by_role("row", name=re.compile(r"Capture.*Imagine.*0\.25"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Top-?up.*25"))).to_be_visible()
    look(page, "day-12-wallet")


def send_the_callback_again(page: Page, receiver: Listener, task_id: str) -> None:
    """The receiver gets the same message twice: known by its webhook-id."""

    def told() -> list[str]:
        return [
            headers["webhook-id"]
            for _method, _path, headers, body in receiver.asked
            if task_id in body.decode() and b'"SUCCESS"' in body and b'"IMAGINE"' in body
        ]

    wait_until(told, seconds=20, what="the callback")
    follow(page, "Callbacks")
    page.get_by_label("Task").fill(task_id)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("cell", name="Delivered").first).to_be_visible()
    page.get_by_role("row", name=re.compile("Delivered")).first.get_by_role("link").first.click()
    look(page, "day-13-callback")
    with dialog(page, page.get_by_role("link", name="Send again")) as box:
        box.get_by_role("button", name="Send").click()
    wait_until(lambda: len(told()) > 1, seconds=20, what="the replay")
    assert len(set(told())) == 1


def see_the_margin(page: Page, tenant: Tenant, channel: str) -> None:
    """Of $0.25 for the Imagine and what came after it, $0.02 each are the channel's."""
    page.goto(f"/console/reports/?tenant={tenant.pk}&by=channel&by=action")
    row = page.get_by_role("row", name=re.compile(f"{channel}.*Imagine"))
    expect(row.get_by_text("$0.25").first).to_be_visible()
    expect(row.get_by_text("$0.02").first).to_be_visible()
    expect(row.get_by_text("$0.23").first).to_be_visible()
    look(page, "day-14-margin")
    follow(page, "Overview")
    expect(page.locator(".plot canvas").first).to_be_visible()
    look(page, "day-15-overview")


def drain_the_channel(page: Page, channel: str) -> None:
    follow(page, "Channels")
    page.get_by_role("link", name=channel, exact=True).first.click()
    with dialog(page, page.get_by_role("link", name="Drain", exact=True).first) as box:
        box.get_by_label("Why").fill("the day is over")
        box.get_by_role("button", name="Drain").click()
    expect(page.get_by_text("The channel is draining.")).to_be_visible()
    look(page, "day-16-drained")


def refund(page: Page, task_id: str) -> None:
    follow(page, "Tasks")
    page.keyboard.press("/")
    page.keyboard.type(task_id)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=task_id).first.click()
    with dialog(page, page.get_by_role("link", name="Refund")) as box:
        expect(box.get_by_text("$0.25 was paid")).to_be_visible()
        box.get_by_label("Why").fill("the boat was to be blue")
        box.get_by_role("button", name="Refund").click()
    expect(page.get_by_text("$0.25 is refunded.")).to_be_visible()
    look(page, "day-17-refunded")


def read_the_audit(page: Page, who: str, tenant: Tenant, channel: str) -> None:
    """All of it is there, with the reasons."""
    follow(page, "Audit")
    page.get_by_label("Who").fill(who)
    page.get_by_role("button", name="Show").click()
    audit = page.get_by_role("table")
    for said in ("Task refunded", "the boat was to be blue", "the day is over", "Balance topped up",
                 "Prices published", "Costs of a channel set", tenant.name, channel):  # fmt: skip
        expect(audit.get_by_text(said).first).to_be_visible()
    look(page, "day-18-audit")
