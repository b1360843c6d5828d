"""Prices in the browser: the grid with keys and the clipboard, publishing, and what tenants see."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, Page, expect

from billing import books, drafts
from billing.drafts import Ratio, Rule
from billing.models import PriceBook
from tests.accounts import Account
from tests.browser.console.conftest import Visitor
from tests.prices import PRICES

Visit = Callable[..., Visitor]
BLOCK = "0.11\t0.12\t0.06\t0.2\n0.21\t0.22\t0.07\t$0.30\n"
HOSTILE = "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE}"


@pytest.fixture
def usual_prices(database: str) -> Iterator[None]:
    """In force again after the test."""
    yield
    books.publish_json(PRICES, memo="tests")


def cell(page: Page, name: str, column: str = "Any mode", scope: str = "Everybody") -> Locator:
    return page.get_by_label(f"{name}, {scope}, {column}", exact=True)


def paste(page: Page, text: str) -> None:
    """As Ctrl+V does, without the computer's clipboard."""
    page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            const said = { clipboardData: data, bubbles: true, cancelable: true };
            document.activeElement.dispatchEvent(new ClipboardEvent("paste", said));
        }""",
        text,
    )


@pytest.mark.usefixtures("usual_prices")
def test_an_operator_changes_prices_looks_at_them_and_publishes_them(
    visit: Visit, account: Account
) -> None:
    account.finish(account.draw())
    visitor = visit("operator")
    page = visitor.open("prices/")
    expect(page.get_by_role("heading", name="In force now")).to_be_visible()
    visitor.look("prices")
    page.get_by_role("link", name="New draft").first.click()
    box = page.get_by_role("dialog")
    box.get_by_label("Note").fill("spring prices")
    visitor.look("price-book-new")
    box.get_by_role("button", name="Begin the draft").click()
    expect(page.get_by_text("The draft is made.")).to_be_visible()

    first = cell(page, "mj_imagine")
    first.focus()
    paste(page, BLOCK)
    expect(page.get_by_text("Cells that were filled: 8")).to_be_visible()
    expect(cell(page, "mj_blend", "Turbo")).to_have_value("$0.30")
    expect(page.get_by_text("Changed cells: 8")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(cell(page, "mj_describe")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.type("0.9")
    page.keyboard.press("Escape")
    expect(cell(page, "mj_describe", "Fast")).to_have_value("")
    page.keyboard.type("free")
    page.keyboard.press("Enter")
    expect(cell(page, "mj_shorten", "Fast")).to_be_focused()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Tab")
    expect(cell(page, "mj_describe", "Relax")).to_be_focused()
    visitor.look("price-grid-changed")
    page.get_by_role("button", name="Save").click()
    wrong = cell(page, "mj_describe", "Fast")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    visitor.look("price-grid-wrong")
    page.keyboard.type("0.02")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("9 changes are saved.")).to_be_visible()
    visitor.look("price-grid")

    page.get_by_role("link", name="Differences").click()
    expect(page.get_by_role("row", name="mj_blend").first).to_be_visible()
    visitor.look("price-differences")
    page.get_by_role("link", name="Preview").click()
    today = str(datetime.now(UTC).date())
    page.get_by_label("From (UTC)").fill(today)
    page.get_by_label("To, included").fill(today)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row", name="Imagine mj_imagine Fast").first).to_be_visible()
    visitor.look("price-preview")
    page.get_by_role("link", name="Files").click()
    visitor.look("price-files")
    page.get_by_label("ModelPrice", exact=True).fill('{"mj_pan": 1,\n "x": }')
    page.get_by_role("button", name="Read into this draft").nth(1).click()
    expect(page.get_by_text("line 2, column 7")).to_be_visible()
    page.get_by_role("link", name="Publish").click()
    expect(page.get_by_text("What it changes against")).to_be_visible()
    visitor.look("price-publish")
    page.get_by_label("Why").fill("spring")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("is in force now.")).to_be_visible()
    book = PriceBook.objects.in_force()
    assert book is not None
    assert book.memo == "spring prices"
    amounts = dict(book.rules.filter(name="mj_imagine").values_list("mode", "amount"))
    assert amounts == {"": 110_000, "fast": 120_000, "relax": 60_000, "turbo": 200_000}

    visitor = visit("viewer", account.tenant)
    page = visitor.open("prices/")
    expect(page.get_by_role("row", name="Imagine mj_imagine").get_by_text("$0.12")).to_be_visible()
    visitor.look("tenant-prices")


def test_two_operators_at_one_draft_lose_nothing(visit: Visit, account: Account) -> None:
    book = books.draft(origin=PriceBook.objects.in_force(), actor="test")
    one, other = visit("operator"), visit("operator")
    mine, theirs = one.open(f"prices/{book.pk}/"), other.open(f"prices/{book.pk}/")
    cell(theirs, "mj_pan").fill("0.33")
    theirs.get_by_role("button", name="Save").click()
    expect(theirs.get_by_text("1 change is saved.")).to_be_visible()
    cell(mine, "mj_pan").fill("0.44")
    mine.get_by_role("button", name="Save").click()
    expect(mine.get_by_text("by now 0.33")).to_be_visible()
    one.look("price-grid-overtaken")
    assert book.rules.get(name="mj_pan").amount == 330_000


def test_groups_and_a_tenant_stand_beside_everybody(visit: Visit, account: Account) -> None:
    tenant = account.tenant
    book = books.draft(origin=PriceBook.objects.in_force(), actor="test", memo=HOSTILE)
    drafts.set_rule(book, Rule("mj_*", 70_000, "relax", tenant.pk))
    drafts.set_rule(book, Rule(HOSTILE.replace("\N{RIGHT-TO-LEFT OVERRIDE}", "x")[:60], 5))
    drafts.set_ratio(book, Ratio(tenant.group_id, Decimal("0.8")))
    visitor = visit("operator")
    page = visitor.open(
        f"prices/{book.pk}/?scope=all&scope=group:{tenant.group.name}&scope=tenant:{tenant.pk}"
    )
    inherited = cell(page, "mj_imagine", "Fast", f"Group {tenant.group.name}")
    expect(inherited).to_have_attribute("placeholder", "0.08")
    page.locator("details.scopes > summary").click()
    visitor.look("price-grid-scopes")
    visitor.open(
        f"prices/look-up/?tenant={tenant.pk}&action=IMAGINE&mode=relax&key=&book={book.pk}"
    )
    expect(page.get_by_role("heading", name="Rules that fit")).to_be_visible()
    expect(page.get_by_text("decides", exact=True)).to_be_visible()
    visitor.look("price-look-up")


@pytest.mark.usefixtures("usual_prices")
def test_an_older_book_comes_back(visit: Visit, account: Account) -> None:
    old = PriceBook.objects.in_force()
    assert old is not None
    newer = books.draft(origin=old, actor="test")
    drafts.set_rule(newer, Rule("mj_pan", 5_000_000))
    books.release(newer, actor="test")
    visitor = visit("operator")
    page = visitor.open(f"prices/{old.pk}/")
    page.get_by_role("link", name="Roll back to it").click()
    visitor.look("price-roll-back")
    page.get_by_label("Why").fill("too dear")
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("is in force now.")).to_be_visible()
    visitor.look("price-book-live")


def test_the_grid_works_without_javascript(visit: Visit, account: Account) -> None:
    book = books.draft(origin=PriceBook.objects.in_force(), actor="test")
    visitor = visit("operator")
    browser = visitor.page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(visitor.page.context.cookies())
    page = context.new_page()
    page.goto(f"{visitor.stack.url}/console/prices/{book.pk}/")
    cell(page, "mj_pan").fill("0.55")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 change is saved.")).to_be_visible()
    context.close()
    assert book.rules.get(name="mj_pan").amount == 550_000
