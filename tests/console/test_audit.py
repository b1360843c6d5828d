"""The pages of the audit and of notices."""

import re
from typing import Any

import pytest

from billing.models import Delivery, Member, Notice, Role, StaffMember, Tenant
from common import audit
from common.audit import Author, Kind, Origin
from console import words
from console.audit import deeds, differences, labels, objects, values
from console.site_settings import parts
from tests.accounts import Account, open_tenant
from tests.api.v1.people import new_user
from tests.console.money_desk import HOSTILE, of_staff, of_tenant, place, text

SITE = "/console/audit/"


def line(account: Account | None = None, **fields: Any) -> Any:
    told: dict[str, Any] = {
        "kind": "key", "pk": 7, "tenant_id": account.tenant.pk if account else None,
        "before": {"name": "old"}, "after": {"name": HOSTILE}, "why": HOSTILE,
        "origin": Origin("console", "203.0.113.7", "r-1", "Firefox"),
    }  # fmt: skip
    author = fields.pop("author", Author("ann@example.com", Kind.PERSON, is_site=False))
    return audit.record(author, fields.pop("deed", "patch key"), **told | fields)


def said(before: Any, after: Any) -> list[tuple[str, str | None, str | None]]:
    found = differences.changes(before, after)
    return [(change.label, change.old, change.new) for change in found]


def lines(before: Any, after: Any) -> list[str]:
    """Of lists of objects: what is gone, and what has come."""
    found = differences.changes(before, after)
    return [f"{'+' if new else '-'} {text}" for change in found for new, text in change.lines]


def test_differences_are_told_field_by_field() -> None:
    assert said({"name": "a", "rpm": None}, {"name": "b", "rpm": 5}) == [
        ("Name", "a", "b"),
        ("Submits a minute", "no limit", "5"),
    ]
    assert said({"values": {"keep_results": True}}, {"values": {"keep_results": False}}) == [
        ("Keep pictures", "yes", "no")
    ]
    assert said(None, {"modes": ["fast", "relax"], "name": ""}) == [
        ("Modes", None, "Fast, Relax"),
        ("Name", None, "nothing"),
    ]
    assert lines({"rows": [{"a": 1}]}, None) == ["- A 1"]
    assert said({"hue": {"old": 1}}, {"hue": "none"}) == [("Hue", "Old 1", "none")]
    assert said(None, None) == []
    times = {"at": "2026-11-21T06:51:41.524872Z", "till": "2026-99-99T06:51:41Z"}
    assert said(None, times) == [
        ("At", None, "2026-11-21 06:51:41"),
        ("Till", None, "2026-99-99T06:51:41Z"),
    ]
    assert len(said(None, {"text": "x" * 9000})[0][2] or "") == values.VALUE_MAX_CHARS + 1


SAID = [
    # (field, value, as people read it)
    ("role", "site-finance", "site-finance"),
    ("role", "finance", "Finance"),
    ("state", "draining", "Draining"),
    ("kind", "trueai", "trueai-org/midjourney-proxy"),
    ("modes", ["fast", "relax"], "Fast, Relax"),
    ("modes", [], "all"),
    ("actions", ["IMAGINE"], "Imagine"),
    ("is_active", False, "Disabled"),
    ("is_test", True, "yes"),
    ("budget", "1234.5", "$1,234.50"),
    ("budget", None, "no limit"),
    ("balance", "-0.000001", "\N{MINUS SIGN}$0.000001"),
    ("balance", "a lot", "a lot"),
    ("balance", "NaN", "NaN"),
    ("ratio", "0.900000", "× 0.9"),
    ("ratio", "10.000000", "× 10"),
    ("queue_seconds", 90, "1 min 30 s"),
    ("expires_at", None, "never"),
    ("default_mode", "", "the site's"),
    ("sign_up", "closed", "Nobody"),
    ("name", "mj_imagine", "Imagine (mj_imagine)"),
    ("name", "draining", "draining"),
    ("title", "draining", "draining"),
    ("fail_reason", "", "nothing"),
    ("addresses", ["192.0.2.0/24", "::1"], "192.0.2.0/24, ::1"),
]


@pytest.mark.parametrize(("name", "value", "text"), SAID)
def test_values_are_said_as_other_pages_say_them(
    database: str, name: str, value: Any, text: str
) -> None:
    assert values.said(name, value) == text


def test_lists_of_objects_are_told_line_by_line_and_only_what_differs(database: str) -> None:
    old = [
        {"name": "mj_imagine", "mode": "fast", "amount": "0.02"},
        {"name": "mj_pan", "mode": "", "amount": "0.01"},
    ]
    new = [{"name": "mj_imagine", "mode": "fast", "amount": "0.03"}, old[1]]
    assert lines({"data": old}, {"data": new}) == [
        "- Imagine (mj_imagine), Fast: $0.02",
        "+ Imagine (mj_imagine), Fast: $0.03",
    ]
    ratio = {"group": "vip", "home": "default", "ratio": "0.8"}
    assert lines({"ratios": []}, {"ratios": [ratio]}) == ["+ vip, Tenant's group default: × 0.8"]
    assert lines({"data": old}, {"data": old[::-1]}) == []
    several: list[Any] = [[[{}]], [{}, 1], [None], ["a"], {"a": {}}, [{}]]
    for odd in several:
        assert differences.changes({"data": odd}, {"data": old})


