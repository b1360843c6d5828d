"""The pages of the site's people about tenants: list, groups, settings, wallet."""

import re
from typing import Any

import pytest
from django.test import Client

from billing import books, ledger, tenants
from billing.models import Entry, Group, Member, PriceBook, PriceRule, Tenant
from common.models import AuditEntry
from tests.accounts import Account
from tests.api.v1.people import new_user
from tests.console.accounts.visitor import stale, unique
from tests.console.money_desk import HOSTILE, balance, draw, of_staff, of_tenant, place, text
from tests.ledger import params


@pytest.fixture
def operator(bystander: Account) -> Client:
    del bystander
    return of_staff()


def test_the_list_finds_a_tenant_and_has_its_money(bystander: Account, operator: Client) -> None:
    draw(bystander, amount="0.25")
    seen = text(operator.get("/console/tenants/", {"q": bystander.tenant.name}))
    assert f"{bystander.tenant.name} #{bystander.tenant.pk}" in seen
    assert "$99.75" in seen
    assert "$0.25" in seen
    nothing = text(operator.get("/console/tenants/", {"q": unique("nobody")}))
    assert "Nothing fits." in nothing


def test_the_list_is_filtered_by_group_and_state(bystander: Account, operator: Client) -> None:
    name = bystander.tenant.group.name
    assert bystander.tenant.name in text(operator.get("/console/tenants/", {"group": name}))
    off = {"group": name, "is_active": "false"}
    assert "Nothing fits." in text(operator.get("/console/tenants/", off))


def test_a_tenant_is_made_and_changed(bystander: Account, operator: Client) -> None:
    name, group = unique("acme"), bystander.tenant.group.name
    fields = {"name": name, "group": group, "rpm": "60", "queue_seconds": "5"}
    made = operator.post("/console/tenants/new/", fields)
    row = Tenant.objects.get(name=name)
    assert made["Location"] == f"/console/tenants/{row.pk}/settings/"
    assert (row.group.name, row.rpm, row.concurrency, row.queue_seconds) == (group, 60, None, 5)
    twin = operator.post("/console/tenants/new/", fields)
    assert "there is a tenant of this name" in text(twin)

    page = operator.get(f"/console/tenants/{row.pk}/settings/change/").content.decode()
    shown = dict(re.findall(r'<input type="hidden" name="(initial-[^"]+)" value="([^"]*)"', page))
    Tenant.objects.filter(pk=row.pk).update(concurrency=7)
    wanted = {**shown, **fields, "rpm": "90", "concurrency": "", "reason": "asked for"}
    operator.post(f"/console/tenants/{row.pk}/settings/change/", wanted)
    row.refresh_from_db()
    # What somebody else has set meanwhile is left alone.
    assert (row.rpm, row.concurrency, row.name) == (90, 7, name)
    assert AuditEntry.objects.filter(object_id=str(row.pk), why="asked for").exists()


def test_disabling_a_tenant_wants_a_reason(bystander: Account, operator: Client) -> None:
    url = place(bystander, "settings/disable/")
    assert "This field is required" in text(operator.post(url, {}))
    assert Tenant.objects.get(pk=bystander.tenant.pk).is_active
    operator.post(url, {"reason": "has not paid"})
    assert not Tenant.objects.get(pk=bystander.tenant.pk).is_active
    operator.post(place(bystander, "settings/enable/"), {"reason": "has paid"})
    assert Tenant.objects.get(pk=bystander.tenant.pk).is_active
    written = AuditEntry.objects.filter(
        object_kind="tenant", object_id=str(bystander.tenant.pk), deed="patch tenant"
    )
    assert [row.why for row in written.order_by("pk")] == ["has not paid", "has paid"]


def form_of(client: Client, url: str, **fields: str) -> dict[str, str]:
    """The form's own number, and what is typed."""
    page = client.get(url).content.decode()
    found = re.search(r'name="reference" value="([^"]+)"', page)
    assert found
    return {"reference": found[1], **fields}


def test_money_is_added_once_however_often_the_form_is_sent(
    bystander: Account, operator: Client
) -> None:
    url = place(bystander, "entries/top-up/")
    fields = form_of(operator, url, amount="12.50", memo="invoice 7")
    for said in ("is booked", "had been booked before"):
        page = operator.post(url, fields, follow=True)
        assert said in text(page)
    assert balance(bystander) == "112.50"
    assert Entry.objects.get(reference=fields["reference"]).memo == "invoice 7"
    assert form_of(operator, url)["reference"] != fields["reference"]


