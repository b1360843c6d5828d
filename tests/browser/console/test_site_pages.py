"""Members, staff, announcements, settings, audit and notices in the browser."""

import re
from collections.abc import Callable
from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from playwright.sync_api import expect

from billing.models import Announcement, Delivery, Member, Notice, StaffMember
from common import audit, site
from common.audit import Author, Kind, Origin
from tests.accounts import Account
from tests.api.v1.people import new_user
from tests.browser.console.conftest import Visitor

Visit = Callable[..., Visitor]
HOSTILE = "<script>alert(1)</script> \N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}"
COST = {"name": "mj_imagine", "mode": "fast", "amount": "0.02"}
PRICES = [{"name": f"mj_a_model_of_its_own_v{n}", "mode": "", "amount": "0.1"} for n in range(11)]
CHANGES: list[tuple[str, Any, Any]] = [
    ("set channel costs", {"data": [COST]}, {"data": [COST | {"amount": "0.03"}]}),
    ("edit price book", {"rules": [COST]}, {"rules": PRICES, "ratios": []}),
    (
        "patch key",
        {"budget": None, "rpm": None, "modes": [], "is_active": True, "expires_at": None},
        {"budget": "12.5", "rpm": 30, "modes": ["fast", "relax"], "is_active": False,
         "expires_at": "2027-01-01T00:00:00Z"},
    ),
    ("patch hooks", {"default_hook": ""}, {"default_hook": f"https://a.example/{'long/' * 60}"}),
    ("patch member", {"role": "viewer"}, {"role": "finance"}),
    ("patch settings", {"values": {"sign_up": "closed"}}, {"values": {"sign_up": "open"}}),
    ("patch channel", {"name": "old"}, {"name": HOSTILE, "base_url": "x" * 200}),
]  # fmt: skip


def test_an_owner_invites_somebody_and_changes_a_role(visit: Visit, account: Account) -> None:
    other = Member.objects.create(user=new_user(), tenant=account.tenant, role="viewer")
    visitor = visit("owner", account.tenant)
    page = visitor.open("members/")
    visitor.look("members")
    page.get_by_role("link", name=f"Change the role: {other.user.username}").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Role").select_option("developer")
    box.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The role is changed.")).to_be_visible()
    page.get_by_role("link", name="Invite").click()
    box.get_by_label("Mail address").fill("somebody@example.com")
    visitor.look("member-invite")
    box.get_by_role("button", name="Invite").click()
    link = box.get_by_label("Link of the invitation").input_value()
    assert "/console/account/invitation/" in link
    visitor.look("member-invited")
    box.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_text("somebody@example.com")).to_be_visible()
    assert link not in page.content()
    visitor.look("invitations")
    page.get_by_role("link", name="Management keys").click()
    page.get_by_role("link", name="New key").click()
    box.get_by_label("Name", exact=True).fill("robot")
    box.get_by_role("button", name="Make the key").click()
    expect(box.get_by_label("robot")).to_have_value(re.compile("^mk-"))
    box.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("cell", name="robot")).to_be_visible()
    visitor.look("management-keys")
    page = visitor.open("audit/")
    expect(page.get_by_role("cell", name="Changed: member")).to_be_visible()
    visitor.look("audit-of-tenant")


def test_an_operator_runs_the_staff_and_reads_the_audit(visit: Visit, account: Account) -> None:
    Member.objects.create(user=new_user(), tenant=account.tenant, role="owner")
    visitor = visit("operator")
    page = visitor.open("staff/")
    visitor.look("staff")
    page.get_by_role("link", name="Link for a new password").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Person").fill("nobody of this name")
    box.get_by_role("button", name="Make the link").click()
    expect(box.get_by_text("there is no account of this name")).to_be_visible()
    # Where the mistake is; until then the focus may still be taken there from elsewhere.
    expect(box.get_by_label("Person")).to_be_focused()
    box.get_by_label("Person").fill(visitor.user.username)
    box.get_by_label("Why").fill(HOSTILE)
    visitor.look("password-link")
    box.get_by_role("button", name="Make the link").click()
    expect(box.get_by_role("textbox", name="Link for a new password")).to_be_visible()
    visitor.look("password-link-made")
    box.get_by_role("link", name="I have copied it").click()
    page = visitor.open("audit/")
    expect(page.get_by_role("cell", name="Link for a new password made").first).to_be_visible()
    visitor.look("audit")
    page = visitor.open(f"/console/tenants/{account.tenant.pk}/members/")
    visitor.look("members-for-the-staff")
    page.get_by_role("button", name="See the console as this person").first.click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_an_operator_removes_a_lost_second_factor_and_finds_it_in_the_audit(
    visit: Visit, account: Account
) -> None:
    lost, tenant = new_user(), account.tenant
    TOTP.activate(lost, generate_totp_secret())
    RecoveryCodes.activate(lost)
    Member.objects.create(user=lost, tenant=tenant, role="owner")
    StaffMember.objects.create(user=lost, role="support")
    visitor = visit("operator")
    page = visitor.open("staff/")
    row = page.get_by_role("row").filter(has_text=lost.username)
    expect(row.get_by_role("link", name="Lost second factor")).to_be_visible()
    visitor.look("staff-second-factors")
    page = visitor.open(f"/console/tenants/{tenant.pk}/members/")
    page.get_by_role("link", name=f"Lost second factor: {lost.username}").click()
    box = page.get_by_role("dialog")
    expect(box.get_by_text("One-time codes of an app")).to_be_visible()
    box.get_by_role("button", name="Remove all of them").click()
    expect(box.get_by_text("This field is required.")).to_be_visible()
    box.get_by_label("Why").fill(HOSTILE)
    visitor.look("second-factors-remove")
    box.get_by_role("button", name="Remove all of them").click()
    expect(page.get_by_text("has no second factor any more")).to_be_visible()
    expect(page.get_by_role("heading", name="Members")).to_be_visible()
    page = visitor.open("audit/")
    page.get_by_label("What was done").select_option("remove second factors")
    page.get_by_label("Who").fill(visitor.user.username)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("cell", name=lost.username)).to_be_visible()


