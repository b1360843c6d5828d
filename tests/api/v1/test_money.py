"""What is done with money through the management API: once, whatever is sent twice."""

from typing import Any

import pytest
import requests

from billing.models import Entry, TopUp
from common.models import AuditEntry
from relay.models import Task
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, Key, unique
from tests.races.together import together


def test_money_is_added_once_for_one_reference(desk: Desk) -> None:
    finance, path = desk.site["finance"], f"{desk.base}wallet/top-up"
    body = {"amount": "12.50", "reference": unique("payment"), "memo": "invoice 7"}
    first, again = (finance.post(path, **body) for _ in range(2))
    assert (first["is_new"], again["is_new"]) == (True, False)
    assert first["entry"] == again["entry"]
    assert again["wallet"]["balance"] == "112.50"
    assert first["entry"]["actor"].startswith("finance (mk-")
    assert_refused(finance.ask("POST", path, json=body | {"amount": "12.51"}), 409, "conflict")


def test_another_tenant_s_reference_is_a_conflict_and_books_nothing(
    desk: Desk, shared_desk: Desk
) -> None:
    body = {"amount": "1.00", "reference": unique("payment")}
    desk.operator.post(f"{desk.base}wallet/top-up", **body)
    answer = desk.operator.ask("POST", f"{shared_desk.base}wallet/top-up", json=body)
    assert_refused(answer, 409, "conflict", says="booked before")
    assert shared_desk.owner.get("wallet")["balance"] == "100.00"


def test_a_top_up_that_is_sent_many_times_at_once_is_booked_once(desk: Desk) -> None:
    body = {"amount": "5.00", "reference": unique("payment")}
    path = f"{desk.base}wallet/top-up"
    calls = [lambda: desk.operator.post(path, **body)["is_new"]] * 8
    answers = together(calls)
    assert sorted(answers) == [False] * 7 + [True]
    assert desk.owner.get("wallet")["balance"] == "105.00"


def test_a_balance_is_corrected_with_a_reason_and_not_below_what_is_held(desk: Desk) -> None:
    path = f"{desk.base}wallet/adjust"
    desk.account.draw("zzslow")
    reference = unique("matter")
    down = desk.operator.post(path, amount="-99.90", reference=reference, memo="a mistake")
    assert (down["wallet"]["balance"], down["wallet"]["available"]) == ("0.10", "0.00")
    body: dict[str, Any] = {"amount": "-0.01", "reference": unique("matter"), "memo": "more"}
    assert_refused(desk.operator.ask("POST", path, json=body), 409, "overdrawn")
    credit = f"{desk.base}wallet/credit-limit"
    assert desk.operator.put(credit, credit_limit="5.00")["available"] == "5.00"
    assert desk.operator.post(path, **body)["wallet"]["available"] == "4.99"
    refused = desk.operator.ask("PUT", credit, json={"credit_limit": "0.00"})
    assert_refused(refused, 409, "overdrawn")
    body.pop("memo")
    assert_refused(desk.operator.ask("POST", path, json=body), 400, "invalid_request", says="memo")


def test_a_captured_task_is_refunded_at_most_once_in_sum(desk: Desk) -> None:
    task_id = desk.account.draw()
    path = f"{desk.base}tasks/{task_id}/refund"
    assert_refused(desk.operator.ask("POST", path, json={}), 409, "nothing_captured")
    desk.account.finish(task_id)
    part = {"amount": "0.04", "refunded_before": "0.00", "memo": "blurred"}
    assert desk.site["finance"].post(path, **part)["refunded"] == "0.04"
    assert_refused(desk.operator.ask("POST", path, json=part), 409, "refund_refused")
    too_much = desk.operator.ask("POST", path, json={"amount": "0.07"})
    assert_refused(too_much, 409, "refund_refused")
    rest = desk.operator.post(path)
    assert (rest["refunded"], rest["wallet"]["balance"]) == ("0.06", "100.00")
    assert_refused(desk.operator.ask("POST", path, json={}), 409, "refund_refused")
    shown = desk.owner.get(f"tasks/{task_id}")
    assert [row["kind"] for row in shown["entries"]] == ["hold", "capture", "refund", "refund"]


