"""Tasks, the gallery and the tenant's overview in the browser."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from billing.models import Token
from relay.models import Attempt, Hook, Task
from tests.accounts import Account
from tests.browser.console.conftest import Visitor
from tests.faults.place import begin
from tests.stack import wait_until

Visit = Callable[..., Visitor]
HOSTILE = '<script>alert("x")</script> \N{RIGHT-TO-LEFT OVERRIDE}evil '
LONG = HOSTILE + "\N{ARABIC LETTER ALEF}" * 40 + "x" * 4000


def is_drawn(page: Page, selector: str) -> None:
    """The first picture there has really arrived."""
    page.wait_for_function(
        "(where) => { const image = document.querySelector(where); "
        "return image && image.complete && image.naturalWidth > 0; }",
        arg=selector,
    )


def hooked(account: Account) -> str:
    """A drawing whose callback has arrived."""
    hook = account.stack.inbox_url(account.tenant.name)
    task_id = account.draw("a lighthouse at dawn, oil on canvas", notifyHook=hook)
    account.finish(task_id)
    told = account.callback(task_id)
    wait_until(lambda: told.attempts.exists(), seconds=20, what="the callback")
    return task_id


def test_an_operator_finds_a_task_reads_it_and_refunds_it(visit: Visit, account: Account) -> None:
    task_id = hooked(account)
    account.finish(account.draw("zzfail"))
    visitor = visit("operator")
    page = visitor.open(f"tasks/?tenant={account.tenant.pk}")
    is_drawn(page, "td .picture img")
    visitor.look("tasks")
    page.get_by_text("More filters").click()
    page.get_by_label("Status").select_option("SUCCESS")
    expect(page.get_by_role("link", name=task_id)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(task_id)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=task_id).click()

    expect(page.get_by_role("heading", name=f"Task {task_id}")).to_be_visible()
    is_drawn(page, ".picture-large img")
    story = page.get_by_role("region", name="What happened")
    for said in ("Asked for", "Hold", "Attempt 1", "Capture", "Try 1 of the callback of the end"):
        expect(story.get_by_text(said).first).to_be_visible()
    visitor.look("task")
    story.get_by_text("The upstream's own words").click()
    expect(story.locator("pre").first).to_be_visible()
    page.get_by_text("The task object").click()
    expect(page.get_by_text(f'"id": "{task_id}"')).to_be_visible()

    page.get_by_role("link", name="Refund").click()
    box = page.get_by_role("dialog")
    expect(box.get_by_text("$0.10 was paid")).to_be_visible()
    visitor.look("task-refund")
    box.get_by_label("Amount").fill("0.04")
    box.get_by_label("Why").fill("not sharp")
    box.get_by_role("button", name="Refund").click()
    expect(page.get_by_text("$0.04 is refunded.")).to_be_visible()
    expect(page.get_by_text("not sharp")).to_be_visible()
    assert account.funds == ("99.94", "0.00")


def test_a_tenant_is_chosen_while_its_name_is_typed_and_then_a_key_of_it(
    visit: Visit, account: Account
) -> None:
    task_id = account.draw()
    visitor = visit("operator")
    page = visitor.open("tasks/")
    page.get_by_text("More filters").click()
    expect(page.get_by_label("Key", exact=True)).to_be_disabled()
    box = page.get_by_label("Tenant", exact=True)
    box.press_sequentially(account.tenant.name[:-1])
    offer = f"{account.tenant.name} #{account.tenant.pk}"
    expect(page.locator(f'datalist option[value="{offer}"]')).to_be_attached()
    # As a browser does when it is chosen.
    box.fill(offer)
    box.blur()
    page.get_by_label("Key", exact=True).select_option(account.token.name)
    expect(page.get_by_role("link", name=task_id)).to_be_visible()
    expect(page.get_by_label("Tenant", exact=True)).to_have_value(offer)
    visitor.look("tasks-of-a-tenant")


def test_an_operator_decides_about_a_lost_task(visit: Visit, account: Account) -> None:
    task_id = begin(account, "where is it?")
    Attempt.objects.filter(task=task_id).update(outcome=Attempt.Outcome.UNKNOWN)
    visitor = visit("operator")
    page = visitor.open(f"tasks/?unknown_outcome=true&tenant={account.tenant.pk}")
    page.get_by_role("link", name=str(task_id)).click()
    page.get_by_role("link", name="Decide").click()
    box = page.get_by_role("dialog")
    visitor.look("task-settle")
    box.get_by_text("It failed: the price is free again").click()
    box.get_by_label("Reason for the tenant").fill("it was lost")
    box.get_by_label("Why you say so").fill("they do not have it")
    box.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("It is decided.")).to_be_visible()
    expect(page.get_by_text("it was lost", exact=True)).to_be_visible()
    assert account.funds == ("100.00", "0.00")
    # Nobody has the next one: a look finds that out.
    lost = begin(account, "and where is this?")
    page = visitor.open(f"tasks/{lost}/")
    page.get_by_role("button", name="Look now").click()
    expect(page.get_by_text("The upstream is asked at once.")).to_be_visible()


def test_a_task_is_seen_to_be_drawn_without_reloading(visit: Visit, account: Account) -> None:
    visitor = visit("viewer", account.tenant)
    page = visitor.open("gallery/")
    expect(page.get_by_text("Nothing has been drawn yet.")).to_be_visible()
    visitor.look("gallery-empty")
    task_id = account.draw("a lighthouse zzslow")
    card = page.get_by_role("link", name=f"Task {task_id}")
    expect(card).to_be_visible()
    Task.objects.filter(pk=int(task_id)).update(progress=40)
    card.click()
    expect(page.get_by_role("progressbar", name="Progress").first).to_be_attached()
    visitor.look("task-live")
    done = account.draw("a second one")
    page = visitor.open(f"tasks/{done}/")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    is_drawn(page, ".picture-large img")


def test_a_gallery_shows_pictures_failures_and_hostile_prompts(
    visit: Visit, account: Account
) -> None:
    for number in range(4):
        account.finish(account.draw(f"a lighthouse, number {number}"))
    account.finish(account.draw("zzfail"))
    hostile = account.draw("a harmless one")
    account.finish(hostile)
    Task.objects.filter(pk=int(hostile)).update(prompt=LONG, final_prompt=LONG)
    visitor = visit("owner", account.tenant)
    page = visitor.open("gallery/")
    is_drawn(page, ".gallery img")
    assert page.locator("img[src*='://']").count() == 0
    visitor.look("gallery")
    page.get_by_role("link", name="As a list").click()
    expect(page.get_by_role("table")).to_be_visible()
    visitor.look("gallery-list")
    visitor.open(f"tasks/{hostile}/")
    visitor.look("task-hostile")
    page = visitor.open()
    expect(page.locator(".plot canvas").first).to_be_visible()
    visitor.look("tenant-overview")


def test_a_picture_that_is_gone_is_a_sign_with_words(visit: Visit, account: Account) -> None:
    task_id = account.draw()
    account.finish(task_id)
    Task.objects.filter(pk=int(task_id)).update(
        image_url=f"{account.stack.sandbox_url}/nowhere.png"
    )
    visitor = visit("owner", account.tenant)
    page = visitor.open(f"tasks/{task_id}/")
    expect(page.get_by_text("The picture cannot be had at the moment.")).to_be_visible()


def test_an_overview_of_a_new_and_of_a_troubled_tenant(visit: Visit, account: Account) -> None:
    visitor = visit("owner", account.tenant)
    page = visitor.open()
    expect(page.get_by_role("heading", name="The first drawing")).to_be_visible()
    visitor.look("tenant-overview-new")
    account.finish(account.draw())
    Hook.objects.create(tenant=account.tenant, url="https://dead.example/" + "x" * 90, digest=b"x")
    Token.objects.filter(pk=account.token.pk).update(budget=110_000)
    page.reload()
    expect(page.get_by_text("This callback address fails:")).to_be_visible()
    expect(page.get_by_text(re.compile("91 % of its budget"))).to_be_visible()
    visitor.look("tenant-overview-troubled")
