"""Parts that every page may have: plots, announcements, the navigation on phones, toasts."""

from collections.abc import Callable

from django.template import Context, Template
from playwright.sync_api import Page, expect

from billing.models import Announcement
from tests.accounts import Account
from tests.browser.console.conftest import Visitor

Visit = Callable[..., Visitor]
HOURS = [1767225600 + 3600 * number for number in range(48)]
HOSTILE = '<img src=x onerror="alert(1)"> ' + "\N{ARABIC LETTER ALEF}" * 4000


def put(page: Page, source: str, **context: object) -> None:
    """What a template draws, in the page as htmx brings it."""
    html = Template("{% load console %}" + source).render(Context(context))
    page.evaluate(
        """(html) => {
            const place = document.querySelector("#content .container-xl");
            place.innerHTML = html;
            place.dispatchEvent(new Event("htmx:load", {bubbles: true}));
        }""",
        f'<div class="card"><div class="card-body">{html}</div></div>',
    )


def test_a_plot_is_drawn_in_both_themes(visit: Visit, account: Account) -> None:
    visitor = visit("owner", account.tenant)
    page = visitor.open("keys/")
    series = [
        ("Submits", [number % 12 for number in range(48)], ""),
        ("Failed", [None if number < 10 else number % 3 for number in range(48)], ""),
    ]
    put(page, "{% plot hours series 'Submits by the hour' %}", hours=HOURS, series=series)
    expect(page.locator(".plot canvas")).to_be_visible()
    visitor.look("part-plot")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("document.querySelector('.plot .uplot').clientWidth < 390")


def test_bars_and_sparklines(visit: Visit, account: Account) -> None:
    visitor = visit("owner", account.tenant)
    page = visitor.open("keys/")
    days = [f"2026-01-{number:02}" for number in range(1, 31)]
    series = [("Revenue", [f"{number * 1.37:.2f}" for number in range(30)], "money")]
    source = "{% plot days series 'Revenue' 'bars' %}{% sparkline values 'Latency' %}"
    put(page, source, days=days, series=series, values=[3, 1, 4, 1, 5, 9, 2, 6])
    expect(page.locator(".plot canvas")).to_be_visible()
    expect(page.get_by_role("img", name="Latency")).to_be_visible()
    page.get_by_text("As a table").click()
    expect(page.get_by_role("cell", name="$1.37", exact=True)).to_be_visible()
    visitor.look("part-bars")


def test_texts_of_others_are_clipped_and_harmless(visit: Visit, account: Account) -> None:
    visitor = visit("owner", account.tenant)
    page = visitor.open("keys/")
    put(page, "{% user_text text %}", text=HOSTILE)
    expect(page.get_by_text("<img src=x").first).to_be_visible()
    visitor.look("part-text")
    page.get_by_text("more", exact=True).click()
    visitor.look("part-text-whole")


def test_announcements_stand_above_the_tenants_pages(visit: Visit, account: Account) -> None:
    made = [
        Announcement.objects.create(
            title=f"{level} <b>", text=text, level=level, audience="tenants", created_by="test"
        )
        for level, text in (("info", "Soon."), ("warning", ""), ("danger", HOSTILE))
    ]
    for announcement in made:
        announcement.tenants.add(account.tenant)
    visitor = visit("viewer", account.tenant)
    page = visitor.open("keys/")
    page.get_by_text("info <b>").click()
    expect(page.get_by_text("Soon.")).to_be_visible()
    expect(page.get_by_text("warning <b>")).to_be_visible()
    visitor.look("part-announcements")


def test_the_navigation_opens_on_phones(visit: Visit, account: Account) -> None:
    visitor = visit("owner", account.tenant)
    page = visitor.open("keys/")
    page.set_viewport_size({"width": 390, "height": 844})
    link = page.get_by_role("link", name="Gallery")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Navigation").click()
    expect(link).to_be_visible()
    visitor.look("part-navigation")


def test_a_phone_shows_each_row_of_a_list_as_names_and_values(
    visit: Visit, account: Account
) -> None:
    page = visit("operator").open("channels/")
    page.set_viewport_size({"width": 390, "height": 844})
    table = page.get_by_role("table", name="Channels")
    state = table.get_by_role("row").filter(has_text=account.channel.name).locator("td").nth(2)
    label = state.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert label == '"State"'
    region = page.get_by_role("region", name="Channels")
    assert region.evaluate("box => box.scrollWidth <= box.clientWidth")
    breaker = page.get_by_label("Breaker")
    expect(breaker).to_be_hidden()
    page.get_by_text("Filters", exact=True).click()
    expect(breaker).to_be_visible()


def test_menus_are_for_the_keyboard(visit: Visit, account: Account) -> None:
    page = visit("owner", account.tenant).open("keys/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    menu = page.locator("summary[title='Language']:visible")
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="简体中文")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(page.get_by_role("button", name="简体中文")).to_be_hidden()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")


def test_copying_is_told(visit: Visit, account: Account) -> None:
    page = visit("owner", account.tenant).open("keys/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    put(page, "{% include 'console/parts/copy.html' with text='copy me' %}")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status").get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "copy me"


def test_a_refusal_in_a_dialog_is_a_toast(visit: Visit, account: Account) -> None:
    visitor = visit("owner", account.tenant)
    page = visitor.open("keys/")
    put(page, "<a href='/console/nowhere/' data-dialog>open it</a>")
    page.get_by_role("link", name="open it").click()
    expect(page.get_by_text("There is nothing here.")).to_be_visible()