@pytest.mark.parametrize("path", ["wallet/top-up", "wallet/adjust"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", "0.00"), ("amount", 1), ("amount", None), ("amount", "1e3"), ("amount", "١"),
        ("amount", "99999999999"), ("reference", ""), ("reference", "x" * 65),
        ("reference", "a\x00b"), ("reference", "topup-1"), ("reference", "a\nb"),
        ("memo", "x" * 201), ("tenant_id", 1), ("actor", "somebody else"),
    ],
)  # fmt: skip
def test_a_wrong_booking_is_refused_and_books_nothing(
    shared_desk: Desk, path: str, field: str, value: Any
) -> None:
    body = {"amount": "1.00", "reference": unique("payment"), "memo": "why"} | {field: value}
    answer = shared_desk.operator.ask("POST", shared_desk.base + path, json=body)
    assert_refused(answer, 400, "invalid_request")
    assert shared_desk.owner.get("wallet")["balance"] == "100.00"


def test_a_tenant_sees_its_entries_without_what_is_the_site_s(desk: Desk) -> None:
    task_id = desk.account.draw()
    desk.account.finish(task_id)
    own = desk.owner.get("entries", reference=task_id)["data"]
    assert [(row["kind"], row["amount"], row["held"]) for row in own] == [
        ("capture", "-0.10", "-0.10"),
        ("hold", "0.00", "0.10"),
    ]
    assert not {"channel_id", "cost", "actor"} & own[0].keys()
    (capture,) = desk.operator.get(f"{desk.base}entries", kind="capture")["data"]
    assert capture["channel_id"] == desk.account.channel.pk
    assert desk.owner.get("entries", key=desk.account.token.pk + 1)["data"] == []
    assert desk.owner.get("entries", since="2099-01-01T00:00:00Z")["data"] == []
    assert len(desk.owner.get("entries", until="2099-01-01T00:00:00Z")["data"]) == 3


def test_the_account_and_the_usage_are_the_entries_added_up(desk: Desk) -> None:
    desk.account.finish(desk.account.draw())
    task_id = desk.account.draw(mode="RELAX")
    desk.account.finish(task_id)
    desk.operator.post(f"{desk.base}tasks/{task_id}/refund", amount="0.03")
    account = desk.owner.get("statement")
    assert account["closing_balance"] == desk.owner.get("wallet")["balance"] == "99.83"
    assert account["kinds"]["refund"]["amount"] == "0.03"
    by_mode = desk.owner.get("usage", by="mode")["data"]
    assert [(row["mode"], row["drawn"], row["net"]) for row in by_mode] == [
        ("fast", 1, "0.10"),
        ("relax", 1, "0.07"),
    ]
    (whole,) = desk.owner.get("usage", by="day,key")["data"]
    assert (whole["key_id"], whole["paid"]) == (desk.account.token.pk, "0.20")
    assert whole["key"] == "main"
    assert desk.owner.get("usage", test="true")["data"] == []
    file = desk.owner.ask("GET", "usage", params={"by": "mode,key", "format": "csv"})
    assert file.headers["Content-Disposition"] == 'attachment; filename="usage.csv"'
    key = desk.account.token.pk
    assert file.content.decode("utf-8-sig").splitlines() == [
        "key_id,key,mode,drawn,paid,refunded,net",
        f"{key},main,fast,1,0.10,0.00,0.10",
        f"{key},main,relax,1,0.10,0.03,0.07",
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"by": "colour"}, {"by": ""}, {"by": "day;drop"}, {"first": "2026-01-01"}, {"last": "x"},
        {"first": "2026-02-30", "last": "2026-03-01"},
        {"first": "2026-02-02", "last": "2026-02-01"},
        {"first": "0001-01-01", "last": "9999-12-31"}, {"tset": "true"},
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_is_refused(shared_desk: Desk, query: dict[str, str]) -> None:
    assert_refused(shared_desk.owner.ask("GET", "usage", params=query), 400, "invalid_request")


