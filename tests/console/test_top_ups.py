"""How money comes in: codes, on-line orders, thresholds."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client

from billing import codes
from billing.models import CodeBatch, LowBalance, RedemptionCode, TopUp
from common.models import AuditEntry
from tests.accounts import Account
from tests.console.accounts.visitor import member, stale, unique
from tests.console.money_desk import HOSTILE, balance, of_staff, of_tenant, place, text
from tests.console.prices_desk import signed_in

CODES = "/console/codes/"


@pytest.fixture
def finance(bystander: Account) -> Client:
    del bystander
    return of_staff("finance")


@pytest.fixture
def owner(bystander: Account) -> Client:
    return of_tenant(bystander)


def batch(**fields: Any) -> tuple[CodeBatch, list[str]]:
    usual = {"name": unique("batch"), "count": 3, "amount": 2_000_000, "expires_at": None}
    return codes.make(**{**usual, **fields}, actor="test")


def made_order(account: Account, **fields: Any) -> TopUp:
    return TopUp.objects.create(
        number=f"c0ffee{account.tenant.pk:010x}", tenant=account.tenant,
        **{"provider": "stripe", "amount": 10_000_000, "pay_amount": 1000, "pay_currency": "USD",
           **fields},
    )  # fmt: skip


def test_codes_are_made_and_shown_once(finance: Client) -> None:
    name = unique("spring")
    fields = {"name": name, "count": "3", "amount": "2.50", "expires_at": "2099-01-01T12:00"}
    page = finance.post(f"{CODES}new/", fields)
    body = page.content.decode()
    (area,) = re.findall(r"<textarea[^>]*>([^<]*)</textarea>", body)
    shown = area.split()
    assert len(shown) == 3
    assert page["Cache-Control"] == "no-store"
    files = dict(re.findall(r'href="data:text/(\w+);charset=utf-8,([^"]+)"', body))
    assert unquote(files["plain"]).split() == shown
    assert unquote(files["csv"]).splitlines()[1].startswith(f"{shown[0]},2.50,2099-01-01T12:00")
    row = CodeBatch.objects.get(name=name)
    for url in (CODES, f"{CODES}{row.pk}/"):
        later = finance.get(url)
        assert shown[0] not in later.content.decode()
        assert "0 of 3" in text(later)
    assert f"{shown[0][:4]}…" in text(finance.get(f"{CODES}{row.pk}/"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("count", "0"), ("count", "10001"), ("amount", "0"), ("amount", "x"), ("name", ""),
     ("name", "a\x00b"), ("expires_at", "2001-01-01T00:00")],
)  # fmt: skip
def test_what_is_no_batch_is_refused_at_its_field(finance: Client, field: str, value: str) -> None:
    before = CodeBatch.objects.count()
    fields = {"name": "x", "count": "1", "amount": "1.00", "expires_at": ""} | {field: value}
    page = finance.post(f"{CODES}new/", fields)
    assert "invalid-feedback" in page.content.decode() or "alert-danger" in page.content.decode()
    assert CodeBatch.objects.count() == before


def test_a_batch_and_single_codes_are_disabled_with_a_reason(
    bystander: Account, finance: Client, owner: Client
) -> None:
    row, (one, two, three) = batch()
    owner.post(place(bystander, "top-up/code/"), {"code": one})
    page = finance.get(f"{CODES}{row.pk}/")
    assert bystander.tenant.name in text(page)
    assert page.content.decode().count("/disable/") == 3
    code = RedemptionCode.objects.get(batch=row, prefix=two[:4])
    url = f"{CODES}{row.pk}/{code.pk}/disable/"
    assert "This field is required" in text(finance.post(url))
    assert finance.post(url, {"reason": "lost"}).status_code == 302
    assert "is not valid" in text(owner.post(place(bystander, "top-up/code/"), {"code": two}))
    used = RedemptionCode.objects.get(batch=row, prefix=one[:4])
    refused = finance.post(f"{CODES}{row.pk}/{used.pk}/disable/", {"reason": "x"})
    assert "this code has been redeemed" in text(refused)
    finance.post(f"{CODES}{row.pk}/disable/", {"reason": "leaked"})
    assert AuditEntry.objects.get(deed="disable code batch", object_id=str(row.pk)).why == "leaked"
    assert "is not valid" in text(owner.post(place(bystander, "top-up/code/"), {"code": three}))
    assert balance(bystander) == "102.00"


def test_a_code_is_redeemed_once_however_it_is_typed(bystander: Account, owner: Client) -> None:
    _, (code, *_rest) = batch()
    url = place(bystander, "top-up/code/")
    said = text(owner.post(url, {"code": f"  {code.lower().replace('-', ' ')} "}, follow=True))
    assert "$2.00 is yours; the balance is $102.00." in said
    assert "is not valid" in text(owner.post(url, {"code": code})) or balance(bystander) == "102.00"
    assert balance(bystander) == "102.00"


@pytest.mark.parametrize("code", ["", "x", "x" * 500, "a\x00b", HOSTILE])
def test_what_is_no_code_is_refused(bystander: Account, owner: Client, code: str) -> None:
    answer = owner.post(place(bystander, "top-up/code/"), {"code": code})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
    assert balance(bystander) == "100.00"


@pytest.mark.parametrize("path", ["code/", "order/"])
def test_buying_wants_a_fresh_sign_in_before_anything_is_typed(
    bystander: Account, owner: Client, path: str
) -> None:
    stale(owner)  # type: ignore[arg-type]  # any client has a session
    for answer in (owner.get(place(bystander, f"top-up/{path}")),
                   owner.post(place(bystander, f"top-up/{path}"), {"code": "x"})):  # fmt: skip
        assert answer["Location"].startswith("/console/account/reauthenticate/")


def test_who_may_not_buy_sees_no_buttons(bystander: Account) -> None:
    _, (code, *_rest) = batch()
    viewer = of_tenant(bystander, "viewer")
    page = viewer.get(place(bystander, "top-up/"))
    assert "Redeem a code" not in text(page)
    assert viewer.post(place(bystander, "top-up/code/"), {"code": code}).status_code == 403
    assert viewer.post(place(bystander, "top-up/thresholds/"), {"amounts": "5"}).status_code == 403
    assert balance(bystander) == "100.00"


def test_without_a_payment_service_nothing_is_ordered(bystander: Account, owner: Client) -> None:
    page = owner.get(place(bystander, "top-up/"))
    assert "Pay online" not in text(page)
    assert owner.get(place(bystander, "top-up/order/"))["Location"] == place(bystander, "top-up/")


def test_ways_to_pay_are_chosen_from_the_services(
    bystander: Account, owner: Client, settings: Any
) -> None:
    settings.STRIPE_SECRET_KEY = settings.STRIPE_WEBHOOK_SECRET = "sk_test_x"
    url = place(bystander, "top-up/order/")
    one = owner.get(url).content.decode()
    assert 'type="hidden" name="provider" value="stripe:"' in one
    for amount in ("", "x", "-1"):
        page = owner.post(url, {"provider": "stripe:", "amount": amount})
        assert "invalid-feedback" in page.content.decode()
    too_small = owner.post(url, {"provider": "stripe:", "amount": "0.01"})
    assert "a top-up is" in text(too_small)
    assert owner.post(url, {"provider": "nobody:", "amount": "5"}).status_code == 200
    assert not TopUp.objects.filter(tenant=bystander.tenant).exists()


def test_an_order_is_shown_to_its_tenant_and_renews_itself(
    bystander: Account, owner: Client
) -> None:
    order = made_order(bystander, note="9.00 was paid. ")
    url = place(bystander, f"top-up/{order.pk}/")
    assert order.number in text(owner.get(place(bystander, "top-up/")))
    body = owner.get(url).content.decode()
    assert 'data-refresh="3"' in body
    assert "9.00 was paid" not in body
    TopUp.objects.filter(pk=order.pk).update(state="paid", paid_at="2026-01-01T00:00Z")
    part = owner.get(url, headers={"HX-Request": "true", "HX-Target": "order"}).content.decode()
    assert part.startswith("<section")
    assert "The money is in your balance." in part
    assert "data-refresh" not in part


def test_who_comes_back_from_paying_finds_his_order_and_nobody_elses(
    bystander: Account, owner: Client
) -> None:
    order = made_order(bystander)
    url = f"/console/paid/{order.number}/"
    assert owner.get(url)["Location"] == place(bystander, f"top-up/{order.pk}/")
    for who in (Client(), of_tenant_elsewhere()):
        answer = who.get(url, {"out_trade_no": "x"})
        assert answer.status_code == 200
        assert "Thank you" in text(answer)
        assert order.number not in answer.content.decode().replace(url, "")
    for number in ("x", "9" * 300):
        assert "Thank you" in text(owner.get(f"/console/paid/{number}/"))


def of_tenant_elsewhere() -> Client:

    return signed_in(member().user)


def test_a_disputed_order_is_credited_or_closed_with_a_reason(
    bystander: Account, finance: Client
) -> None:
    order = made_order(bystander, state="disputed", note=f"9.00 was paid {HOSTILE}. ")
    listed = finance.get("/console/top-ups/", {"state": "disputed", "number": order.number})
    assert bystander.tenant.name in text(listed)
    url = f"/console/top-ups/{order.pk}/"
    page = finance.get(url)
    assert "9.00 was paid" in text(page)
    assert "<script>alert" not in page.content.decode()
    refused = finance.post(f"{url}settle/", {"amount": "9.00", "memo": ""})
    assert "This field is required" in text(refused)
    finance.post(f"{url}settle/", {"amount": "9.00", "memo": "as paid"})
    assert balance(bystander) == "109.00"
    again = finance.post(f"{url}settle/", {"amount": "9.00", "memo": "as paid"})
    assert "is not disputed" in text(again)
    assert balance(bystander) == "109.00"
    assert "Close without credit" not in text(finance.get(url))


def test_closing_a_disputed_order_credits_nothing(bystander: Account, finance: Client) -> None:
    order = made_order(bystander, state="disputed")
    url = f"/console/top-ups/{order.pk}/dismiss/"
    finance.post(url, {"memo": "paid back"})
    order.refresh_from_db()
    assert (order.state, balance(bystander)) == ("expired", "100.00")


@pytest.mark.parametrize("role", ["support", "owner"])
def test_nobody_else_decides(bystander: Account, role: str) -> None:
    order = made_order(bystander, state="disputed")
    who = of_staff(role) if role == "support" else of_tenant(bystander, role)
    for path, body in (("settle/", {"amount": "9", "memo": "x"}), ("dismiss/", {"memo": "x"})):
        answer = who.post(f"/console/top-ups/{order.pk}/{path}", body)
        assert answer.status_code in (403, 404)
    order.refresh_from_db()
    assert (order.state, balance(bystander)) == ("disputed", "100.00")


def test_thresholds_are_set_and_removed(bystander: Account, owner: Client) -> None:
    url = place(bystander, "top-up/thresholds/")
    owner.post(url, {"amounts": "10.00\n250\n"})

    def amounts() -> list[int]:
        rows = LowBalance.objects.filter(tenant=bystander.tenant).order_by("amount")
        return [row.amount for row in rows]

    assert amounts() == [10_000_000, 250_000_000]
    page = text(owner.get(place(bystander, "top-up/")))
    assert "$250.00" in page
    assert "10.00" in owner.get(url).content.decode()
    for wrong in ("x", "-5", "\n".join(str(n) for n in range(1, 300))):
        answer = owner.post(url, {"amounts": wrong})
        assert answer.status_code == 200
        assert amounts() == [10_000_000, 250_000_000]
    owner.post(url, {"amounts": ""})
    assert amounts() == []
    assert "Nobody is told" in text(owner.get(place(bystander, "top-up/")))