def test_of_a_list_that_was_cut_the_whole_lines_are_told(bystander: Account) -> None:
    long = [{"name": f"price {number}", "amount": "1.00"} for number in range(500)]
    row = line(bystander, before=None, after={"rules": long})
    row.refresh_from_db()
    found = lines(None, row.after)
    assert found[:2] == ["+ price 0: $1.00", "+ price 1: $1.00"]
    assert found[-1] == "+ …"
    assert 50 < len(found) < 500
    assert said(None, {"rules": "[{broken…"}) == [("Prices", None, "[{broken…")]
    words = text(of_tenant(bystander).get(place(bystander, "audit/")))
    assert "price 5: $1.00" in words
    assert f"All {len(found)} lines" in words


def test_every_field_that_a_change_is_told_in_has_a_label() -> None:
    """(So the other language has one, too.)"""
    known = labels.LABELS.keys() | parts.LABELS.keys() | words.NAMES.keys() | words.FLAGS.keys()
    assert changed_fields() - known - TOLD_NOWHERE == set()


# Shown with a task or a channel, which changes do not touch, or the frame of an answer.
TOLD_NOWHERE = {
    "attempts", "callbacks", "channel_id", "details", "digest", "entries", "from_environment",
    "headroom", "is_below", "is_watched", "left_out", "link", "message_id", "names", "next",
    "parent", "parent_id", "pay_url", "picture", "pictures", "values", "videos", "group_ratio",
    "group_group_ratio", "model_price", "actor", "currency",
}  # fmt: skip


def changed_fields() -> set[str]:
    found = set()
    for view in deeds.views():
        for name in deeds.CHANGES:
            said = getattr(getattr(view, name, None), "operation", None)
            shown = getattr(getattr(view.shown_by or view, "get", None), "operation", None)
            for answer in (said and said.answer, said and shown and shown.answer):
                found |= {name for name, _ in values.fields(answer())} if answer else set()
    return found


def test_a_line_tells_who_what_why_from_where_and_leads_to_the_thing(bystander: Account) -> None:
    line(bystander)
    page = of_staff().get(SITE)
    source, words = page.content.decode(), text(page)
    assert "<script>alert(1)" not in source
    for word in ("ann@example.com", "Changed: key", "old", "203.0.113.7", "Console", "Firefox"):
        assert word in words
    assert f'href="{place(bystander, "keys/7/")}"' in source
    assert bystander.tenant.name in words


@pytest.mark.parametrize(
    ("kind", "pk", "tenant_id", "address"),
    [
        ("key", "7", 3, "/console/tenants/3/keys/7/"),
        ("member", "7", 3, "/console/tenants/3/members/"),
        ("callback", "7", 3, "/console/tenants/3/callbacks/7/"),
        ("hooks", "3", 3, "/console/tenants/3/callbacks/hooks/"),
        ("management key", "7", None, "/console/staff/management-keys/"),
        ("announcement", "7", None, "/console/announcements/"),
        ("settings", "", None, "/console/settings/"),
        ("key", "../../x", 3, ""),
        ("account", "7", None, ""),
        ("nothing known", "7", 3, ""),
    ],
)
def test_lines_lead_to_pages_that_there_are(
    kind: str, pk: str, tenant_id: int | None, address: str
) -> None:
    told = {"object_kind": kind, "object_id": pk, "tenant_id": tenant_id}
    assert objects.address(told) == address


def test_a_tenant_sees_its_own_and_nothing_of_the_sites_people(bystander: Account) -> None:
    other, _, _ = open_tenant()
    line(bystander, author=Author("oscar@site.example", Kind.PERSON), why="a secret reason")
    line(bystander, deed="rotate key")
    line(None, tenant_id=other.pk, deed="of another tenant")
    owner = of_tenant(bystander)
    words = text(owner.get(place(bystander, "audit/")))
    assert "the site" in words
    assert "Key replaced" in words
    for hidden in ("oscar", "a secret reason", "203.0.113.7", "of another tenant", "Firefox"):
        assert hidden not in words
    assert owner.get(f"/console/tenants/{other.pk}/audit/").status_code == 404
    assert owner.get(SITE).status_code == 404
    for role in (Role.VIEWER, Role.DEVELOPER, Role.FINANCE):
        assert of_tenant(bystander, role).get(place(bystander, "audit/")).status_code == 403


