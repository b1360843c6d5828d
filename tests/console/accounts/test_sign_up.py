"""Making an account: closed, by invitation, open to all; and what comes along with it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import connection
from django.test import override_settings

from billing import invitations, money, tenants
from billing.errors import BillingError
from billing.models import Entry, Member, Role, Tenant, Wallet
from console.accounts import sign_up
from console.models import SignUp
from tests.console.accounts.visitor import PASSWORD, Visitor, person, signed_in, text, unique

SIGN_UP = "/console/account/signup/"
BY_MAIL = {
    "EMAIL_URL": "smtp://mail.example",
    "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
    "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
    "ACCOUNT_SIGNUP_FIELDS": ["email*", "username*", "password1*", "password2*"],
    "PUBLIC_URL": "https://relay.example",
}


@pytest.fixture
def by_mail() -> Iterator[None]:
    with override_settings(**BY_MAIL):
        mail.outbox = []
        yield


@pytest.fixture
def open_to_all(settings: Any) -> None:
    settings.SIGN_UP = "open"


def form(name: str, **more: str) -> dict[str, str]:
    return {"username": name, "password1": PASSWORD, "password2": PASSWORD, **more}


def invited(role: str = Role.DEVELOPER) -> tuple[Tenant, str]:
    tenant = tenants.create(name=unique("tenant"))
    _, link = invitations.invite(
        tenant=tenant, email="new@example.com", role=role, actor="test", by_site=True
    )
    return tenant, re.sub(r"^https?://[^/]+", "", link)


def users(name: str) -> Any:
    return get_user_model()._default_manager.filter(username=name)


@pytest.mark.parametrize("mode", ["closed", "invitation"])
def test_where_it_is_not_open_nobody_makes_an_account(settings: Any, mode: str) -> None:
    settings.SIGN_UP = mode
    visitor, name = Visitor(), unique("new")
    assert visitor.get(SIGN_UP).status_code == 200
    visitor.get("/console/account/invitation/made-up-token/")
    answer = visitor.post(SIGN_UP, form(name))
    assert "closed" in text(answer).lower()
    assert not users(name).exists()


def test_who_signs_up_owns_a_tenant_of_his_own(open_to_all: None, settings: Any) -> None:
    settings.SIGN_UP_BALANCE = "2.5"
    visitor, name = Visitor(), unique("new")
    assert visitor.post(SIGN_UP, form(name)).status_code == 302
    assert visitor.is_in
    member = Member.objects.get(user__username=name)
    assert (member.role, member.tenant.name) == (Role.OWNER, name)
    assert money.text(Wallet.objects.live(member.tenant_id).balance) == "2.50"
    assert Entry.objects.filter(wallet__tenant=member.tenant).count() == 1
    signed_in(users(name).get())
    assert Member.objects.filter(user__username=name).count() == 1


def test_a_tenant_of_the_same_name_is_no_obstacle(open_to_all: None) -> None:
    name = unique("new")
    tenants.create(name=name)
    assert Visitor().post(SIGN_UP, form(name)).status_code == 302
    member = Member.objects.get(user__username=name)
    assert member.tenant.name.startswith(f"{name}-")


def test_the_tenant_is_made_once_however_many_sign_in_at_once(open_to_all: None) -> None:
    user = person()
    SignUp.objects.create(user=user)

    def fulfil(_: int) -> None:
        try:
            sign_up.fulfil(user)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(fulfil, range(6)))
    assert Member.objects.filter(user=user).count() == 1


def test_a_name_cannot_be_somebody_elses_mail_address(open_to_all: None) -> None:
    victim = person()
    assert "cannot contain @" in text(Visitor().post(SIGN_UP, form(victim.email)))
    assert not users(victim.email).exists()


def test_a_name_that_is_taken_is_refused(open_to_all: None) -> None:
    name = person().username
    assert "already exists" in text(Visitor().post(SIGN_UP, form(name.upper())))


def test_an_address_is_confirmed_before_one_gets_in(open_to_all: None, by_mail: None) -> None:
    visitor, name = Visitor(), unique("new")
    answer = visitor.post(SIGN_UP, form(name, email=f"{name}@example.com"))
    assert answer["Location"] == "/console/account/confirm-email/"
    assert not visitor.is_in
    assert not Member.objects.filter(user__username=name).exists()
    elsewhere = Visitor()
    assert "confirm-email" in elsewhere.sign_in(name)["Location"]
    assert not elsewhere.is_in

    (link,) = re.findall(
        r"https://relay\.example(/console/account/confirm-email/\S+/)", mail.outbox[0].body
    )
    assert visitor.post(link).status_code == 302
    assert visitor.is_in
    assert Member.objects.get(user__username=name).role == Role.OWNER


def test_people_without_a_confirmed_address_who_did_not_sign_up_get_in(by_mail: None) -> None:
    for user in (person(), person(email="")):
        visitor = signed_in(user)
        assert visitor.is_in
        visitor.get("/console/account/email/")
        assert signed_in(user).is_in


def test_signing_up_with_a_known_address_looks_the_same(open_to_all: None, by_mail: None) -> None:
    known = person()
    answers = [
        Visitor().post(SIGN_UP, form(unique("new"), email=address))
        for address in (known.email, f"{unique('x')}@example.com")
    ]
    assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1
    assert [bool(users(known.username)), len(mail.outbox)] == [True, 2]


def test_only_some_domains_may_sign_up(open_to_all: None, by_mail: None, settings: Any) -> None:
    settings.SIGN_UP_DOMAINS = ["good.example"]
    name = unique("new")
    answer = Visitor().post(SIGN_UP, form(name, email=f"{name}@evil.example"))
    assert "other mail addresses only" in text(answer)
    answer = Visitor().post(SIGN_UP, form(name, email=f"{name}@good.example"))
    assert answer.status_code == 302


def test_a_password_is_reset_by_mail_and_no_host_header_leads_astray(by_mail: None) -> None:
    user = person()
    page = "/console/account/password/reset/"
    answers = [
        Visitor().post(page, {"email": address}, HTTP_HOST="evil.example")
        for address in (user.email, "nobody@example.com")
    ]
    assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1
    assert all("evil.example" not in sent.body + sent.subject for sent in mail.outbox)
    (sent,) = [sent for sent in mail.outbox if sent.to == [user.email]]
    (link,) = re.findall(
        r"https://relay\.example(/console/account/password/reset/key/\S+)", sent.body
    )
    visitor, new = Visitor(), "another good one 23"
    set_page = visitor.get(link)["Location"]
    assert visitor.post(set_page, {"password1": new, "password2": new}).status_code == 302
    assert Visitor().sign_in(user.username, new).status_code == 302
    assert "This link does not work" in text(Visitor().get(link))


def test_without_mail_the_page_says_whom_to_ask() -> None:
    for method in ("get", "post"):
        answer = getattr(Visitor(), method)("/console/account/password/reset/", {"email": "a@b.ch"})
        assert "An operator of the site can give you a link" in text(answer)


def test_an_invited_person_signs_up_and_accepts(settings: Any) -> None:
    settings.SIGN_UP = "invitation"
    tenant, link = invited()
    visitor, name = Visitor(), unique("new")
    page = visitor.get(link)["Location"]
    assert tenant.name in text(visitor.get(page))
    answer = visitor.post(SIGN_UP, form(name, next=page))
    assert answer["Location"] == page
    assert not Member.objects.filter(user__username=name).exists()
    assert visitor.post(f"{page}accept/").status_code == 302
    member = Member.objects.get(user__username=name)
    assert (member.tenant, member.role) == (tenant, Role.DEVELOPER)
    assert not SignUp.objects.filter(user=member.user).exists()


def test_who_is_signed_in_accepts_with_one_click_once() -> None:
    tenant, link = invited()
    visitor, other = signed_in(person()), signed_in(person())
    for somebody in (visitor, other):
        somebody.get(link)
    accept = "/console/account/invitation/accept/"
    assert visitor.post(accept).status_code == 302
    assert "accepted already" in text(other.post(accept))
    assert Member.objects.filter(tenant=tenant).count() == 1


def test_an_invitation_does_not_open_what_is_closed(settings: Any) -> None:
    settings.SIGN_UP = "closed"
    _, link = invited()
    visitor, name = Visitor(), unique("new")
    page = visitor.get(link, follow=True)
    assert "Make an account" not in text(page)
    visitor.post(SIGN_UP, form(name))
    assert not users(name).exists()


@pytest.mark.parametrize("token", ["x", "x" * 3000, "%00", "%E7%81%AF", "..%2F"])
def test_what_is_no_invitation_is_refused_politely(token: str) -> None:
    visitor = signed_in(person())
    answer = visitor.get(f"/console/account/invitation/{token}/", follow=True)
    assert answer.status_code in (200, 404)
    if answer.status_code == 200:
        assert "not valid" in text(answer)


def test_accepting_takes_a_click() -> None:
    _, link = invited()
    visitor = signed_in(person())
    visitor.get(link)
    assert visitor.get("/console/account/invitation/accept/").status_code == 405
    with pytest.raises(BillingError):
        invitations.accept("made-up", person())
