"""Who did what, and why: recorded for every change, shown to whom it concerns, never a secret."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.urls import URLPattern, URLResolver
from rest_framework.serializers import BaseSerializer

from billing import management_keys
from billing.models import Entry, Role, StaffRole
from common import audit
from common.models import AuditEntry
from relay.api.v1 import audit as audit_api
from relay.api.v1 import channels, hooks, keys, tenants, urls
from relay.api.v1.fields import Once
from relay.api.v1.operation import Operation, Origin, View, perform
from relay.errors import ObjectNotFound, RoleNotAllowed
from tests.accounts import Account, open_tenant
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, unique
from tests.api.v1.people import new_user
from tests.races.together import together

UNSAFE = ("post", "put", "patch", "delete")
SECRET_NAMES = re.compile(r"secret|token|password|^key$|^link$|pay_url|^code$")
# Fields of such names that say nothing secret: that there is a secret, and until when it signs.
HARMLESS = {"has_secret", "old_secret_until"}


def entries(**fields: Any) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(**fields).order_by("pk"))


def last(**fields: Any) -> AuditEntry:
    return AuditEntry.objects.filter(**fields).latest("pk")


def actor_of(key: Any) -> str:
    row = management_keys.ManagementKey.objects.get(pk=key.id)
    return f"{row.name} ({row.prefix})"


def test_a_change_tells_who_did_what_from_where_and_why(desk: Desk) -> None:
    pk = desk.account.channel.pk
    answer = desk.operator.ask(
        "PATCH",
        f"channels/{pk}",
        json={"state": "draining", "weight": 7, "reason": "repairs"},
        headers={"User-Agent": "browser/1"},
    )
    row = last(object_kind="channel", object_id=str(pk))
    assert (row.deed, row.actor, row.actor_kind) == (
        "patch channel",
        actor_of(desk.operator),
        "key",
    )
    assert (row.before, row.after) == (
        {"state": "enabled", "weight": 1, "reason": ""},
        {"state": "draining", "weight": 7, "reason": "repairs"},
    )
    assert (row.why, row.via, row.address, row.user_agent) == (
        "repairs", "api", "127.0.0.1", "browser/1",
    )  # fmt: skip
    assert row.request_id == answer.headers["X-Request-Id"]
    assert (row.is_site, row.tenant_id, row.user_id, row.acting_as) == (True, None, None, "")


def test_what_is_made_switched_and_deleted_is_told_of_as_itself(desk: Desk) -> None:
    made = desk.owner.post("keys", name="robot")["details"]
    path = f"keys/{made['id']}"
    desk.owner.patch(path, name="crawler", budget="5.00")
    desk.owner.post(f"{path}/disable")
    told = [
        (row.deed, row.before, row.after)
        for row in entries(object_kind="key", object_id=str(made["id"]), tenant_id=desk.tenant.pk)
    ]
    assert told[0] == ("post key", None, {"details": made})
    assert told[1] == (
        "patch key",
        {"name": "robot", "budget": None, "left": None},
        {"name": "crawler", "budget": "5.00", "left": "5.00"},
    )
    assert told[2:] == [("disable key", {"is_active": True}, {"is_active": False})]
    channel = desk.operator.post(
        "channels", name=unique("up"), kind="trueai", base_url="http://x.example", groups=["z"]
    )
    desk.operator.delete(f"channels/{channel['id']}")
    gone = last(object_kind="channel", object_id=str(channel["id"]))
    assert gone.deed == "delete channel"
    assert gone.before is not None
    assert gone.before["name"] == channel["name"]
    assert gone.after is None


def test_what_was_refused_is_not_recorded(desk: Desk) -> None:
    before = AuditEntry.objects.count()
    for key, method, path, body, status in (
        (desk.roles["viewer"], "POST", "keys", {"name": "x"}, 403),
        (desk.owner, "POST", "keys", {"nam": "x"}, 400),
        (desk.owner, "PATCH", "keys/999999999", {"name": "x"}, 404),
        (desk.owner, "POST", "codes/redeem", {"code": "no"}, 409),
        (desk.operator, "POST", "tenants", {"name": desk.tenant.name}, 409),
        (desk.owner, "POST", "members/leave", {}, 409),
    ):
        assert key.ask(method, path, json=body).status_code == status, path
    assert AuditEntry.objects.count() == before


def test_what_breaks_halfway_is_not_recorded(bystander: Account) -> None:
    who = management_keys.person(user_id=1, name="ann", role=Role.OWNER, tenant_id=None)
    with transaction.atomic():
        audit.record(who.author, "patch tenant", kind="tenant", pk=1)
        assert len(entries(actor="ann")) == 1
        transaction.set_rollback(True)
    assert entries(actor="ann") == []


def test_a_change_that_asks_others_is_recorded_right_after_it(desk: Desk) -> None:
    url = desk.account.stack.inbox_url(unique("inbox"))
    test = desk.owner.post("hooks/test", url=url)
    row = last(object_kind="hook test", tenant_id=desk.tenant.pk)
    assert (row.deed, row.object_id, row.before) == ("send sample message", str(test["id"]), None)


def test_of_changes_at_once_each_tells_what_it_really_found(desk: Desk) -> None:
    pk = desk.account.channel.pk
    calls = [
        lambda weight=weight: (
            desk.operator.ask("PATCH", f"channels/{pk}", json={"weight": weight}).status_code
        )
        for weight in range(2, 10)
    ]
    assert set(together(calls)) == {200}
    weight: Any = 1
    for row in entries(object_kind="channel", object_id=str(pk)):
        assert row.before == {"weight": weight}
        assert row.after is not None
        weight = row.after["weight"]


MONEY: list[tuple[str, str, dict[str, Any], str]] = [
    ("POST", "wallet/top-up", {"amount": "5.00", "memo": "cash"}, "top up wallet"),
    ("POST", "wallet/adjust", {"amount": "-1.00", "memo": "a mistake"}, "adjust wallet"),
    ("PUT", "wallet/credit-limit", {"credit_limit": "3.00"}, "set credit limit"),
    ("POST", "tasks/{task}/refund", {"memo": "sorry"}, "refund task"),
]


def test_whoever_the_ledger_names_is_whom_the_audit_names(desk: Desk) -> None:
    task = desk.account.finish(desk.account.draw())["id"]
    key = desk.site["finance"]
    for method, path, body, deed in MONEY:
        if "memo" in body and "tasks" not in path:
            body["reference"] = unique("r")
        answer = key.ask(method, desk.base + path.format(task=task), json=body)
        assert answer.status_code == 200, answer.text
        row = last(tenant_id=desk.tenant.pk)
        entry = Entry.objects.filter(wallet=desk.account.wallet).latest("pk")
        assert (row.deed, row.actor, row.why) == (deed, entry.actor, body.get("memo", ""))
        assert row.before is not None
        assert row.after is not None
        assert row.before["available"] != row.after["available"]
    again = key.post(desk.base + "wallet/adjust", **MONEY[1][2])
    assert again["is_new"] is False


def test_what_is_booked_twice_is_told_of_as_nothing_new(desk: Desk) -> None:
    body = {"amount": "5.00", "reference": unique("r")}
    for number in range(2):
        answer = desk.operator.post(desk.base + "wallet/top-up", **body)
        assert answer["is_new"] is (number == 0)
    first, second = entries(tenant_id=desk.tenant.pk, deed="top up wallet")
    assert first.before is not None
    assert first.before["balance"] == "100.00"
    assert second.before == {}


def _secrets(desk: Desk) -> Iterator[str]:
    """What each operation shows once, or takes and never shows."""
    key = desk.owner.post("keys", name="x")
    yield key["key"]
    yield desk.owner.post(f"keys/{key['details']['id']}/rotate", overlap_seconds=0)["key"]
    robot = desk.owner.post("management-keys", name="x", role="viewer")
    yield robot["key"]
    yield desk.owner.post(f"management-keys/{robot['details']['id']}/rotate")["key"]
    yield desk.owner.post("hooks/secret/rotate")["secret"]
    yield desk.owner.post("hooks/secret/show")["secret"]
    yield desk.operator.post("password-links", person=new_user().username)["link"]
    for path, who in (("invitations", desk.owner), ("staff/invitations", desk.operator)):
        role = Role.VIEWER if who is desk.owner else StaffRole.SUPPORT
        made = who.post(path, email=f"{unique('p')}@x.example", role=role)
        yield made["link"].rstrip("/").rsplit("/", 1)[1]
    secret = unique("sesame")
    base = {"kind": "trueai", "base_url": "http://x.example", "groups": ["z"]}
    pk = desk.operator.post("channels", name=unique("up"), secret=secret, **base)["id"]
    desk.operator.patch(f"channels/{pk}", secret=f"{secret}2")
    other = desk.operator.post(f"channels/{pk}/credentials", name="b", secret=f"{secret}3")
    desk.operator.patch(f"channels/{pk}/credentials/{other['id']}", secret=f"{secret}4")
    yield secret
    batch = desk.operator.ask(
        "POST", "code-batches", json={"name": "x", "count": 1, "amount": "1.00"}
    )
    code = batch.text.splitlines()[1].partition(",")[0]
    yield code
    desk.owner.post("codes/redeem", code=code)


def test_no_secret_is_in_the_audit(desk: Desk) -> None:
    start = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    secrets = list(_secrets(desk))
    rows = list(AuditEntry.objects.filter(pk__gt=start).values())
    assert len(rows) >= len(secrets)
    text = repr(rows)
    assert [secret for secret in secrets if secret in text] == []


def _views(patterns: list[URLPattern | URLResolver]) -> Iterator[type[View]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns)
        elif issubclass(found := pattern.callback.view_class, View):  # type: ignore[union-attr]
            yield found


def _changes() -> Iterator[tuple[type[View], str, Operation]]:
    for view in dict.fromkeys(_views(urls.urlpatterns)):
        for method in UNSAFE:
            if said := getattr(getattr(view, method, None), "operation", None):
                yield view, method, said


def _fields(kind: Any) -> Iterator[tuple[str, Any]]:
    for name, field in getattr(getattr(kind, "child", kind), "fields", {}).items():
        yield name, field
        if isinstance(field, BaseSerializer):
            yield from _fields(field)


def test_every_answer_to_a_change_marks_what_is_secret() -> None:
    shown_once = set()
    for view, method, said in _changes():
        for name, field in _fields(said.answer and said.answer()):
            where = f"{method} of {view.__name__}: {name}"
            if isinstance(field, Once):
                shown_once.add(name)
            else:
                is_name = field.help_text == "Its name."
                assert is_name or name in HARMLESS or not SECRET_NAMES.search(name), where
                assert "this once only" not in str(field.help_text), where
    assert {"key", "secret", "link", "pay_url"} <= shown_once


def test_every_change_says_what_it_is_about() -> None:
    for view, _, said in _changes():
        assert view.thing, view.__name__
        assert len(view.thing) <= 32
        assert len(view.deed) <= 64
        assert not (said.status == 201 and view.shown_by), view.__name__


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE common_auditentry SET why = ''",
        "DELETE FROM common_auditentry WHERE id = -1",
        "TRUNCATE common_auditentry",
    ],
)
def test_the_database_refuses_to_rewrite_it(database: str, statement: str) -> None:
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_tenant_sees_what_concerns_it_and_nothing_that_is_the_sites(desk: Desk) -> None:
    desk.owner.patch("hooks", default_hook="https://a.example/hook")
    desk.operator.patch(f"tenants/{desk.tenant.pk}", rpm=7)
    desk.operator.post(
        desk.base + "wallet/adjust", amount="1.00", reference=unique("r"), memo="for peace"
    )
    desk.operator.post(desk.base + "invitations", email="b@x.example", role="viewer")
    for reader in (desk.owner, desk.roles["admin"]):
        page = reader.get("audit")["data"]
        assert [(row["deed"], row["actor"]) for row in page] == [
            ("post invitation", "the site"),
            ("adjust wallet", "the site"),
            ("patch tenant", "the site"),
            ("patch hooks", actor_of(desk.owner)),
        ]
        for row in page:
            assert not {"address", "request_id", "user_agent", "user_id"} & row.keys()
        assert page[1]["why"] == ""
        assert page[2]["after"] == {"rpm": 7}
        assert page[3]["after"] == {"default_hook": "https://a.example/hook"}
        assert actor_of(desk.operator) not in repr(page)
        assert "'cost'" not in repr(page)
    whole = desk.operator.get(desk.base + "audit")["data"]
    assert [row["actor"] for row in whole[:3]] == [actor_of(desk.operator)] * 3
    assert whole[1]["why"] == "for peace"
    assert whole[1]["address"] == "127.0.0.1"


def test_it_is_searched_by_each_of_its_marks(desk: Desk) -> None:
    other, _, _ = open_tenant(funds="0")
    desk.operator.patch(f"tenants/{other.pk}", rpm=8)
    desk.owner.patch("hooks", notice_mails=[])
    desk.operator.patch(f"tenants/{desk.tenant.pk}", rpm=9)
    mine = {"tenant": desk.tenant.pk}
    for query, deeds in (
        (mine, ["patch tenant", "patch hooks"]),
        ({"object_kind": "tenant", "object_id": str(other.pk)}, ["patch tenant"]),
        ({**mine, "object_kind": "hooks"}, ["patch hooks"]),
        ({**mine, "deed": "patch hooks"}, ["patch hooks"]),
        ({**mine, "deed": "patch"}, []),
        ({**mine, "actor": actor_of(desk.owner)}, ["patch hooks"]),
        ({**mine, "since": "2099-01-01T00:00:00Z"}, []),
        ({**mine, "until": "2001-01-01T00:00:00Z"}, []),
        ({**mine, "until": "9999-12-31T23:59:59Z"}, ["patch tenant", "patch hooks"]),
        ({**mine, "since": "2001-01-01T00:00:00Z"}, ["patch tenant", "patch hooks"]),
    ):
        assert [row["deed"] for row in desk.operator.get("audit", **query)["data"]] == deeds, query
    assert desk.owner.get("audit", actor="the site")["data"][0]["deed"] == "patch tenant"
    assert desk.owner.get("audit", actor=actor_of(desk.operator))["data"] == []
    wrong = desk.operator.ask("GET", "audit", params={"object_id": "1"})
    assert_refused(wrong, 400, "invalid_request", says="object_id")
    refused = desk.owner.ask("GET", "audit", params={"tenant": other.pk})
    assert_refused(refused, 403, "role_not_allowed")


CONSOLE = Origin(via="console", address="192.0.2.7", request_id="abc")


def person(tenant_id: int | None, role: str, **fields: Any) -> management_keys.Manager:
    return management_keys.person(
        user_id=42, name="ann@example.com", role=role, tenant_id=tenant_id, **fields
    )


def test_a_person_does_what_a_key_may_and_is_named(bystander: Account) -> None:
    tenant = bystander.tenant
    who = person(tenant.pk, Role.OWNER)
    made = perform(
        keys.Keys, "post", who=who, tenant_id=tenant.pk, body={"name": "x"}, origin=CONSOLE
    )
    row = last(tenant_id=tenant.pk)
    assert (row.actor, row.actor_kind, row.user_id) == ("ann@example.com", "person", 42)
    assert (row.is_site, row.via, row.address, row.request_id) == (
        False, "console", "192.0.2.7", "abc",
    )  # fmt: skip
    page = perform(keys.Keys, "get", who=who, query={"limit": "1"})
    assert (page["data"], page["next"] is None) == ([made["details"]], False)


def test_an_operator_who_acts_as_somebody_is_named_with_him(bystander: Account) -> None:
    who = person(bystander.tenant.pk, Role.OWNER, acting_as="bob@example.com")
    perform(hooks.HooksView, "patch", who=who, body={"notice_mails": ["b@example.com"]})
    row = last(tenant_id=bystander.tenant.pk)
    assert (row.actor, row.acting_as, row.is_site) == ("ann@example.com", "bob@example.com", True)
    with pytest.raises(RoleNotAllowed):
        perform(tenants.OneTenant, "patch", who=who, tenant_id=bystander.tenant.pk, body={})


def test_a_person_of_a_tenant_has_no_other_tenant(bystander: Account) -> None:
    stranger, _, _ = open_tenant(funds="0")
    with pytest.raises(ObjectNotFound):
        perform(
            keys.Keys, "get", who=person(bystander.tenant.pk, Role.OWNER), tenant_id=stranger.pk
        )
    with pytest.raises(RoleNotAllowed):
        perform(channels.Channels, "get", who=person(bystander.tenant.pk, Role.OWNER))


def test_what_a_command_changes_is_recorded_with_its_actor(bystander: Account) -> None:
    name, pk = bystander.tenant.name, bystander.tenant.pk
    reference = unique("r")
    call_command("adjust", name, "2.50", reference, memo="peace", actor="ann", verbosity=0)
    call_command("set_credit", name, "5", actor="ann")
    call_command("add_key", name, "robot")
    call_command("set_channel", bystander.channel.name, "draining", reason="repairs")
    call_command("add_management_key", "bot", role="support")
    adjusted, credit, key = entries(tenant_id=pk)
    assert (adjusted.deed, adjusted.actor, adjusted.actor_kind) == (
        "adjust wallet",
        "ann",
        "command",
    )
    assert (adjusted.after, adjusted.why) == ({"amount": "2.50", "reference": reference}, "peace")
    assert (credit.before, credit.after) == ({"credit_limit": "0.00"}, {"credit_limit": "5.00"})
    assert key.deed == "post key"
    channel = last(object_kind="channel", object_id=str(bystander.channel.pk))
    assert (channel.before, channel.after, channel.why) == (
        {"state": "enabled"}, {"state": "draining"}, "repairs",
    )  # fmt: skip
    assert last(object_kind="management key").after is not None


def test_a_command_that_fails_records_nothing(bystander: Account) -> None:
    with pytest.raises(Exception, match="balance"):
        call_command("adjust", bystander.tenant.name, "-500", unique("r"), memo="too much")
    assert entries(tenant_id=bystander.tenant.pk) == []


DIFFERENCES: list[tuple[Any, Any, Any, Any]] = [
    ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 2}, {"b": 3}),
    ({"a": 1}, {"a": 1}, {}, {}),
    ({"a": 1}, {}, {"a": 1}, {}),
    ({}, {"a": None}, {}, {"a": None}),
    ({"a": {"x": 1, "y": 2}}, {"a": {"x": 1, "y": 3}}, {"a": {"y": 2}}, {"a": {"y": 3}}),
    ({"a": [1]}, {"a": [1, 2]}, {"a": [1]}, {"a": [1, 2]}),
    ({"a": [{"x": 1}, {"x": 2}]}, {"a": [{"x": 2}, {"x": 3}]},
     {"a": [{"x": 1}]}, {"a": [{"x": 3}]}),
    ({"a": []}, {"a": [{"x": 1}]}, {"a": []}, {"a": [{"x": 1}]}),
    ({"a": [{"x": 1, "y": 2}]}, {"a": [{"y": 2, "x": 1}, {}]}, {"a": []}, {"a": [{}]}),
    ({"a": {"x": 1}}, {"a": None}, {"a": {"x": 1}}, {"a": None}),
    (None, {"a": 1}, None, {"a": 1}),
    ({"a": 1}, None, {"a": 1}, None),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "old", "new"), DIFFERENCES)
def test_only_what_differs_is_kept(before: Any, after: Any, old: Any, new: Any) -> None:
    assert audit.differences(before, after) == (old, new)


def test_a_very_long_value_is_cut(bystander: Account) -> None:
    who = person(bystander.tenant.pk, Role.OWNER).author
    long = ["é" * 100] * 100
    row = audit.record(who, "patch x", kind="x", after={"long": long, "short": [1]}, why="y" * 900)
    row.refresh_from_db()
    assert row.after is not None
    assert row.after["short"] == [1]
    assert row.after["long"].endswith("…")
    assert len(row.after["long"].encode()) <= audit.VALUE_MAX_BYTES + 3
    assert row.why == "y" * 200


def test_a_person_is_found_by_either_name_and_tenants_are_named(bystander: Account) -> None:
    tenant, user = bystander.tenant, new_user()
    for name in (user.email, user.username):
        author = audit.Author(name, audit.Kind.PERSON, is_site=False, user_id=user.pk)
        audit.record(author, "patch key", kind="key", tenant_id=tenant.pk, why=name)
    site, own = person(None, StaffRole.OPERATOR), person(tenant.pk, Role.OWNER)
    for who in (site, own):
        for name in (user.email, user.username, user.email.upper()):
            found = perform(audit_api.Audit, "get", who=who, query={"actor": name})["data"]
            assert [row["why"] for row in found] == [user.username, user.email]
    asked = perform(audit_api.Audit, "get", who=site, query={"tenant": str(tenant.pk)})["data"]
    assert {row["tenant_name"] for row in asked} == {tenant.name}
    told = perform(audit_api.Audit, "get", who=own)["data"]
    assert not any("tenant_name" in row for row in told)


@pytest.mark.parametrize(
    ("column", "value", "index"),
    [
        ("tenant_id", 7, "audit_of_tenant"),
        ("actor", "ann", "audit_by_actor"),
        ("deed", "patch key", "audit_by_deed"),
        ("object_kind", "key", "audit_of_object"),
    ],
)
def test_each_way_to_search_it_has_an_index(
    database: str, column: str, value: object, index: str
) -> None:
    """Of a million lines it would read all without one; of these few it may."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert index in AuditEntry.objects.filter(**{column: value}).explain()
