"""The pages about who may come in: people, invitations, management keys; of a tenant, the site."""

import re
from html import unescape
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth import get_user_model
from django.test import Client

from billing import invitations, management_keys
from billing.models import Invitation, ManagementKey, Member, Role, StaffMember, StaffRole
from common.models import AuditEntry
from tests.accounts import Account, open_tenant
from tests.api.v1.people import new_user
from tests.console.money_desk import HOSTILE, of_staff, of_tenant, place, text
from tests.console.test_tasks import confirm


@pytest.fixture
def owner(bystander: Account) -> Client:
    return of_tenant(bystander)


def member(account: Account, role: str = Role.VIEWER) -> Member:
    return Member.objects.create(user=new_user(), tenant=account.tenant, role=role)


def secret(page: Any) -> str:
    found = re.search(r"data-once>\s*<textarea[^>]*>([^<]+)<", page.content.decode())
    assert found, text(page)
    return unescape(found[1])


def test_the_owner_changes_roles_and_removes_people(bystander: Account, owner: Client) -> None:
    other = member(bystander)
    page = place(bystander, "members/")
    assert other.user.username in text(owner.get(page))
    change = f"{page}{other.pk}/role/"
    assert other.user.username in text(owner.get(change))
    assert owner.post(change, {"role": "finance", "initial-role": "viewer"}).status_code == 302
    assert Member.objects.get(pk=other.pk).role == Role.FINANCE
    assert "Select a valid choice" in text(owner.post(change, {"role": "emperor"}))
    remove = f"{page}{other.pk}/remove/"
    assert "Remove" in text(owner.get(remove))
    assert owner.post(remove).status_code == 302
    assert not Member.objects.filter(pk=other.pk).exists()
    lines = AuditEntry.objects.filter(object_kind="member", tenant_id=bystander.tenant.pk)
    deeds = list(lines.order_by("id").values_list("deed", flat=True))
    assert deeds[-2:] == ["patch member", "delete member"]


def test_the_last_owner_stays_and_the_page_says_so(bystander: Account, owner: Client) -> None:
    mine = Member.objects.get(tenant=bystander.tenant, role=Role.OWNER)
    page = place(bystander, f"members/{mine.pk}/")
    told = {"role": "viewer", "initial-role": "owner"}
    assert "this is the last owner" in text(owner.post(f"{page}role/", told))
    assert "this is the last owner" in text(owner.post(f"{page}remove/"))
    assert "this is the last owner" in text(owner.post(place(bystander, "members/leave/")))


def test_roles_want_a_fresh_sign_in(bystander: Account, owner: Client) -> None:
    other = member(bystander)
    confirm(owner, 1.0)
    for path in (f"{other.pk}/role/", f"{other.pk}/remove/", "invitations/new/"):
        answer = owner.post(place(bystander, f"members/{path}"), {"role": "owner"})
        assert "/console/account/" in answer["Location"], path
    assert Member.objects.get(pk=other.pk).role == Role.VIEWER


def test_somebody_leaves(bystander: Account) -> None:
    viewer = of_tenant(bystander, Role.VIEWER)
    page = place(bystander, "members/")
    assert "Leave" in text(viewer.get(page))
    assert viewer.post(f"{page}leave/")["Location"] == "/console/"
    assert viewer.get(page).status_code == 404
    assert "Leave" not in text(of_staff().get(page))


def test_somebody_is_invited_and_the_link_is_shown_once(bystander: Account, owner: Client) -> None:
    page = place(bystander, "members/invitations/")
    made = owner.post(f"{page}new/", {"email": "new@example.com", "role": "developer"})
    token = secret(made).rstrip("/").rsplit("/", 1)[1]
    assert "give the link to new@example.com yourself" in text(made)
    assert invitations.find(token).role == Role.DEVELOPER
    listed = owner.get(page)
    assert "new@example.com" in text(listed)
    assert token not in listed.content.decode()
    row = Invitation.objects.get(tenant=bystander.tenant)
    assert owner.post(f"{page}{row.pk}/withdraw/").status_code == 302
    assert not Invitation.objects.filter(pk=row.pk).exists()
    assert "Enter a valid email" in text(owner.post(f"{page}new/", {"email": "x", "role": "owner"}))