def test_what_was_changed_is_readable(visit: Visit, account: Account) -> None:
    tenant = account.tenant
    for number, (deed, before, after) in enumerate(CHANGES):
        kind = deed.split(" ", 1)[1]
        audit.record(Author("ann@example.com", Kind.PERSON), deed, kind=kind, pk=number + 1,
                     tenant_id=tenant.pk, before=before, after=after, why="asked for by mail",
                     origin=Origin("console", "203.0.113.7", "r-1", "Mozilla/5.0"))  # fmt: skip
    visitor = visit("operator")
    page = visitor.open("audit/")
    page.get_by_label("Tenant").press_sequentially(tenant.name[:-1])
    offer = page.locator(f'datalist option[value^="{tenant.name} #"]')
    expect(offer).to_be_attached()
    page.get_by_label("Tenant").fill(tenant.name)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row")).to_have_count(len(CHANGES) + 1)
    expect(page.get_by_text("Imagine (mj_imagine), Fast: $0.03")).to_be_visible()
    expect(page.get_by_text("All 12 lines")).to_be_visible()
    visitor.look("audit-differences")
    page = visit("owner", tenant).open("audit/")
    expect(page.get_by_text("Submits a minute: no limit")).to_be_visible()


def test_an_operator_announces_something_and_ends_it(visit: Visit, account: Account) -> None:
    visitor = visit("operator")
    page = visitor.open("announcements/")
    page.get_by_role("link", name="New announcement").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Title").fill(HOSTILE)
    box.get_by_label("Text").fill("Tomorrow from nine to ten nothing is drawn.")
    box.get_by_label("How it looks").select_option("warning")
    box.get_by_label("For whom").select_option("tenants")
    box.get_by_role("button", name="Announce").click()
    expect(box.get_by_text("name whom it is for")).to_be_visible()
    box.get_by_label("Tenants").fill(account.tenant.name)
    visitor.look("announcement-new")
    box.get_by_role("button", name="Announce").click()
    expect(page.get_by_text("It is announced.")).to_be_visible()
    visitor.look("announcements")
    reader = visit("viewer", account.tenant).open("members/")
    expect(reader.get_by_text("<script>alert(1)")).to_be_visible()
    page.get_by_role("link", name="End").first.click()
    box.get_by_role("button", name="End it").click()
    expect(page.get_by_text("The announcement is over.")).to_be_visible()
    reader.reload()
    expect(reader.get_by_text("<script>alert(1)")).to_have_count(0)
    Announcement.objects.all().delete()


def test_an_operator_changes_a_setting_and_goes_back(visit: Visit, account: Account) -> None:
    visitor = visit("operator")
    page = visitor.open("settings/")
    page.get_by_role("link", name="Change: Sign-up").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Domains of mail addresses").fill("not a domain")
    box.get_by_role("button", name="Save").click()
    expect(box.get_by_text("this must be a domain")).to_be_visible()
    visitor.look("settings-change")
    box.get_by_label("Domains of mail addresses").fill("example.com")
    box.get_by_role("button", name="Save").click()
    expect(page.get_by_text("set here by")).to_be_visible()
    visitor.look("settings")
    page.get_by_role("link", name="Back to the default").click()
    box.get_by_role("button", name="Back to it").click()
    expect(page.get_by_text("The default counts again.")).to_be_visible()
    assert site.value("sign_up_domains") == site.default("sign_up_domains")


def test_notices_are_read(visit: Visit, account: Account) -> None:
    notice = Notice.objects.create(
        tenant=account.tenant, kind="balance.low", subject="Below 5.00", text=HOSTILE
    )
    Delivery.objects.create(
        notice=notice, way="mail", address="a@b.example", state="given_up", due_at=None,
        error="550 no such user",
    )  # fmt: skip
    visitor = visit("owner", account.tenant)
    page = visitor.open("notices/")
    page.get_by_text("Below 5.00").click()
    expect(page.get_by_text("<script>alert(1)")).to_be_visible()
    visitor.look("notices")
    page.get_by_role("link", name="Who gets them").click()
    page.get_by_role("dialog").get_by_label("Mail addresses").fill("me@example.com")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("me@example.com")).to_be_visible()
