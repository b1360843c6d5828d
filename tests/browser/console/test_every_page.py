"""Every page of the navigation with something on it, in both themes and widths: no trouble on the
browser's console, nothing serious for axe-core, nothing wider than the screen; and a picture of
each is kept."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from billing import codes, ledger
from billing.models import Announcement, Member, Notice, TopUp
from channels.models import CostRule
from console.navigation import STAFF, TENANT, Entry
from relay.api.v1.roles import TENANT_ROLES, Right
from tests.accounts import Account
from tests.api.v1.desk import unique
from tests.api.v1.people import new_user
from tests.browser.console.conftest import SCREENSHOTS, THEMES, WIDTHS, Visitor
from tests.stack import wait_until

Visit = Callable[..., Visitor]
HOSTILE = "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE} " + "\N{ARABIC LETTER ALEF}" * 9
OWNERS = [
    entry for section in TENANT for entry in section.entries
    if entry.right in TENANT_ROLES["owner"]
]  # fmt: skip
OPERATORS = [entry for section in STAFF for entry in section.entries]


@pytest.fixture
def busy(account: Account) -> Account:
    """Somebody who has been here for a while."""
    tenant, channel = account.tenant, account.channel
    CostRule.objects.create(channel=channel, name="mj_*", amount=20_000)
    for prompt in ("a lighthouse at dawn", HOSTILE, "very " * 800, "zzfail"):
        hook = account.stack.inbox_url(tenant.name)
        account.finish(account.draw(prompt, notifyHook=hook))
    told = account.callback(account.last_task.pk)
    wait_until(lambda: told.attempts.exists(), seconds=20, what="the callback")
    Member.objects.create(tenant=tenant, user=new_user(first_name=HOSTILE[:30]), role="viewer")
    Notice.objects.create(tenant=tenant, kind="balance.low", subject=HOSTILE, text=HOSTILE)
    Announcement.objects.create(title=unique("Maintenance"), text=HOSTILE, created_by="somebody")
    codes.make(name=unique("Spring"), count=2, amount=1_000_000, expires_at=None, actor="somebody")
    TopUp.objects.create(
        number=f"da7{tenant.pk:011x}", tenant=tenant, provider="stripe", state="disputed",
        note=HOSTILE, amount=10_000_000, pay_amount=900, pay_currency="USD",
    )  # fmt: skip
    ledger.topup(
        tenant_id=tenant.pk, amount=5_000_000, reference=unique("paid"), memo=HOSTILE, actor="x"
    )
    return account


def name_of(entry: Entry) -> str:
    return entry.address.strip("/") or "overview"


def look_at_all(visitor: Visitor, place: str, entries: list[Entry], *, kind: str) -> None:
    """Each is where the navigation leads, and says so."""
    for entry in entries:
        page = visitor.open(place + entry.address)
        here = page.locator("aside [aria-current=page]")
        expect(here).to_have_attribute("href", place + entry.address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert not page.get_by_text("Request ID").count()
        visitor.look(f"nav-{kind}-{name_of(entry)}")
    links = visitor.page.locator("aside nav a.nav-link")
    addresses = {link.get_attribute("href") for link in links.all()}
    assert {place + entry.address for entry in entries} <= addresses


def missing(entries: list[Entry], *, kind: str) -> list[str]:
    """Pictures that are not there."""
    wanted: list[Any] = [
        SCREENSHOTS / f"nav-{kind}-{name_of(entry)}-{width}-{theme}.png"
        for entry in entries
        for width in WIDTHS
        for theme in THEMES
    ]
    return [path.name for path in wanted if not path.exists() or path.stat().st_size < 1000]


@pytest.mark.parametrize("half", [0, 1])
def test_every_page_of_the_site(visit: Visit, busy: Account, half: int) -> None:
    del busy
    entries = OPERATORS[half::2]
    look_at_all(visit("operator"), "/console/", entries, kind="site")
    assert missing(entries, kind="site") == []


@pytest.mark.parametrize("half", [0, 1])
def test_every_page_of_a_tenant(visit: Visit, busy: Account, half: int) -> None:
    visitor = visit("owner", busy.tenant)
    entries = OWNERS[half::2]
    look_at_all(visitor, visitor.base, entries, kind="tenant")
    assert missing(entries, kind="tenant") == []
    assert Right.SEE_SITE not in {entry.right for entry in entries}