def test_an_admin_invites_no_owner(bystander: Account) -> None:
    admin = of_tenant(bystander, Role.ADMIN)
    page = place(bystander, "members/invitations/new/")
    fields = {"email": "x@example.com", "role": "owner"}
    assert admin.post(page, fields).status_code == 403
    assert admin.post(page, fields | {"role": "viewer"}).status_code == 200
    assert [row.role for row in Invitation.objects.filter(tenant=bystander.tenant)] == ["viewer"]


@pytest.mark.parametrize("base", ["members", "staff"])
def test_management_keys_are_made_replaced_and_disabled(bystander: Account, base: str) -> None:
    is_site = base == "staff"
    client = of_staff() if is_site else of_tenant(bystander)
    page = "/console/staff/" if is_site else place(bystander, "members/")
    page += "management-keys/"
    role = "support" if is_site else "viewer"
    form = client.get(f"{page}new/").content.decode()
    assert ('value="operator"' in form, 'value="owner"' in form) == (is_site, not is_site)
    first = secret(client.post(f"{page}new/", {"name": HOSTILE[:25], "role": role}))
    row = ManagementKey.objects.latest("id")
    tenant_id = None if is_site else bystander.tenant.pk
    assert management_keys.authenticate(first)[3:5] == (role, tenant_id)
    assert first not in client.get(page).content.decode()
    second = secret(client.post(f"{page}{row.pk}/rotate/"))
    assert management_keys.authenticate(second).key_id == row.pk
    assert client.post(f"{page}{row.pk}/disable/").status_code == 302
    assert not ManagementKey.objects.get(pk=row.pk).is_active
    assert "Disabled" in text(client.get(page, {"is_active": "false"}))
    assert client.post(f"{page}{row.pk}/enable/").status_code == 302
    assert ManagementKey.objects.get(pk=row.pk).is_active


def test_who_may_not_sees_neither_tabs_nor_pages(bystander: Account) -> None:
    viewer = of_tenant(bystander, Role.VIEWER)
    page = place(bystander, "members/")
    source = viewer.get(page).content.decode()
    for path in ("invitations/", "management-keys/"):
        assert f"{page}{path}" not in source
        assert viewer.get(page + path).status_code == 403
    for path in ("invitations/new/", "management-keys/new/", "add/"):
        fields = {"name": "x", "email": "a@b.example", "role": "viewer", "person": "x"}
        assert viewer.post(page + path, fields).status_code == 403, path
    for path in ("staff/", "staff/invitations/", "staff/management-keys/", "audit/", "settings/"):
        assert viewer.get(f"/console/{path}").status_code == 404, path


def test_another_tenants_things_are_not_there(bystander: Account, owner: Client) -> None:
    other, _, _ = open_tenant()
    stranger = Member.objects.create(user=new_user(), tenant=other, role=Role.OWNER)
    key, _ = management_keys.make(tenant=other, name="x", role="viewer")
    invitations.invite(tenant=other, email="a@b.example", role="viewer", actor="x", by_site=False)
    invitation = Invitation.objects.get(tenant=other)
    for path in (
        f"{stranger.pk}/role/",
        f"{stranger.pk}/remove/",
        f"management-keys/{key.pk}/rotate/",
        f"management-keys/{key.pk}/disable/",
        f"invitations/{invitation.pk}/withdraw/",
    ):
        answer = owner.post(place(bystander, f"members/{path}"), {"role": "viewer"})
        assert answer.status_code == 404, path
        assert owner.post(f"/console/tenants/{other.pk}/members/{path}").status_code == 404, path


def test_the_site_adds_an_account_to_a_tenant(bystander: Account) -> None:
    user = new_user()
    operator = of_staff()
    page = place(bystander, "members/add/")
    assert operator.post(page, {"person": user.email, "role": "admin"}).status_code == 302
    assert Member.objects.get(user=user).role == Role.ADMIN
    twice = text(operator.post(page, {"person": user.email, "role": "admin"}))
    assert "this person is a member already" in twice
    assert "there is no account" in text(operator.post(page, {"person": "zz", "role": "admin"}))
    assert "sign-in-as" in operator.get(place(bystander, "members/")).content.decode()