def test_a_correction_and_a_credit_limit_want_a_reason(
    bystander: Account, operator: Client
) -> None:
    url = place(bystander, "entries/correct/")
    refused = operator.post(url, form_of(operator, url, amount="-0.50", memo=""))
    assert "This field is required" in text(refused)
    operator.post(url, form_of(operator, url, amount="-0.50", memo="booked twice"))
    assert balance(bystander) == "99.50"
    url = place(bystander, "entries/credit-limit/")
    assert "This field is required" in text(operator.post(url, {"credit_limit": "5"}))
    operator.post(url, {"credit_limit": "5", "memo": "an old customer"})
    assert bystander.wallet.credit_limit == 5_000_000
    assert AuditEntry.objects.get(deed="set credit limit", tenant_id=bystander.tenant.pk).why == (
        "an old customer"
    )


@pytest.mark.parametrize("amount", ["", "0", "-1", "x", "1e3", "9" * 30, "0.0000001", "\x00"])
def test_an_amount_that_is_none_is_refused(
    bystander: Account, operator: Client, amount: str
) -> None:
    url = place(bystander, "entries/top-up/")
    page = operator.post(url, form_of(operator, url, amount=amount, memo="x"))
    assert page.status_code == 200
    assert balance(bystander) == "100.00"


CHANGES = (
    "entries/top-up/", "entries/correct/", "entries/credit-limit/", "settings/change/",
    "settings/disable/",
)  # fmt: skip
BODY = {"amount": "1", "memo": "x", "reference": "mine-1", "credit_limit": "1", "reason": "x",
        "name": "other"}  # fmt: skip


@pytest.mark.parametrize("path", CHANGES)
def test_an_old_sign_in_changes_nothing(bystander: Account, operator: Client, path: str) -> None:
    stale(operator)  # type: ignore[arg-type]  # any client has a session
    answer = operator.post(place(bystander, path), BODY)
    assert answer["Location"].startswith("/console/account/reauthenticate/")
    bystander.tenant.refresh_from_db()
    assert (balance(bystander), bystander.tenant.is_active) == ("100.00", True)


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("role", ["owner", "finance", "support"])
def test_nobody_else_changes_money_or_settings(bystander: Account, path: str, role: str) -> None:
    who = of_staff(role) if role == "support" else of_tenant(bystander, role)
    answer = who.post(place(bystander, path), BODY)
    assert answer.status_code in (403, 404)
    bystander.tenant.refresh_from_db()
    assert (balance(bystander), bystander.wallet.credit_limit) == ("100.00", 0)
    assert bystander.tenant.is_active
    assert bystander.tenant.name != "other"


STAFF_ONLY = (
    "/console/tenants/", "/console/tenants/new/", "/console/tenants/groups/",
    "/console/tenants/groups/new/", "/console/codes/", "/console/codes/new/",
    "/console/top-ups/", "/console/reports/",
)  # fmt: skip


@pytest.mark.parametrize("url", STAFF_ONLY)
def test_the_sites_pages_are_not_there_for_tenants(bystander: Account, url: str) -> None:
    assert of_tenant(bystander).get(url).status_code == 404
    assert Client().get(url)["Location"].startswith("/console/account/login/")


def test_a_tenant_s_settings_are_the_sites(bystander: Account) -> None:
    assert of_tenant(bystander).get(place(bystander, "settings/")).status_code == 404
    page = text(of_tenant(bystander).get(place(bystander, "entries/")))
    assert "Administration" not in page
    support = of_staff("support").get(place(bystander, "settings/"))
    assert "Correct" not in text(support)
    assert "Sign in as" not in text(support)
    assert "Prices of its own" not in text(support)


def test_the_settings_show_people_prices_and_ways(bystander: Account, operator: Client) -> None:
    user = new_user()
    member = Member.objects.create(tenant=bystander.tenant, user=user, role="owner")
    book = books.draft(origin=PriceBook.objects.in_force(), actor="test")
    PriceRule.objects.create(book=book, name="mj_imagine", tenant=bystander.tenant, amount=70_000)
    books.release(book, actor="test")
    page = operator.get(place(bystander, "settings/"))
    assert user.username in text(page)
    assert "$0.07" in text(page)
    assert f'action="/console/account/sign-in-as/{member.pk}/"' in page.content.decode()
    seen = operator.post(f"/console/account/sign-in-as/{member.pk}/", follow=True)
    assert seen.redirect_chain[0][0] == place(bystander)


