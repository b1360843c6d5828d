"""Tenants, codes, top-ups, reports, usage and statements in the browser."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from billing import ledger, tokens, usage
from billing.models import CodeBatch, Member, Tenant, TopUp
from tests.accounts import Account
from tests.api.v1.desk import unique
from tests.api.v1.people import new_user
from tests.browser.console.conftest import Visitor
from tests.console.money_desk import HOSTILE, balance, draw

Visit = Callable[..., Visitor]


def busy(account: Account) -> None:
    """Some drawings, of two keys, in the last days."""
    other, _ = tokens.make(tenant=account.tenant, name="night shift")
    for number in range(12):
        mode = ("fast", "relax", "turbo")[number % 3]
        token = other if number % 4 == 0 else account.token
        reference = draw(account, amount=f"0.{10 + number}", mode=mode, token_id=token.pk)
        if number % 5 == 0:
            ledger.refund(reference=reference, amount=30_000, actor="test", memo="blurred")


def test_an_operator_makes_a_tenant_and_its_money(visit: Visit, account: Account) -> None:
    visitor, name = visit("operator"), unique("Acme")
    page = visitor.open("tenants/")
    visitor.look("tenants")
    page.get_by_role("link", name="Groups").click()
    expect(page.get_by_role("heading", name="Groups")).to_be_visible()
    visitor.look("groups")
    page.go_back()
    page.get_by_role("link", name="New tenant").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Name", exact=True).fill(account.tenant.name)
    box.get_by_label("Submits a minute").fill("60")
    box.get_by_role("button", name="Make the tenant").click()
    expect(box.get_by_text("there is a tenant of this name")).to_be_visible()
    box.get_by_label("Name", exact=True).fill(name)
    visitor.look("tenant-new")
    box.get_by_role("button", name="Make the tenant").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    tenant = Tenant.objects.get(name=name)
    Member.objects.create(tenant=tenant, user=new_user(), role="owner")

    page.get_by_role("link", name="Top up", exact=True).last.click()
    box.get_by_label("Amount").fill("many")
    box.get_by_label("Why").fill("invoice 7")
    visitor.look("wallet-top-up")
    box.get_by_role("button", name="Add the money").click()
    expect(box.get_by_text("this must be a text such as")).to_be_visible()
    box.get_by_label("Amount").fill("25")
    box.get_by_role("button", name="Add the money").click()
    expect(page.get_by_text("$25.00 is booked; the balance is $25.00.")).to_be_visible()
    expect(page.get_by_role("heading", name="Wallet")).to_be_visible()

    page.get_by_role("link", name="Credit limit").click()
    box.get_by_label("Credit limit").fill("10")
    box.get_by_label("Why").fill("an old customer")
    box.get_by_role("button", name="Set the limit").click()
    expect(page.get_by_text("The credit limit is set.")).to_be_visible()
    page.get_by_role("link", name="Correct", exact=True).click()
    box.get_by_label("Amount").fill("-0.50")
    box.get_by_label("Why").fill(HOSTILE[:-2])
    box.get_by_role("button", name="Book it").click()
    expect(page.get_by_text("is booked; the balance is $24.50.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Correction.*alert"))).to_be_visible()
    visitor.look("wallet")

    visitor.open(f"tenants/{tenant.pk}/settings/")
    page.get_by_role("link", name="Disable").click()
    box.get_by_label("Why").fill("has not paid")
    box.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("The tenant is disabled.")).to_be_visible()
    visitor.look("tenant-settings")
    page.get_by_role("link", name="Change").click()
    expect(box.get_by_label("Group")).to_be_visible()
    visitor.look("tenant-change")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Enable").click()
    box.get_by_label("Why").fill("has paid")
    box.get_by_role("button", name="Enable").click()
    page.get_by_role("button", name=re.compile("Sign in as")).click()
    expect(page.get_by_text("You look at this as")).to_be_visible()


def test_codes_are_made_handed_out_and_redeemed(visit: Visit, account: Account) -> None:
    operator, name = visit("operator"), unique("Spring")
    page = operator.open("codes/")
    operator.look("codes-before")
    page.get_by_role("link", name="New codes").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Name", exact=True).fill(name)
    box.get_by_label("How many").fill("3")
    box.get_by_label("What each is worth").fill("2.50")
    operator.look("codes-new")
    box.get_by_role("button", name="Make the codes").click()
    made = box.get_by_label("Codes", exact=True).input_value().split()
    assert len(made) == 3
    operator.look("codes-made")
    with page.expect_download() as download:
        box.get_by_role("link", name="As CSV").click()
    assert made[0] in download.value.path().read_text()
    assert download.value.suggested_filename == "codes.csv"
    box.get_by_role("link", name="I have them").click()

    tenant = visit("finance", account.tenant)
    own = tenant.open("top-up/")
    own.get_by_role("link", name="Redeem a code").click()
    form = own.get_by_role("dialog")
    form.get_by_label("Code").fill("no code")
    form.get_by_role("button", name="Redeem").click()
    expect(form.get_by_text("this code is not valid")).to_be_visible()
    tenant.look("redeem")
    form.get_by_label("Code").fill(made[0].lower())
    form.get_by_role("button", name="Redeem").click()
    expect(own.get_by_text("$2.50 is yours; the balance is $102.50.")).to_be_visible()
    own.get_by_role("link", name="Set amounts").click()
    form.get_by_label("Amounts").fill("5\n250")
    tenant.look("thresholds")
    form.get_by_role("button", name="Save").click()
    expect(own.get_by_text("$250.00")).to_be_visible()
    tenant.look("top-up")

    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("link", name=account.tenant.name)).to_be_visible()
    operator.look("codes-one")
    page.get_by_role("link", name="Disable all").click()
    box.get_by_label("Why").fill("leaked")
    operator.look("codes-disable")
    box.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("The batch is disabled.")).to_be_visible()
    assert not CodeBatch.objects.get(name=name).is_active
    operator.open("codes/")
    operator.look("codes")


def test_a_disputed_order_is_credited(visit: Visit, account: Account) -> None:
    fields = {"tenant": account.tenant, "provider": "stripe", "amount": 10_000_000,
              "pay_amount": 1000, "pay_currency": "USD"}  # fmt: skip
    pk = account.tenant.pk
    note = f"900 of the smallest unit of USD was paid as {HOSTILE}. "
    order = TopUp.objects.create(number=f"d15{pk:010x}", state="disputed", note=note, **fields)
    pending = TopUp.objects.create(number=f"ce4d{pk:010x}", **fields)
    operator = visit("operator")
    page = operator.open("top-ups/?state=disputed")
    operator.look("top-ups")
    page.get_by_role("link", name=order.number).click()
    operator.look("top-up-disputed")
    page.get_by_role("link", name="Credit", exact=True).click()
    box = page.get_by_role("dialog")
    box.get_by_label("What is credited").fill("9.00")
    box.get_by_label("Why").fill("as paid")
    operator.look("top-up-settle")
    box.get_by_role("button", name="Credit it").click()
    expect(page.get_by_text("The order is credited.")).to_be_visible()
    assert balance(account) == "109.00"

    tenant = visit("owner", account.tenant)
    page = tenant.open(f"/console/paid/{pending.number}/")
    expect(page.get_by_text("The balance rises as soon as")).to_be_visible()
    tenant.look("top-up-order")
    TopUp.objects.filter(pk=pending.pk).update(state="paid", paid_at=datetime.now(UTC))
    expect(page.get_by_text("The money is in your balance.")).to_be_visible(timeout=15_000)
    tenant.open("top-up/")
    tenant.look("top-up-orders")


def test_a_tenant_sees_usage_statement_and_entries(visit: Visit, account: Account) -> None:
    busy(account)
    visitor = visit("viewer", account.tenant)
    page = visitor.open("usage/")
    expect(page.locator(".uplot").first).to_be_visible()
    visitor.look("usage")
    page.get_by_text("Key", exact=True).first.click()
    page.get_by_text("Mode", exact=True).first.click()
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("link", name="night shift").first).to_be_visible()
    visitor.look("usage-by-key")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert "night shift" in download.value.path().read_text()

    page = visitor.open("statements/")
    visitor.look("statements")
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    page.get_by_text("Choose a month").click()
    last = page.get_by_role("link", name="Last month")
    last.click()
    expect(page.get_by_text("Nothing happened in this time.")).to_be_visible()

    page = visitor.open("entries/")
    visitor.look("entries")
    page.get_by_label("Kind").select_option("refund")
    page.get_by_label("Key").select_option(label="main")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row", name=re.compile("Refund"))).not_to_have_count(0)
    expect(page.get_by_role("row", name=re.compile("Capture"))).to_have_count(0)


def test_an_operator_sees_the_margin(visit: Visit, account: Account) -> None:
    busy(account)
    draw(account, cost=None)
    usage.roll_up()
    visitor = visit("finance")
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    page = visitor.open(f"reports/?tenant={account.tenant.pk}&by=day&by=channel&by=key&by=action")
    expect(page.get_by_role("link", name=account.channel.name).first).to_be_visible()
    visitor.look("reports")
    visitor.open(f"reports/?first={yesterday}")
    expect(page.get_by_text("send both or none")).to_be_visible()
    visitor.look("reports-wrong")


def test_tenants_are_found(visit: Visit, account: Account) -> None:
    visitor = visit("support")
    page = visitor.open("tenants/")
    page.keyboard.press("/")
    page.keyboard.type(account.tenant.name)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=account.tenant.name, exact=True).click()
    expect(page.get_by_role("heading", name=account.tenant.name)).to_be_visible()
    expect(page.get_by_role("link", name="Correct", exact=True)).to_have_count(0)
    visitor.look("tenant-settings-support")