def test_the_audit_is_filtered_and_paged(bystander: Account) -> None:
    for number in range(60):
        line(bystander, deed=f"deed {number}", pk=number)
    operator = of_staff()
    page = operator.get(SITE, {"tenant": bystander.tenant.pk})
    assert len(re.findall(r"deed \d+", text(page))) == 50
    older = re.search(r'href="([^"]+)" rel="next"', page.content.decode())
    assert older
    rest = text(operator.get(older[1].replace("&amp;", "&")))
    assert len(re.findall(r"deed \d+", rest)) == 10
    one = operator.get(SITE, {"object_kind": "key", "object_id": "17"})
    assert "deed 17" in text(one)
    assert "deed 16" not in text(one)
    assert "Nothing fits." in text(operator.get(SITE, {"actor": "nobody"}))
    assert "name the object_kind, too" in text(operator.get(SITE, {"object_id": "17"}))
    assert operator.get(SITE, {"tenant": "x", "since": "?", "actor": "a\x00"}).status_code == 200


def test_it_is_filtered_by_deed_by_person_and_by_the_tenants_name(bystander: Account) -> None:
    other, _, _ = open_tenant()
    user = new_user()
    StaffMember.objects.create(user=user, role="support")
    by_user = Author(user.email, Kind.PERSON, user_id=user.pk)
    line(bystander, deed="rotate key", author=by_user, why="one")
    line(bystander, deed="patch key", why="two")
    line(None, deed="rotate key", tenant_id=other.pk, why="three")
    operator = of_staff()
    for asked, whys in (
        ({"deed": "rotate key"}, ["one", "three"]),
        ({"deed": "patch key", "tenant": bystander.tenant.name}, ["two"]),
        ({"tenant": bystander.tenant.name}, ["one", "two"]),
        ({"tenant": str(other.pk)}, ["three"]),
        ({"actor": user.username}, ["one"]),
        ({"actor": user.email.upper()}, ["one"]),
        ({"deed": "no such deed"}, []),
    ):
        words = text(operator.get(SITE, asked))
        assert [why for why in ("one", "two", "three") if f"“{why}”" in words] == whys, asked
    assert "Nothing is called so" in text(operator.get(SITE, {"tenant": "no such tenant"}))
    source = operator.get(SITE).content.decode()
    assert f'<option value="{user.email}">' in source
    assert '<option value="publish price book">' in source
    assert '<optgroup label="key">' in source
    again = operator.get(SITE, {"deed": "rotate key", "object_kind": "key"}).content.decode()
    for value in ("rotate key", "key"):
        assert f'<option value="{value}" selected>' in again


def test_a_tenant_is_offered_its_own_people_and_deeds_only(bystander: Account) -> None:
    colleague, user = new_user(), new_user()
    Member.objects.create(tenant=bystander.tenant, user=colleague, role="viewer")
    StaffMember.objects.create(user=user, role="support")
    source = of_tenant(bystander).get(place(bystander, "audit/")).content.decode()
    for word in (colleague.email, "the site", "rotate key", "patch member"):
        assert f'<option value="{word}">' in source
    for word in (user.email, "publish price book", "patch channel"):
        assert word not in source
    assert 'name="tenant"' not in source


def test_notices_are_listed_with_who_got_them(bystander: Account) -> None:
    notice = Notice.objects.create(
        tenant=bystander.tenant, kind="balance.low", subject=HOSTILE, text="below 5.00"
    )
    Delivery.objects.create(
        notice=notice, way="mail", address="a@b.example", state="given_up", due_at=None,
        error="550 no such user",
    )  # fmt: skip
    Notice.objects.create(tenant=None, kind="channel.down", subject="of the site", text="x")
    owner = of_tenant(bystander)
    page = owner.get(place(bystander, "notices/"))
    assert "<script>alert(1)" not in page.content.decode()
    for word in ("below 5.00", "a@b.example", "550 no such user", "balance.low"):
        assert word in text(page)
    assert "of the site" not in text(page)
    assert "Nothing fits." in text(owner.get(place(bystander, "notices/"), {"kind": "x"}))
    operator = of_staff()
    assert "of the site" in text(operator.get("/console/notices/"))
    assert owner.get("/console/notices/").status_code == 404


def test_who_gets_the_notices_is_changed(bystander: Account) -> None:
    page = place(bystander, "notices/change/")
    told = {
        "initial-notice_mails": "", "notice_mails": "a@b.example\nc@d.example",
        "initial-notice_hook": "", "notice_hook": "https://n.example/",
    }  # fmt: skip
    developer, finance = of_tenant(bystander, Role.DEVELOPER), of_tenant(bystander, Role.FINANCE)
    assert finance.post(page, told).status_code == 403
    assert developer.post(page, told).status_code == 302
    tenant = Tenant.objects.get(pk=bystander.tenant.pk)
    assert tenant.notice_mails == ["a@b.example", "c@d.example"]
    assert tenant.notice_hook == "https://n.example/"
    wrong = developer.post(page, told | {"notice_mails": "nobody"})
    assert "Enter a valid email" in text(wrong)