@pytest.mark.parametrize(
    ("format", "begins", "media_type"),
    [
        ("csv", b"\xef\xbb\xbfsection,", "text/csv"),
        ("entries", b"\xef\xbb\xbfid,time,", "text/csv"),
        ("pdf", b"%PDF", "application/pdf"),
    ],
)
def test_an_account_comes_as_a_file_too(
    shared_desk: Desk, format: str, begins: bytes, media_type: str
) -> None:
    answer = shared_desk.roles["viewer"].ask("GET", "statement", params={"format": format})
    assert answer.content.startswith(begins)
    assert answer.headers["Content-Type"].startswith(media_type)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")


def codes_of(answer: requests.Response) -> list[str]:
    assert answer.headers["Cache-Control"] == "no-store"
    return [line.split(",")[0] for line in answer.text.splitlines()[1:]]


def batch(desk: Desk, **body: Any) -> list[str]:
    whole = {"name": unique("batch"), "count": 3, "amount": "2.00"} | body
    return codes_of(desk.operator.ask("POST", "code-batches", json=whole))


def test_a_code_is_good_once_and_shown_once(desk: Desk) -> None:
    name = unique("spring")
    one, two, _ = batch(desk, name=name)
    redeemed = desk.roles["finance"].post("codes/redeem", code=one.lower())
    assert (redeemed["amount"], redeemed["wallet"]["balance"]) == ("2.00", "102.00")
    again = desk.owner.ask("POST", "codes/redeem", json={"code": one})
    assert_refused(again, 409, "code_refused")
    (row,) = desk.operator.get("code-batches", q=name)["data"]
    assert (row["number"], row["redeemed"]) == (3, 1)
    assert one not in desk.operator.ask("GET", f"code-batches/{row['id']}").text
    assert not desk.operator.post(f"code-batches/{row['id']}/disable")["is_active"]
    assert_refused(desk.owner.ask("POST", "codes/redeem", json={"code": two}), 409, "code_refused")


def test_of_a_batch_one_sees_who_used_which_code_and_disables_single_ones(desk: Desk) -> None:
    name = unique("autumn")
    one, two, _ = batch(desk, name=name)
    desk.owner.post("codes/redeem", code=one)
    (row,) = desk.operator.get("code-batches", q=name)["data"]
    path = f"code-batches/{row['id']}/codes"
    (used,) = desk.operator.get(path, is_redeemed="true")["data"]
    assert (used["prefix"], used["tenant"]) == (one[:4], desk.tenant.name)
    assert used["tenant_id"] == desk.tenant.pk
    assert len(desk.operator.get(path, is_redeemed="false")["data"]) == 2
    (other,) = desk.operator.get(path, q=two.lower(), is_redeemed="false")["data"]
    disabled = desk.site["finance"].post(f"{path}/{other['id']}/disable", reason="lost")
    assert not disabled["is_active"]
    assert_refused(desk.owner.ask("POST", "codes/redeem", json={"code": two}), 409, "code_refused")
    used_up = desk.operator.ask("POST", f"{path}/{used['id']}/disable")
    assert_refused(used_up, 409, "conflict", says="redeemed")
    elsewhere = desk.operator.ask("POST", f"code-batches/999999999/codes/{other['id']}/disable")
    assert_refused(elsewhere, 404, "not_found")
    written = AuditEntry.objects.get(object_kind="code", object_id=str(other["id"]))
    assert written.why == "lost"
    assert written.before
    assert written.after
    assert (written.before["is_active"], written.after["is_active"]) == (True, False)


@pytest.mark.parametrize("code", ["", "x", "a\x00b", "x" * 401, 7, None, ["x"]])
def test_what_is_no_code_is_refused(shared_desk: Desk, code: Any) -> None:
    answer = shared_desk.owner.ask("POST", "codes/redeem", json={"code": code})
    assert answer.status_code in (400, 409)


@pytest.mark.parametrize("count", [0, 10_001, "many"])
def test_a_batch_has_its_bounds(shared_desk: Desk, count: Any) -> None:
    body = {"name": "x", "count": count, "amount": "1.00"}
    answer = shared_desk.operator.ask("POST", "code-batches", json=body)
    assert_refused(answer, 400, "invalid_request", says="count")