def test_groups_are_listed_and_made(bystander: Account, operator: Client) -> None:
    name = unique("vip")
    page = operator.post("/console/tenants/groups/new/", {"name": name}, follow=True)
    assert name in text(page)
    assert Group.objects.filter(name=name).exists()
    assert "there is a group of this name" in text(
        operator.post("/console/tenants/groups/new/", {"name": name})
    )
    assert f"group={name}" in operator.get("/console/tenants/groups/", {"q": name}).content.decode()


def test_test_money_is_refilled_by_who_may_make_keys(bystander: Account) -> None:
    url = place(bystander, "entries/refill-test-money/")
    developer = of_tenant(bystander, "developer")
    assert "there is no test wallet before there is a test key" in text(developer.post(url))
    wallet = tenants.open_test_wallet(bystander.tenant)
    assert developer.post(url).status_code == 302
    wallet.refresh_from_db()
    assert wallet.balance == 2 * tenants.TEST_MONEY
    assert of_tenant(bystander, "viewer").post(url).status_code == 403


def test_entries_are_shown_with_the_balance_after_and_filtered(bystander: Account) -> None:
    reference = draw(bystander, amount="0.25")
    viewer = of_tenant(bystander, "viewer")
    url = place(bystander, "entries/")
    seen = text(viewer.get(url))
    assert "Capture" in seen
    assert "$99.75" in seen
    only = text(viewer.get(url, {"kind": "topup"}))
    assert reference not in only
    assert "$100.00" in only
    found = text(viewer.get(url, {"reference": reference, "key": str(bystander.token.pk)}))
    assert found.count(reference) >= 2
    assert "Nothing fits." in text(viewer.get(url, {"until": "2020-01-01T00:00"}))
    assert "Nothing fits." in text(viewer.get(url, {"key": "999999999"}))
    for key in ("x", "-1", "9" * 40, "²"):
        assert viewer.get(url, {"key": key}).status_code == 200


def test_entries_come_in_pages(bystander: Account) -> None:
    for _ in range(30):
        draw(bystander)
    viewer = of_tenant(bystander, "viewer")
    first = viewer.get(place(bystander, "entries/")).content.decode()
    (after,) = set(re.findall(r"after=([^&\"]+)", first))
    older = viewer.get(place(bystander, "entries/"), {"after": after, "trail": ""})
    assert "Top-up" in text(older)


def test_what_the_site_alone_knows_of_an_entry_is_not_shown_to_tenants(bystander: Account) -> None:
    url = place(bystander, "entries/")
    assert " by test" in text(of_staff().get(url))
    assert " by test" not in text(of_tenant(bystander).get(url))


def test_a_hostile_name_and_memo_are_only_text(bystander: Account, operator: Client) -> None:
    Tenant.objects.filter(pk=bystander.tenant.pk).update(name=HOSTILE)
    url = place(bystander, "entries/top-up/")
    memo = "<img src=x onerror=alert(1)>"
    operator.post(url, form_of(operator, url, amount="1", memo=memo))
    pages: list[Any] = [
        operator.get("/console/tenants/", {"q": "<script>"}),
        operator.get(place(bystander, "settings/")),
        operator.get(place(bystander, "entries/")),
    ]
    for page in pages:
        assert "<script>alert" not in page.content.decode()
        assert "<img src=x" not in page.content.decode()
    assert memo in text(pages[2]) or "&lt;img" in pages[2].content.decode()


@pytest.mark.parametrize(
    "path", ["entries/", "usage/", "statements/", "top-up/", "entries/refill-test-money/"]
)
def test_another_tenant_finds_nothing(bystander: Account, path: str) -> None:
    other = tenants.create(name=unique("other"))
    user = new_user()
    Member.objects.create(tenant=other, user=user, role="owner")
    stranger = Client()
    stranger.force_login(user)
    assert stranger.get(place(bystander, path)).status_code == 404
    assert stranger.post(place(bystander, path)).status_code == 404


def test_an_entry_of_a_drawing_leads_to_its_task(bystander: Account) -> None:
    params_of = params(bystander)
    ledger.hold(params_of, reference="1792000000000000001")
    page = of_tenant(bystander, "viewer").get(place(bystander, "entries/")).content.decode()
    assert place(bystander, "tasks/1792000000000000001/") in page
    assert page.count("/tasks/") == 1