def test_the_staff_is_added_changed_locked_out_and_removed(bystander: Account) -> None:
    operator, user = of_staff(), new_user()
    added = operator.post("/console/staff/add/", {"person": user.username, "role": "support"})
    assert added.status_code == 302
    row = StaffMember.objects.get(user=user)
    page = f"/console/staff/{row.pk}/"
    before = {"initial-role": "support", "initial-is_active": "True", "role": "finance"}
    assert operator.post(f"{page}change/", before | {"is_active": "on"}).status_code == 302
    row.refresh_from_db()
    assert (row.role, row.is_active) == (StaffRole.FINANCE, True)
    assert operator.post(f"{page}change/", before).status_code == 302
    row.refresh_from_db()
    assert not row.is_active
    assert "Disabled" in text(operator.get("/console/staff/"))
    assert operator.post(f"{page}remove/").status_code == 302
    assert not StaffMember.objects.filter(pk=row.pk).exists()


def test_support_does_not_come_near_the_staff() -> None:
    support = of_staff(StaffRole.SUPPORT)
    for path in ("", "invitations/", "management-keys/"):
        assert support.get(f"/console/staff/{path}").status_code == 403, path
    fields = {"person": new_user().username, "role": "operator", "email": "a@b.example"}
    for path in ("add/", "password-link/", "invitations/new/"):
        assert support.post(f"/console/staff/{path}", fields).status_code == 403, path


def test_somebody_who_lost_his_password_gets_a_link_by_hand(bystander: Account) -> None:
    operator = of_staff()
    lost = member(bystander).user
    members = operator.get(place(bystander, "members/")).content.decode()
    assert f"password-link/?person={lost.username}" in members
    page = f"/console/staff/password-link/?person={lost.username}"
    assert f'value="{lost.username}"' in operator.get(page).content.decode()
    fields = {"person": lost.username, "reason": "lost phone"}
    link = secret(operator.post(page, fields))
    assert "/console/account/password/reset/key/" in link
    line = AuditEntry.objects.latest("id")
    assert (line.deed, line.why) == ("make password link", "lost phone")
    assert "there is no account" in text(operator.post(page, {"person": "nobody here"}))
    confirm(operator, 1.0)
    assert "/console/account/" in operator.post(page, fields)["Location"]


def test_lost_second_factors_are_removed_by_hand(bystander: Account) -> None:
    operator, viewer = of_staff(), of_tenant(bystander, Role.VIEWER)
    lost, other = member(bystander).user, member(bystander).user
    TOTP.activate(lost, generate_totp_secret())
    StaffMember.objects.create(user=lost, role=StaffRole.SUPPORT)
    members = place(bystander, "members/")
    button = f"second-factors/?person={lost.username}"
    for page in (members, "/console/staff/"):
        source = operator.get(page).content.decode()
        assert button in source
        assert f"second-factors/?person={other.username}" not in source
    assert "second-factors" not in viewer.get(members).content.decode()
    assert viewer.get("/console/staff/second-factors/").status_code == 404

    page = f"/console/staff/{button}&tenant={bystander.tenant.pk}"
    asked = operator.get(page)
    assert f'value="{lost.username}"' in asked.content.decode()
    assert "One-time codes of an app" in text(asked)
    fields = {"person": lost.username, "reason": ""}
    assert "This field is required" in text(operator.post(page, fields))
    fields["reason"] = "lost the phone"
    assert operator.post(page, fields)["Location"] == members
    assert lost.username in text(operator.get(members))
    assert button not in operator.get(members).content.decode()
    line = AuditEntry.objects.latest("id")
    assert (line.deed, line.why) == ("remove second factors", "lost the phone")
    told = text(operator.get("/console/audit/"))
    assert "Second factors removed" in told
    assert "no second factor" in text(operator.post(page, fields))
    assert "no second factor" in text(operator.get(page))
    assert "there is no account" in text(operator.post(page, fields | {"person": "nobody"}))
    confirm(operator, 1.0)
    assert "/console/account/" in operator.post(page, fields)["Location"]


def test_nobody_is_offered_to_remove_his_own_second_factors(bystander: Account) -> None:
    operator = of_staff()
    me = get_user_model()._default_manager.get(pk=operator.session["_auth_user_id"])
    TOTP.activate(me, generate_totp_secret())
    page = f"/console/staff/second-factors/?person={me.username}"
    assert page not in operator.get("/console/staff/").content.decode()
    answer = operator.post(page, {"person": me.username, "reason": "quicker"})
    assert "on the pages of your account" in text(answer)


@pytest.mark.parametrize("tenant", ["x", "-1", "9" * 5000, "\u0663", "1e3", "//evil.example"])
def test_the_way_back_is_always_one_of_this_site(tenant: str) -> None:
    page = of_staff().get("/console/staff/second-factors/", {"tenant": tenant})
    assert 'href="/console/staff/"' in page.content.decode()
