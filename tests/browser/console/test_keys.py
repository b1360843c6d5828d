"""A tenant's keys in the browser."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from billing import tokens
from billing.models import Token
from tests.accounts import Account
from tests.browser.console.conftest import Visitor

Visit = Callable[..., Visitor]
HOSTILE = "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE}"


def test_a_developer_makes_changes_replaces_and_disables_a_key(
    visit: Visit, account: Account
) -> None:
    visitor = visit("developer", account.tenant)
    page = visitor.open("keys/")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    visitor.look("keys")

    page.get_by_role("link", name="New key").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Name", exact=True).fill("from the console")
    box.get_by_label("Budget in all").fill("many")
    box.get_by_text("Limits, channels, callbacks").click()
    box.get_by_role("button", name="Make the key").click()
    expect(box.get_by_text("this must be a text such as")).to_be_visible()
    expect(box.get_by_label("Budget in all")).to_be_focused()
    visitor.look("key-new")
    box.get_by_label("Budget in all").fill("12.50")
    box.get_by_role("button", name="Make the key").click()
    secret = box.get_by_label("from the console").input_value()
    assert tokens.authenticate(secret).token_id == Token.objects.latest("id").pk
    visitor.look("key-made")
    # It would be lost: neither Escape nor a click beside it closes this.
    page.keyboard.press("Escape")
    expect(box).to_be_visible()
    box.get_by_role("link", name="I have copied it").click()

    expect(page.get_by_role("heading", name="from the console")).to_be_visible()
    expect(page.get_by_text("$12.50").first).to_be_visible()
    assert secret not in page.content()
    visitor.look("key")

    page.get_by_role("link", name="Change").click()
    box.get_by_label("Budget of a day").fill("3")
    box.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The key is changed.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^Day")).get_by_text("$3.00")).to_be_visible()

    page.get_by_role("link", name="Replace").click()
    box.get_by_role("button", name="Replace it").click()
    newer = box.get_by_label("from the console").input_value()
    assert tokens.authenticate(newer).token_id == tokens.authenticate(secret).token_id
    box.get_by_role("link", name="I have copied it").click()

    page.get_by_role("link", name="Disable").click()
    expect(box.get_by_role("button", name="Disable")).to_be_visible()
    visitor.look("key-disable")
    box.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("The key is disabled.")).to_be_visible()
    assert not Token.objects.get(prefix=newer[: len(Token.objects.latest("id").prefix)]).is_active


def test_what_two_people_change_at_once_is_both_kept(visit: Visit, account: Account) -> None:
    visitor = visit("owner", account.tenant)
    page = visitor.open(f"keys/{account.token.pk}/change/")
    Token.objects.filter(pk=account.token.pk).update(day_budget=7_000_000, rpm=60)
    page.get_by_label("Budget of a week").fill("9")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The key is changed.")).to_be_visible()
    row = Token.objects.get(pk=account.token.pk)
    assert (row.day_budget, row.week_budget, row.rpm) == (7_000_000, 9_000_000, 60)


def test_a_viewer_sees_keys_and_no_buttons(visit: Visit, account: Account) -> None:
    page = visit("viewer", account.tenant).open("keys/")
    expect(page.get_by_role("link", name="main")).to_be_visible()
    expect(page.get_by_role("link", name="New key")).to_have_count(0)
    page.goto(f"{page.url}new/")
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()


def test_a_stranger_finds_nothing(
    visit: Visit, account: Account, open_an_account: Callable[..., Account]
) -> None:
    other = open_an_account()
    visitor = visit("owner", other.tenant)
    page = visitor.open(f"/console/tenants/{account.tenant.pk}/keys/")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    visitor.look("error-404")
    page = visitor.open(f"keys/{account.token.pk}/")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_a_hostile_name_is_only_text(visit: Visit, account: Account) -> None:
    Token.objects.filter(pk=account.token.pk).update(name=HOSTILE + "x" * 60)
    visitor = visit("owner", account.tenant)
    page = visitor.open("keys/")
    expect(page.get_by_text("<script>alert(1)</script>")).to_be_visible()
    visitor.look("keys-hostile")


def test_the_keyboard_finds_the_search_and_older_pages(visit: Visit, account: Account) -> None:
    for number in range(55):
        tokens.make(tenant=account.tenant, name=f"key {number}")
    page = visit("owner", account.tenant).open("keys/")
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="key 4", exact=True)).to_be_visible()
    page.get_by_role("link", name="Newer").click()
    expect(page.get_by_role("link", name="key 54")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("key 17")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="key 17")).to_be_visible()
    expect(page.get_by_role("link", name="key 18")).to_have_count(0)


def test_a_list_renews_itself(visit: Visit, account: Account) -> None:
    page = visit("owner", account.tenant).open("keys/")
    tokens.make(tenant=account.tenant, name="made elsewhere")
    expect(page.get_by_role("link", name="made elsewhere")).to_be_visible(timeout=15_000)


def test_the_theme_is_kept(visit: Visit, account: Account) -> None:
    page = visit("owner", account.tenant).open("keys/")
    page.locator("summary[title='Light or dark']:visible").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
