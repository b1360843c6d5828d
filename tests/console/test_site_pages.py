"""The site's own pages: announcements and settings."""

from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from billing.models import Announcement, CodeBatch, RedemptionCode, StaffRole, TopUp
from common import guard, ports, site
from common.models import AuditEntry, SiteSetting
from tests.accounts import Account
from tests.console.money_desk import HOSTILE, of_staff, of_tenant, place, text
from tests.console.test_tasks import confirm

NEWS = "/console/announcements/"
SETTINGS = "/console/settings/"


@pytest.fixture
def operator(bystander: Account) -> Client:
    return of_staff()


def news(**fields: Any) -> dict[str, Any]:
    return {"title": "Maintenance", "text": "", "level": "info", "audience": "all"} | fields


def seen(of: Client, account: Account) -> bool:
    return "Maintenance" in text(of.get(place(account, "members/")))


def test_what_is_announced_stands_on_the_pages_of_whom_it_is_for(
    bystander: Account, operator: Client
) -> None:
    owner = of_tenant(bystander)
    form = operator.get(f"{NEWS}new/").content.decode()
    assert '<option value="" selected' not in form
    answer = operator.post(f"{NEWS}new/", news(text=HOSTILE, level="danger"))
    assert answer["Location"] == NEWS
    row = Announcement.objects.latest("id")
    page = operator.get(NEWS)
    assert "<script>alert(1)" not in page.content.decode()
    assert "Shown" in text(page)
    assert seen(owner, bystander)
    assert operator.post(f"{NEWS}{row.pk}/end/").status_code == 302
    assert not seen(owner, bystander)
    assert "over" in text(operator.get(NEWS))
    assert operator.post(f"{NEWS}{row.pk}/delete/").status_code == 302
    assert not Announcement.objects.filter(pk=row.pk).exists()
    assert operator.get(f"{NEWS}{row.pk}/change/").status_code == 404


