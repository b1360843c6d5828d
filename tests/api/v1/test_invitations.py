"""Inviting people: to a tenant and to the site's staff, accepted exactly once."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from billing import invitations
from billing.errors import InvitationRefused, TenantDisabled
from billing.models import Invitation, Member, Role, StaffMember, StaffRole, Tenant
from common.audit import Origin
from common.models import AuditEntry
from relay.api.v1 import members
from relay.api.v1.operation import perform
from tests.accounts import Account
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, unique
from tests.api.v1.people import new_user
from tests.api.v1.test_audit import person
from tests.races.together import together

PATH = "/console/account/invitation/"


def address() -> str:
    return f"{unique('p')}@x.example"


def invite(
    tenant: Tenant | None, role: str = Role.DEVELOPER, *, email: str = ""
) -> tuple[Invitation, str]:
    """(row, token)"""
    row, link = invitations.invite(
        tenant=tenant, email=email or address(), role=role, actor="test", by_site=False
    )
    return row, token_of(link)


def token_of(link: str) -> str:
    return link.rstrip("/").rsplit("/", 1)[1]


def test_who_is_invited_becomes_a_member_once(desk: Desk) -> None:
    made = desk.owner.post("invitations", email="Ann@X.example", role="developer")
    assert PATH in made["link"]
    assert made["is_mailed"] is False
    assert made["details"]["email"] == "Ann@X.example"
    token, user = token_of(made["link"]), new_user()
    assert invitations.find(token).role == "developer"
    member = invitations.accept(token, user, Origin(via="console", address="192.0.2.9"))
    assert isinstance(member, Member)
    assert (member.tenant, member.user, member.role) == (desk.tenant, user, "developer")
    with pytest.raises(InvitationRefused, match="accepted already"):
        invitations.accept(token, new_user())
    row = AuditEntry.objects.filter(tenant_id=desk.tenant.pk).latest("pk")
    assert (row.deed, row.actor, row.user_id, row.via) == (
        "accept invitation", user.email, user.pk, "console",
    )  # fmt: skip
    (line,) = desk.owner.get("invitations", is_open="false")["data"]
    assert line["accepted_at"] is not None
    assert token not in repr(desk.owner.get("invitations"))
    gone = desk.owner.ask("DELETE", f"invitations/{line['id']}")
    assert_refused(gone, 409, "conflict", says="accepted")


def test_who_is_invited_to_the_staff_is_one_of_it(desk: Desk) -> None:
    made = desk.operator.post("staff/invitations", email=address(), role="support")
    user = new_user()
    member = invitations.accept(token_of(made["link"]), user)
    assert isinstance(member, StaffMember)
    assert (member.user, member.role, member.is_active) == (user, "support", True)
    StaffMember.objects.filter(pk=member.pk).update(is_active=False)
    made = desk.operator.post("staff/invitations", email=address(), role="finance")
    again = invitations.accept(token_of(made["link"]), user)
    assert (again.pk, again.role) == (member.pk, "finance")


def test_an_invitation_that_is_accepted_at_once_counts_once(desk: Desk) -> None:
    _, token = invite(desk.tenant)
    users = [new_user() for _ in range(6)]

    def accept(user: Any) -> str:
        try:
            invitations.accept(token, user)
        except InvitationRefused as error:
            return str(error)
        finally:
            connection.close()
        return ""

    said = together([lambda user=user: accept(user) for user in users])
    assert sorted(said) == ["", *[invitations.USED] * 5]
    assert Member.objects.filter(tenant=desk.tenant).count() == 1


def test_one_person_with_two_invitations_at_once_is_a_member_once(desk: Desk) -> None:
    user = new_user()
    tokens = [invite(desk.tenant)[1] for _ in range(2)]

    def accept(token: str) -> str:
        try:
            invitations.accept(token, user)
        except InvitationRefused as error:
            return str(error)
        finally:
            connection.close()
        return ""

    assert sorted(together([lambda token=token: accept(token) for token in tokens])) == [
        "", invitations.TWICE,
    ]  # fmt: skip
    assert invitations.still_open(desk.tenant).count() == 1


@pytest.mark.parametrize("token", ["", "x", "é", "a\x00b", "x" * 5000, "../..", "\ud800"])
def test_no_token_that_is_none_is_a_crash(bystander: Account, token: str) -> None:
    with pytest.raises(InvitationRefused, match="not valid"):
        invitations.accept(token, new_user())


def test_what_expired_was_withdrawn_or_replaced_is_worth_nothing(bystander: Account) -> None:
    tenant = bystander.tenant
    row, token = invite(tenant)
    assert timezone.now() + timedelta(days=6.9) < row.expires_at
    Invitation.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    with pytest.raises(InvitationRefused, match="expired"):
        invitations.accept(token, new_user())
    _, newer = invite(tenant, email=row.email.upper())
    with pytest.raises(InvitationRefused, match="not valid"):
        invitations.accept(token, new_user())
    invitations.withdraw(invitations.find(newer))
    with pytest.raises(InvitationRefused, match="not valid"):
        invitations.find(newer)
    _, last = invite(tenant)
    Tenant.objects.filter(pk=tenant.pk).update(is_active=False)
    with pytest.raises(TenantDisabled):
        invitations.accept(last, new_user())


def test_a_member_has_nothing_to_accept_and_the_invitation_stays(bystander: Account) -> None:
    user = new_user()
    Member.objects.create(tenant=bystander.tenant, user=user, role=Role.VIEWER)
    _, token = invite(bystander.tenant, Role.OWNER)
    with pytest.raises(InvitationRefused, match="already"):
        invitations.accept(token, user)
    assert invitations.find(token).accepted_at is None
    assert Member.objects.get(user=user).role == Role.VIEWER
    with pytest.raises(InvitationRefused, match="already"):
        invite(bystander.tenant, email=user.email.upper())


def test_admins_invite_below_owner(desk: Desk) -> None:
    admin = desk.roles["admin"]
    admin.post("invitations", email=address(), role="admin")
    refused = admin.ask("POST", "invitations", json={"email": address(), "role": "owner"})
    assert_refused(refused, 403, "role_not_allowed")
    made = desk.owner.post("invitations", email=address(), role="owner")
    path = f"invitations/{made['details']['id']}"
    assert_refused(admin.ask("DELETE", path), 403, "role_not_allowed")
    desk.owner.delete(path)
    assert_refused(desk.owner.ask("DELETE", path), 404, "not_found")


def test_a_tenant_is_not_told_who_of_the_site_invited(desk: Desk) -> None:
    made = desk.operator.post(desk.base + "invitations", email=address(), role="viewer")
    assert made["details"]["invited_by"].startswith("operator")
    (line,) = desk.owner.get("invitations")["data"]
    assert line["invited_by"] == "the site"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"email": "x", "role": "viewer"}, "email:"),
        ({"email": "x@x.example\nBcc: y@y.example", "role": "viewer"}, "email:"),
        ({"email": "a" * 300 + "@x.example", "role": "viewer"}, "email:"),
        ({"email": "x@x.example", "role": "operator"}, "role:"),
        ({"email": "x@x.example", "role": "viewer", "tenant": 1}, "tenant:"),
        ({"role": "viewer"}, "email:"),
    ],
)
def test_a_wrong_invitation_is_not_made(shared_desk: Desk, body: dict[str, Any], says: str) -> None:
    answer = shared_desk.owner.ask("POST", "invitations", json=body)
    assert_refused(answer, 400, "invalid_request", says=says)


def test_invitations_are_not_sent_without_end(desk: Desk) -> None:
    body = {"email": address(), "role": "viewer"}
    statuses = [
        desk.owner.ask("POST", "invitations", json=body).status_code
        for _ in range(invitations.PER_MINUTE + 1)
    ]
    assert statuses[-2:] == [201, 429]
    assert len(desk.owner.get("invitations", is_open="true")["data"]) == 1


def test_with_mail_the_link_goes_out_after_the_commit(desk: Desk, settings: Any) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    name = f"{unique('odd')} %(x)s <b>"
    Tenant.objects.filter(pk=desk.tenant.pk).update(name=name)
    desk.tenant.refresh_from_db()
    row, token = invite(desk.tenant)
    (sent,) = mail.outbox
    assert sent.to == [row.email]
    assert f"{PATH}{token}/" in sent.body
    assert name in sent.subject
    assert name in sent.body


def test_a_mail_that_cannot_be_sent_does_not_undo_the_invitation(desk: Desk, settings: Any) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:1"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    _, token = invite(desk.tenant)
    assert invitations.find(token).tenant == desk.tenant


def test_a_member_leaves_and_the_last_owner_does_not(desk: Desk) -> None:
    ann, bob = new_user(), new_user()
    for user, role in ((ann, Role.OWNER), (bob, Role.VIEWER)):
        desk.operator.post(desk.base + "members", person=user.username, role=role)
    assert_refused(desk.owner.ask("POST", "members/leave"), 409, "conflict", says="only who is")

    def leave(user: Any, role: str, **fields: Any) -> None:
        who = person(desk.tenant.pk, role, **fields)._replace(user_id=user.pk)
        perform(members.Leaving, "post", who=who)

    with pytest.raises(Exception, match="last owner"):
        leave(ann, Role.OWNER)
    with pytest.raises(Exception, match="only who is"):
        leave(bob, Role.VIEWER, acting_as="x")
    leave(bob, Role.VIEWER)
    assert [row["username"] for row in desk.owner.get("members")["data"]] == [ann.username]
    assert get_user_model()._default_manager.filter(pk=bob.pk).exists()


def test_one_role_fits_one_side(bystander: Account) -> None:
    for tenant, role in ((None, Role.OWNER), (bystander.tenant, StaffRole.OPERATOR)):
        with pytest.raises(IntegrityError, match="role_of_its_side"), transaction.atomic():
            invite(tenant, role)
