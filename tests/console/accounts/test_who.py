"""Who is who on a page, confirming it, and signing in as somebody."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import include, path
from django.utils.text import capfirst

from billing import tenants
from billing.errors import TenantDisabled
from billing.models import Member, Role, StaffMember, StaffRole, Tenant
from common import languages
from common.models import AuditEntry
from console import who
from console.accounts import acting
from tests.console.accounts.visitor import (
    PASSWORD,
    Visitor,
    member,
    person,
    signed_in,
    staff,
    stale,
    text,
    unique,
)


def shown(request: HttpRequest, **ids: Any) -> HttpResponse:
    return HttpResponse(f"{request.method} {ids or ''}")


# Pages as the console's are, at addresses of their own.
urlpatterns = [
    path("console/x/fresh/", who.fresh_sign_in(shown)),
    path("console/x/see/", who.fresh_sign_in_to_see(shown)),
    path("console/x/staff/", who.staff_page(shown)),
    path("console/x/<int:tenant_id>/", who.tenant_page(shown)),
    path("", include("relay.urls")),
]
FRESH = "/console/x/fresh/"


@pytest.fixture(autouse=True)
def _pages(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.console.accounts.test_who"


def request_of(user: Any) -> HttpRequest:
    request = RequestFactory().get("/console/")
    request.user = user
    return request


def test_a_member_has_his_role_in_his_tenant_and_nothing_elsewhere() -> None:
    mine = member(role=Role.FINANCE)
    other = tenants.create(name=unique("tenant"))
    found = who.manager_for(request_of(mine.user), mine.tenant_id)
    assert (found.role, found.tenant_id, found.user_id) == (
        Role.FINANCE,
        mine.tenant_id,
        mine.user_id,
    )
    for tenant_id in (None, other.pk, 0, 2**62):
        with pytest.raises(Http404):
            who.manager_for(request_of(mine.user), tenant_id)


@pytest.mark.parametrize("role", StaffRole.values)
def test_the_sites_staff_are_the_same_everywhere(role: str) -> None:
    user = staff(role)
    tenant = tenants.create(name=unique("tenant"))
    for tenant_id in (None, tenant.pk):
        found = who.manager_for(request_of(user), tenant_id)
        assert (found.role, found.tenant_id, found.is_site) == (role, None, True)


def test_staff_who_are_members_too_are_members_there_unless_they_are_operators() -> None:
    mine = member()
    StaffMember.objects.create(user=mine.user, role=StaffRole.SUPPORT)
    assert who.manager_for(request_of(mine.user), mine.tenant_id).role == Role.OWNER
    StaffMember.objects.filter(user=mine.user).update(role=StaffRole.OPERATOR)
    assert who.manager_for(request_of(mine.user), mine.tenant_id).is_site


def test_who_is_no_staff_any_more_is_nobody_even_as_a_superuser() -> None:
    user = staff()
    StaffMember.objects.filter(user=user).update(is_active=False)
    user.is_superuser = True
    for somebody in (user, person(), AnonymousUser()):
        with pytest.raises(Http404):
            who.manager_for(request_of(somebody))


def test_pages_are_for_whom_they_are_for() -> None:
    mine, operator = member(), staff()
    other = tenants.create(name=unique("tenant"))
    table = {
        (mine.user, "staff/"): 404,
        (operator, "staff/"): 200,
        (mine.user, f"{mine.tenant_id}/"): 200,
        (mine.user, f"{other.pk}/"): 404,
        (operator, f"{other.pk}/"): 200,
        (person(), f"{other.pk}/"): 404,
    }
    for (user, page), status in table.items():
        assert signed_in(user).get(f"/console/x/{page}").status_code == status, (user, page)
    answer = Visitor().get("/console/x/staff/")
    assert answer["Location"] == "/console/account/login/?next=/console/x/staff/"


def test_a_removed_member_is_out_at_once() -> None:
    mine = member()
    visitor = signed_in(mine.user)
    page = f"/console/x/{mine.tenant_id}/"
    assert visitor.get(page).status_code == 200
    Member.objects.filter(pk=mine.pk).delete()
    assert visitor.get(page).status_code == 404


def test_members_of_a_disabled_tenant_are_told_so() -> None:
    mine = member()
    visitor, operator = signed_in(mine.user), signed_in(staff())
    Tenant.objects.filter(pk=mine.tenant_id).update(is_active=False)
    answer = visitor.get(f"/console/x/{mine.tenant_id}/")
    assert answer.status_code == 403
    assert capfirst(str(TenantDisabled())) in text(answer)
    assert operator.get(f"/console/x/{mine.tenant_id}/").status_code == 200


def test_after_signing_in_everybody_gets_where_he_belongs() -> None:
    mine = member()
    for user, place in (
        (staff(StaffRole.SUPPORT), "/console/overview/"),
        (mine.user, f"/console/tenants/{mine.tenant_id}/"),
        (person(), ""),
    ):
        assert who.place_of(request_of(user)) == place
    assert [tenant.pk for tenant in who.tenants_of(mine.user)] == [mine.tenant_id]


def test_a_fresh_sign_in_is_asked_nothing_more() -> None:
    visitor = signed_in(person())
    assert visitor.post(FRESH).status_code == 200
    assert visitor.get("/console/x/see/").status_code == 200


def test_an_old_sign_in_is_confirmed_by_the_password_and_leads_back() -> None:
    visitor = signed_in(person())
    stale(visitor)
    assert visitor.get(FRESH).status_code == 200
    page = "http://testserver/console/tenants/1/keys/?after=7"
    answer = visitor.post(FRESH, {"secret": "of the form"}, headers={"Referer": page})
    assert answer.status_code == 302
    asked = answer["Location"]
    assert asked.startswith("/console/account/reauthenticate/?next=%2Fconsole%2Ftenants%2F1")
    assert "of the form" not in str(dict(visitor.session))
    assert "Incorrect password" in text(visitor.post(asked, {"password": "wrong"}))
    answer = visitor.post(asked, {"password": PASSWORD})
    assert answer["Location"] == "/console/tenants/1/keys/?after=7"
    assert visitor.post(FRESH).status_code == 200


def test_htmx_is_led_away_with_the_whole_page() -> None:
    visitor = signed_in(person())
    stale(visitor)
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/console/keys/?a=b"}
    answer = visitor.post(FRESH, headers=headers)
    place = "/console/account/reauthenticate/?next=%2Fconsole%2Fkeys%2F%3Fa%3Db"
    assert answer["HX-Redirect"] == place


@pytest.mark.parametrize("page", ["https://evil.example/x", "//evil.example", "", "javascript:1"])
def test_confirming_leads_to_no_other_site(page: str) -> None:
    visitor = signed_in(person())
    stale(visitor)
    headers = {"HX-Request": "true", "HX-Current-URL": page, "Referer": page}
    answer = visitor.post(FRESH, headers=headers)
    assert answer["HX-Redirect"].endswith("?next=%2Fconsole%2F")
    asked = f"/console/account/reauthenticate/?next={page}"
    assert "evil" not in visitor.post(asked, {"password": PASSWORD}).get("Location", "")


def test_wrong_passwords_lock_here_too() -> None:
    visitor = signed_in(person())
    stale(visitor)
    asked = "/console/account/reauthenticate/?next=/console/"
    for _ in range(5):
        visitor.post(asked, {"password": "wrong"})
    visitor.post(asked, {"password": PASSWORD})
    assert visitor.post(FRESH).status_code == 302


def test_who_has_no_password_signs_in_anew() -> None:
    user = person()
    visitor = signed_in(user)
    stale(visitor)
    hashed = visitor.session["_auth_user_hash"]
    user.set_unusable_password()
    user.save()
    session = visitor.session
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session.save()
    assert hashed != session["_auth_user_hash"]
    answer = visitor.post(FRESH, headers={"Referer": "http://testserver/console/keys/"})
    assert answer["Location"] == "/console/account/login/?next=%2Fconsole%2Fkeys%2F"
    assert not visitor.is_in


# -- Signing in as --------------------------------------------------------------------------------


def as_member(mine: Member, operator: Any = None) -> tuple[Visitor, Any]:
    operator = operator or staff()
    visitor = signed_in(operator)
    answer = visitor.post(f"/console/account/sign-in-as/{mine.pk}/")
    assert answer["Location"] == f"/console/tenants/{mine.tenant_id}/"
    return visitor, operator


def test_an_operator_sees_what_a_member_sees_and_the_audit_has_both_names() -> None:
    mine = member(role=Role.DEVELOPER)
    visitor, operator = as_member(mine)
    request = visitor.get(f"/console/x/{mine.tenant_id}/").wsgi_request
    found = who.manager_for(request, mine.tenant_id)
    assert (found.role, found.tenant_id) == (Role.DEVELOPER, mine.tenant_id)
    assert (found.user_id, found.acting_as) == (operator.pk, mine.user.username)
    assert request.acting.member_name == mine.user.username
    assert visitor.get("/console/x/staff/").status_code == 404
    other = tenants.create(name=unique("tenant"))
    assert visitor.get(f"/console/x/{other.pk}/").status_code == 404
    line = AuditEntry.objects.latest("id")
    assert (line.actor, line.acting_as) == (operator.email, mine.user.username)
    assert (line.deed, line.tenant_id) == ("sign in as", mine.tenant_id)


def test_nothing_is_done_in_a_members_name() -> None:
    mine = member()
    visitor, operator = as_member(mine)
    page = f"/console/x/{mine.tenant_id}/"
    for method in ("post", "put", "patch", "delete"):
        assert getattr(visitor, method)(page).status_code == 403
    changed = {"oldpassword": PASSWORD, "password1": "new one 12", "password2": "new one 12"}
    assert visitor.post("/console/account/password/change/", changed).status_code == 403
    operator.refresh_from_db()
    assert operator.check_password(PASSWORD)


def test_one_click_ends_it() -> None:
    mine = member()
    visitor, _ = as_member(mine)
    answer = visitor.post("/console/account/sign-in-as/end/")
    assert answer["Location"] == f"/console/tenants/{mine.tenant_id}/"
    assert visitor.get("/console/x/staff/").status_code == 200
    assert visitor.post(f"/console/x/{mine.tenant_id}/").status_code == 200
    assert AuditEntry.objects.latest("id").deed == "stop signing in as"
    assert visitor.post("/console/account/sign-in-as/end/")["Location"] == "/console/"


def test_it_ends_by_itself() -> None:
    mine = member()
    visitor, operator = as_member(mine)
    session = visitor.session
    session[acting.SESSION_KEY]["until"] -= acting.ACTING_SECONDS + 1
    session.save()
    assert visitor.get("/console/x/staff/").status_code == 200
    assert acting.SESSION_KEY not in visitor.session

    visitor, operator = as_member(mine, operator)
    StaffMember.objects.filter(user=operator).update(role=StaffRole.SUPPORT)
    assert visitor.get(f"/console/x/{mine.tenant_id}/").status_code == 200
    assert acting.SESSION_KEY not in visitor.session

    visitor, _ = as_member(mine)
    Member.objects.filter(pk=mine.pk).delete()
    assert visitor.get(f"/console/x/{mine.tenant_id}/").status_code == 200
    assert acting.SESSION_KEY not in visitor.session


@pytest.mark.parametrize("role", [StaffRole.SUPPORT, StaffRole.FINANCE, None])
def test_only_operators_sign_in_as_somebody(role: str | None) -> None:
    mine = member()
    visitor = signed_in(staff(role) if role else member(mine.tenant).user)
    page = f"/console/account/sign-in-as/{mine.pk}/"
    assert visitor.post(page).status_code == 404
    assert visitor.get(page).status_code == 405
    assert acting.SESSION_KEY not in visitor.session


def test_signing_in_as_takes_a_fresh_sign_in_and_a_form_of_ours() -> None:
    mine, operator = member(), staff()
    visitor = signed_in(operator)
    stale(visitor)
    page = f"/console/account/sign-in-as/{mine.pk}/"
    assert "reauthenticate" in visitor.post(page)["Location"]
    strict = Visitor(enforce_csrf_checks=True)
    strict.cookies = signed_in(operator).cookies
    assert strict.post(page).status_code == 403
    assert signed_in(operator).post("/console/account/sign-in-as/999999999/").status_code == 404


def test_language_and_theme_come_along_to_another_browser() -> None:
    user = person()
    signed_in(user).post("/console/display/", {"language": "zh-hans", "theme": "dark"})
    cookies = signed_in(user).cookies
    assert (cookies["language"].value, cookies["theme"].value) == ("zh-hans", "dark")


def test_mail_is_written_in_the_language_that_was_chosen_here() -> None:
    user = person()
    assert user.email
    assert languages.chosen(user.email) == ""
    signed_in(user).post("/console/display/", {"language": "zh-hans"})
    assert languages.chosen(user.email.upper()) == "zh-hans"
    assert languages.of_mail("nobody@x.example") == "en"