def disputed(desk: Desk) -> TopUp:
    return TopUp.objects.create(
        number=unique("").strip("-").replace("-", "").zfill(12),
        tenant=desk.tenant,
        provider="stripe",
        amount=10_000_000,
        pay_amount=1000,
        pay_currency="USD",
        state=TopUp.State.DISPUTED,
        note="9.00 was paid. ",
    )


def test_a_disputed_order_is_settled_once_by_the_site(desk: Desk) -> None:
    order = disputed(desk)
    assert [row["id"] for row in desk.owner.get("top-ups", state="disputed")["data"]] == [order.pk]
    assert "note" not in desk.owner.get(f"top-ups/{order.pk}")
    assert desk.owner.get(f"top-ups/{order.pk}")["tenant"] == desk.tenant.name
    found = desk.operator.get("top-ups", tenant=desk.tenant.pk, provider="stripe")["data"]
    assert [row["id"] for row in found] == [order.pk]
    assert desk.owner.get("top-ups", tenant=desk.tenant.pk + 1)["data"] == []
    assert desk.operator.get("top-ups", number=order.number)["data"][0]["note"] == order.note
    path, body = f"top-ups/{order.pk}/settle", {"amount": "9.00", "memo": "as paid"}
    assert desk.site["finance"].post(path, **body)["state"] == "paid"
    assert_refused(desk.operator.ask("POST", path, json=body), 400, "top_up_refused")
    assert desk.owner.get("wallet")["balance"] == "109.00"
    other = disputed(desk)
    dismissed = desk.operator.post(f"top-ups/{other.pk}/dismiss", memo="paid back")
    assert (dismissed["state"], dismissed["pay_amount"]) == ("expired", "10.00 USD")
    assert Entry.objects.filter(wallet__tenant=desk.tenant, kind="topup").count() == 2


def test_an_order_at_a_service_that_is_off_is_refused(shared_desk: Desk) -> None:
    assert shared_desk.owner.get("payment-services") == {"data": []}
    for provider in ("stripe", "nobody"):
        body = {"provider": provider, "amount": "10.00"}
        assert_refused(shared_desk.owner.ask("POST", "top-ups", json=body), 403, "provider_off")


def test_a_tenant_sees_what_it_pays(desk: Desk) -> None:
    prices = {row["action"]: row for row in desk.owner.get("prices")["data"]}
    assert prices["IMAGINE"]["prices"] == {"fast": "0.10", "relax": "0.10", "turbo": "0.10"}
    assert prices["UPSCALE_HD"]["name"] == "mj_upscale_hd"
    assert desk.owner.get("prices", key=desk.account.token.pk)["data"] == list(prices.values())
    assert_refused(desk.owner.ask("GET", "prices?key=999999999"), 404, "not_found")


def test_thresholds_are_a_set(desk: Desk) -> None:
    finance: Key = desk.roles["finance"]
    assert finance.get("thresholds") == {"data": []}
    body = {"amounts": ["5.00", "10.00", "5.00"]}
    shown = finance.put("thresholds", **body)
    assert [row["amount"] for row in shown["data"]] == ["10.00", "5.00"]
    assert finance.put("thresholds", amounts=[])["data"] == []
    for wrong in (["0.00"], ["-1"], ["1.00"] * 21, "1.00", None):
        answer = finance.ask("PUT", "thresholds", json={"amounts": wrong})
        assert_refused(answer, 400, "invalid_request", says="amounts")


def test_nothing_of_a_task_is_lost_by_a_refund_of_a_stranger(desk: Desk) -> None:
    task_id = desk.account.draw()
    desk.account.finish(task_id)
    for key in desk.roles.values():
        answer = key.ask("POST", f"{desk.base}tasks/{task_id}/refund", json={})
        assert_refused(answer, 404, "not_found")
    assert Task.objects.get(pk=task_id).status == "SUCCESS"
    assert desk.owner.get("wallet")["balance"] == "99.90"