def test_tenants_are_named_by_name_or_number_and_groups_by_name(
    bystander: Account, operator: Client
) -> None:
    tenant = bystander.tenant
    for written in (tenant.name, str(tenant.pk)):
        told = news(audience="tenants", tenants=f" {written} \r\n")
        assert operator.post(f"{NEWS}new/", told).status_code == 302
        assert list(Announcement.objects.latest("id").tenants.all()) == [tenant]
    told = news(audience="groups", groups=tenant.group.name)
    assert operator.post(f"{NEWS}new/", told).status_code == 302
    assert tenant.group.name in text(operator.get(NEWS))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"title": ""}, "This field is required"),
        ({"title": "x" * 201}, "at most 200"),
        ({"audience": "tenants"}, "name whom it is for"),
        ({"audience": "tenants", "tenants": "nobody of this name"}, "Nothing is called so: nobody"),
        ({"audience": "groups", "groups": "no such group"}, "there is no group"),
        ({"audience": "all", "groups": "{group}"}, "these belong to the audience groups"),
        ({"ends_at": "2001-01-01T00:00"}, "it ends before it starts"),
        ({"level": "loud"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_with_an_announcement_is_said(
    bystander: Account, operator: Client, fields: dict[str, str], says: str
) -> None:
    before = Announcement.objects.count()
    group = bystander.tenant.group.name
    told = {name: value.replace("{group}", group) for name, value in fields.items()}
    assert says in text(operator.post(f"{NEWS}new/", news(**told)))
    assert Announcement.objects.count() == before


def test_a_change_sends_only_what_was_changed(operator: Client) -> None:
    later = timezone.now() + timedelta(days=2)
    row = Announcement.objects.create(title="old", text="old", starts_at=later, created_by="x")
    shown = {
        f"initial-{name}": value
        for name, value in {"title": "old", "text": "old", "level": "info", "audience": "all",
                            "starts_at": f"{later:%Y-%m-%dT%H:%M}", "ends_at": "", "groups": "",
                            "tenants": ""}.items()
    }  # fmt: skip
    Announcement.objects.filter(pk=row.pk).update(text="of somebody else")
    page = f"{NEWS}{row.pk}/change/"
    told = {**shown, **{name.removeprefix("initial-"): value for name, value in shown.items()}}
    assert operator.post(page, told | {"title": "new"}).status_code == 302
    row.refresh_from_db()
    assert (row.title, row.text, row.starts_at) == ("new", "of somebody else", later)
    assert "Later" in text(operator.get(NEWS))


@pytest.mark.parametrize(
    ("page", "kind", "role", "says"),
    [
        (NEWS, Announcement, "operator", 'href="/console/announcements/new/" data-dialog'),
        (NEWS, Announcement, "support", ""),
        ("/console/codes/", CodeBatch, "finance", 'href="/console/codes/new/" data-dialog'),
        ("/console/top-ups/", TopUp, "finance", "Top up a tenant by hand"),
        ("/console/top-ups/", TopUp, "support", "To the tenants"),
        ("/console/channels/", None, "operator", "Nothing fits."),
    ],
)
def test_where_there_is_nothing_yet_stands_what_to_do_next(
    bystander: Account, page: str, kind: Any, role: str, says: str
) -> None:
    if kind is CodeBatch:
        RedemptionCode.objects.all().delete()
    if kind is not None:
        kind.objects.all().delete()
    query = {} if kind is not None else {"q": "there is no such channel"}
    shown = of_staff(role).get(page, query).content.decode()
    empty = shown[shown.index('<div class="empty">') :]
    assert says in empty
    assert ("btn-primary" in empty) == bool(kind is not None and says)


def test_support_and_finance_announce_and_set_nothing(bystander: Account) -> None:
    row = Announcement.objects.create(title="x", created_by="x")
    for role in (StaffRole.SUPPORT, StaffRole.FINANCE):
        somebody = of_staff(role)
        assert "New announcement" not in text(somebody.get(NEWS))
        assert somebody.post(f"{NEWS}new/", news()).status_code == 403
        assert somebody.post(f"{NEWS}{row.pk}/delete/").status_code == 403
        assert somebody.get(SETTINGS).status_code == 403
    assert of_tenant(bystander).get(NEWS).status_code == 404


def test_settings_tell_where_they_come_from_and_go_back(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_NAME", settings.SITE_NAME)
    monkeypatch.delenv("SIGN_UP_GROUP", raising=False)
    plain = text(operator.get(SETTINGS))
    assert "set here by" not in plain
    assert f"{settings.SITE_NAME} from the environment" in plain
    assert "Group of new tenants default by default" in plain
    shown = {"initial-site_name": settings.SITE_NAME, "initial-default_mode": "fast"}
    told = {"site_name": "My Relay", "default_mode": "fast"} | shown
    assert operator.post(f"{SETTINGS}site/change/", told).status_code == 302
    assert site.value("site_name") == "My Relay"
    assert list(SiteSetting.objects.values_list("name", flat=True)) == ["site_name"]
    said = text(operator.get(SETTINGS))
    assert "My Relay" in said
    assert f"Environment: {settings.SITE_NAME}" in said
    assert operator.post(f"{SETTINGS}back/site_name/").status_code == 302
    assert site.value("site_name") == settings.SITE_NAME
    assert not SiteSetting.objects.exists()
    line = AuditEntry.objects.latest("id")
    assert line.object_kind == "settings"
    assert line.before is not None
    assert line.before["values"]["site_name"] == "My Relay"


def test_an_inner_network_is_opened_on_every_port(operator: Client) -> None:
    shown = "\n".join(ports.shown(site.value("callback_ports")))
    told = {
        "initial-callback_networks": "", "callback_networks": "10.0.0.0/8",
        "initial-callback_ports": shown, "callback_ports": shown,
    }  # fmt: skip
    assert operator.post(f"{SETTINGS}callbacks/change/", told).status_code == 302
    policy = guard.Policy(
        ports=site.value("callback_ports"), allowed=site.value("callback_networks")
    )
    assert policy.permits(ip_address("10.1.2.3"), 8080)
    assert policy.permits(ip_address("10.1.2.3"), 22)
    assert not policy.permits(ip_address("192.168.1.1"), 8080)
    assert not policy.permits(ip_address("8.8.8.8"), 22)


def test_an_empty_text_is_a_value_where_a_setting_may_be_empty(operator: Client) -> None:
    page = f"{SETTINGS}words/change/"
    told = {"initial-banned_words": "", "banned_words": "one\ntwo"}
    assert operator.post(page, told).status_code == 302
    assert site.value("banned_words").split() == ["one", "two"]
    told = {"initial-banned_words": "one\ntwo", "banned_words": ""}
    assert operator.post(page, told).status_code == 302
    assert SiteSetting.objects.get(pk="banned_words").value == ""


@pytest.mark.parametrize(
    ("part", "fields", "says"),
    [
        ("site", {"currency": "dollars"}, "this must be three letters"),
        ("callbacks", {"callback_ports": "443\n99999999"}, "a port or a range"),
        ("callbacks", {"callback_networks": "here"}, "an IP address or a network"),
        ("sign-up", {"sign_up_balance": "much"}, "this must be a text such as"),
        ("sign-up", {"sign_up_group": "no such group"}, "there is no such group"),
        ("sign-up", {"sign_up_domains": "not a domain"}, "this must be a domain"),
        ("notices", {"notice_mails": "nobody"}, "Enter a valid email"),
        ("notices", {"notice_hook": "ftp://x"}, "is-invalid"),
    ],
)
def test_what_is_wrong_with_a_setting_stands_at_it(
    operator: Client, part: str, fields: dict[str, str], says: str
) -> None:
    page = operator.post(f"{SETTINGS}{part}/change/", fields)
    assert page.status_code == 200
    assert says in page.content.decode()
    assert "is-invalid" in page.content.decode()
    assert not SiteSetting.objects.exists()


def test_settings_want_a_fresh_sign_in_and_known_names(operator: Client) -> None:
    for path in ("nothing/change/", "back/nothing/", "back/SECRET_KEY/"):
        assert operator.post(SETTINGS + path).status_code == 404, path
    confirm(operator, 1.0)
    for path in ("site/change/", "back/site_name/"):
        assert "/console/account/" in operator.post(SETTINGS + path)["Location"], path
