"""What the site's people do: tenants, channels, members, management keys, reports."""

from typing import Any

import pytest

from billing import usage
from billing.models import Member, Role, Tenant
from channels.models import Channel, CostRule
from common.models import AuditEntry
from relay.models import ProofRun
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, new_key, unique
from tests.api.v1.people import new_user
from tests.races.together import together


def test_a_tenant_is_made_changed_and_closed(desk: Desk) -> None:
    operator, name = desk.operator, unique("acme")
    made = operator.post("tenants", name=name, rpm=60)
    path = f"tenants/{made['id']}"
    assert (made["group"], made["rpm"], made["wallet"]["balance"]) == ("default", 60, "0.00")
    vip = operator.post("groups", name=f"{name}-vip")["name"]
    changed = operator.patch(path, group=vip, rpm=None, concurrency=5, queue_seconds=20)
    assert (changed["group"], changed["rpm"], changed["concurrency"]) == (vip, None, 5)
    twin = operator.ask("POST", "tenants", json={"name": name})
    assert_refused(twin, 409, "conflict", says="tenant of this name")
    clash = operator.ask("PATCH", path, json={"name": desk.tenant.name})
    assert_refused(clash, 409, "conflict")
    assert_refused(operator.ask("POST", "groups", json={"name": vip}), 409, "conflict")
    key = new_key(desk.account.stack, "viewer", Tenant.objects.get(pk=made["id"]))
    operator.patch(path, is_active=False, reason="has not paid")
    written = AuditEntry.objects.filter(object_kind="tenant", object_id=str(made["id"]))
    assert written.latest("pk").why == "has not paid"
    assert_refused(key.ask("GET", "wallet"), 403, "tenant_disabled")
    assert [row["id"] for row in operator.get("tenants", group=vip)["data"]] == [made["id"]]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "name:"),
        ({"name": ""}, "name:"),
        ({"name": "a\x00"}, "name:"),
        ({"name": "a\nb"}, "name:"),
        ({"name": "x", "group": "nobody"}, "group:"),
        ({"name": "x", "rpm": 10**20}, "rpm:"),
        ({"name": "x", "webhook_secret": "mine"}, "webhook_secret:"),
        ({"name": "x", "id": 1}, "id:"),
    ],
)
def test_a_wrong_tenant_is_not_made(shared_desk: Desk, body: dict[str, Any], says: str) -> None:
    before = Tenant.objects.count()
    answer = shared_desk.operator.ask("POST", "tenants", json=body)
    assert_refused(answer, 400, "invalid_request", says=says)
    assert Tenant.objects.count() == before


CHANNEL = {"kind": "trueai", "base_url": "http://upstream.example", "secret": "open sesame"}


def test_a_channel_is_made_changed_and_deleted_and_never_shows_its_secret(desk: Desk) -> None:
    operator = desk.operator
    made = operator.ask("POST", "channels", json=CHANNEL | {"name": unique("up"), "groups": ["z"]})
    assert "sesame" not in made.text
    path = f"channels/{made.json()['id']}"
    assert made.json()["has_secret"] is True
    changed = operator.patch(path, state="draining", weight=7, actions=["IMAGINE"])
    assert (changed["state"], changed["weight"], changed["actions"]) == ("draining", 7, ["IMAGINE"])
    assert Channel.objects.get(pk=changed["id"]).credentials.get().secret == "open sesame"
    assert operator.patch(path, secret="")["has_secret"] is False
    costs = [{"name": "mj_*", "mode": "relax", "amount": "0.02"}]
    assert operator.put(f"{path}/costs", data=costs)["data"] == costs
    assert operator.get(f"{path}/costs")["data"] == costs
    twice = operator.ask("PUT", f"{path}/costs", json={"data": costs * 2})
    assert_refused(twice, 400, "invalid_request", says="twice")
    assert CostRule.objects.filter(channel_id=changed["id"]).count() == 1
    operator.delete(path)
    assert_refused(operator.ask("GET", path), 404, "not_found")


def test_a_channel_with_tasks_is_not_deleted(desk: Desk) -> None:
    path = f"channels/{desk.account.channel.pk}"
    task_id = desk.account.draw()
    refused = desk.operator.ask("DELETE", path)
    assert_refused(refused, 409, "conflict", says="under way")
    desk.account.finish(task_id)
    assert_refused(desk.operator.ask("DELETE", path), 409, "conflict", says="disable it")
    assert desk.operator.patch(path, state="disabled")["state"] == "disabled"
    assert_refused(desk.account.imagine(), 503, "no_channel", code=9)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_url", "upstream.example"), ("base_url", "http://x:99999"), ("base_url", "http://x?y"),
        ("base_url", "http://x\x00"), ("kind", "other"), ("weight", 0), ("weight", 10**12),
        ("priority", "high"), ("state", "on"), ("groups", "z"), ("groups", [""]),
        ("groups", [{"a": 1}]), ("actions", ["FLY"]), ("modes", [None]), ("secret", 7),
        ("secret", "a\x00"), ("created_at", "2026-01-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_a_wrong_channel_is_not_made(shared_desk: Desk, field: str, value: Any) -> None:
    body = CHANNEL | {"name": unique("up"), field: value}
    answer = shared_desk.operator.ask("POST", "channels", json=body)
    assert_refused(answer, 400, "invalid_request", says=f"{field}")


def test_members_have_roles_and_an_owner_stays(desk: Desk) -> None:
    ann, bob = new_user(), new_user()
    operator, path = desk.operator, f"{desk.base}members"
    first = operator.post(path, person=ann.username, role="owner")
    second = operator.post(path, person=bob.email.upper(), role="viewer")
    again = operator.ask("POST", path, json={"person": ann.username, "role": "viewer"})
    assert_refused(again, 409, "conflict", says="member already")
    nobody = operator.ask("POST", path, json={"person": "nobody@example.com", "role": "viewer"})
    assert_refused(nobody, 400, "invalid_request", says="person:")
    one = f"members/{first['id']}"
    for method, body in (("PATCH", {"role": "admin"}), ("DELETE", {})):
        refused = desk.owner.ask(method, one, json=body)
        assert_refused(refused, 409, "conflict", says="last owner")
    assert desk.owner.patch(one, role="owner")["role"] == "owner"
    assert desk.owner.patch(f"members/{second['id']}", role="owner")["username"] == bob.username
    desk.owner.delete(one)
    assert [row["id"] for row in desk.owner.get("members")["data"]] == [second["id"]]


def test_two_owners_who_remove_each_other_at_once_leave_one(desk: Desk) -> None:
    members = [
        Member.objects.create(tenant=desk.tenant, user=new_user(), role=Role.OWNER) for _ in "ab"
    ]
    calls = [
        lambda pk=member.pk: desk.owner.ask("DELETE", f"members/{pk}").status_code
        for member in members
    ]
    assert sorted(together(calls)) == [204, 409]
    assert Member.objects.filter(tenant=desk.tenant, role=Role.OWNER).count() == 1


def test_a_management_key_is_made_replaced_and_stopped_at_once(desk: Desk) -> None:
    stack = desk.account.stack
    made = desk.operator.post(f"{desk.base}management-keys", name="robot", role="developer")
    path = f"management-keys/{made['details']['id']}"
    desk.roles["admin"].post(f"{path}/disable")
    assert made["key"] not in desk.owner.ask("GET", "management-keys").text
    ask = type(desk.owner)(stack, made["key"], made["details"]["id"]).ask
    assert_refused(ask("GET", "keys"), 401, "invalid_api_key")
    desk.owner.post(f"{path}/enable")
    assert ask("GET", "keys").status_code == 200
    key = desk.owner.post(f"{path}/rotate")["key"]
    assert_refused(ask("GET", "keys"), 401, "invalid_api_key")
    assert type(desk.owner)(stack, key, 0).get("keys")["data"]


def test_an_expired_management_key_opens_nothing(desk: Desk) -> None:
    body = {"name": "robot", "role": "support", "expires_at": "2001-01-01T00:00:00Z"}
    made = desk.operator.post("management-keys", **body)
    key = type(desk.owner)(desk.account.stack, made["key"], 0)
    assert_refused(key.ask("GET", "tenants"), 401, "invalid_api_key")


def test_the_site_sees_what_it_earns(desk: Desk) -> None:
    CostRule.objects.create(channel=desk.account.channel, name="*", amount=20_000)
    desk.account.finish(desk.account.draw())
    report = desk.site["finance"].get("reports", by="tenant,channel,action,mode")
    (line,) = [row for row in report["lines"] if row["tenant_id"] == desk.tenant.pk]
    assert (line["revenue"], line["cost"], line["margin"]) == ("0.10", "0.02", "0.08")
    assert (line["channel"], line["tenant"]) == (desk.account.channel.name, desk.tenant.name)
    only = desk.operator.get("reports", by="key", tenant=desk.tenant.pk)
    (line,) = only["lines"]
    assert (line["key"], line["key_id"], line["net"]) == ("main", desk.account.token.pk, "0.10")
    assert only["total"]["captures"] == 1
    assert desk.operator.get("reports", by="key", channel=2**50)["lines"] == []
    file = desk.operator.ask("GET", "reports", params={"by": "tenant", "format": "csv"})
    assert desk.tenant.name in file.text
    wrong = desk.operator.ask("GET", "reports", params={"by": "colour"})
    assert_refused(wrong, 400, "invalid_request", says="by:")


def test_the_list_of_tenants_has_their_money(desk: Desk) -> None:
    desk.account.finish(desk.account.draw())
    task_id = desk.account.draw(mode="RELAX")
    desk.account.finish(task_id)
    desk.operator.post(f"{desk.base}tasks/{task_id}/refund", amount="0.04")
    usage.roll_up()
    desk.account.finish(desk.account.draw())
    desk.operator.put(f"{desk.base}wallet/credit-limit", credit_limit="5.00")
    (row,) = desk.site["support"].get("tenants", q=desk.tenant.name)["data"]
    names = ("balance", "held", "credit_limit", "available", "spent_30_days")
    assert [row[name] for name in names] == ["99.74", "0.00", "5.00", "104.74", "0.26"]


def test_a_tenant_is_found_by_its_number_and_by_a_members_address(desk: Desk) -> None:
    member = Member.objects.create(tenant=desk.tenant, user=new_user(), role="owner")
    for text in (str(desk.tenant.pk), member.user.email.upper()):
        found = desk.operator.get("tenants", q=text, limit=200)["data"]
        assert desk.tenant.pk in {row["id"] for row in found}
    for text in ("9" * 30, "²", member.user.email.replace("@", "@x"), "@"):
        assert desk.operator.get("tenants", q=text)["data"] == []


def test_the_site_sees_the_proofs(shared_desk: Desk) -> None:
    run = ProofRun.objects.create(findings=["wallet 7: balance 1, entries 2"], number=1)
    (row,) = [row for row in shared_desk.operator.get("proofs")["data"] if row["id"] == run.pk]
    assert (row["number"], row["findings"]) == (1, run.findings)
    run.delete()
