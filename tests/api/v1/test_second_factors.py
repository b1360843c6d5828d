"""Second factors that people have lost: an operator sees which there are, and removes them."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from billing import management_keys
from billing.models import Member, StaffMember, StaffRole
from common.models import AuditEntry
from relay.api.v1 import roles, second_factors
from relay.api.v1.operation import perform
from relay.errors import InvalidRequest, RoleNotAllowed
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk
from tests.console.accounts.visitor import Visitor, person, signed_in
from tests.races.together import together

LOST = {"reason": "lost the phone, known by voice"}


def protect(user: Any) -> Any:
    """With one-time codes, recovery codes, and a passkey."""
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    Authenticator.objects.create(
        user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "a key ring", "credential": {}}
    )
    return user


def has_any(user: Any) -> bool:
    return Authenticator.objects.filter(user=user).exists()


def operator(user: Any) -> management_keys.Manager:
    return management_keys.person(
        user_id=user.pk, name=user.email, role=StaffRole.OPERATOR, tenant_id=None
    )


def remove(who: management_keys.Manager, user: Any) -> Any:
    body = {"person": user.username, **LOST}
    return perform(second_factors.SecondFactorRemovals, "post", who=who, body=body)


def test_all_of_them_are_removed_and_the_password_lets_in_again(desk: Desk) -> None:
    user = person()
    tabs = [signed_in(user), signed_in(user)]
    other = signed_in(person())
    protect(user)
    seen = desk.operator.get("second-factors", person=user.email)
    assert [(line["kind"], line["name"]) for line in seen["factors"]] == [
        ("totp", ""), ("recovery_codes", ""), ("webauthn", "a key ring"),
    ]  # fmt: skip
    assert Visitor().sign_in(user.username)["Location"].endswith("/2fa/authenticate/")

    done = desk.operator.post("second-factor-removals", person=user.username, **LOST)
    assert done == seen | {"sessions": 2}
    assert not has_any(user)
    for visitor in tabs:
        assert visitor.get("/console/account/").status_code == 302
    assert other.get("/console/account/").status_code == 200
    visitor = Visitor()
    assert visitor.sign_in(user.username)["Location"] == "/console/"
    assert visitor.is_in
    after = desk.operator.get("second-factors", person=user.username)
    assert after == {"details": seen["details"], "factors": []}


def test_the_audit_tells_whose_they_were_and_why_and_no_secret(desk: Desk) -> None:
    user = protect(person())
    secrets = [str(row.data) for row in Authenticator.objects.filter(user=user)]
    desk.operator.post("second-factor-removals", person=user.username, **LOST)
    line = AuditEntry.objects.filter(object_kind="account", object_id=str(user.pk)).get()
    assert (line.deed, line.why, line.before) == ("remove second factors", LOST["reason"], None)
    assert line.after is not None
    assert line.after["details"]["username"] == user.username
    kinds = [factor["kind"] for factor in line.after["factors"]]
    assert kinds == ["totp", "recovery_codes", "webauthn"]
    assert not any(secret in repr(line.after) for secret in secrets)


def test_lists_of_people_tell_the_site_who_has_any_and_the_tenant_not(desk: Desk) -> None:
    safe, unsafe = protect(person()), person()
    for user in (safe, unsafe):
        Member.objects.create(tenant=desk.tenant, user=user, role="viewer")
        StaffMember.objects.create(user=user, role=StaffRole.SUPPORT)
    expected = {safe.username: True, unsafe.username: False}
    for path in (f"{desk.base}members", "staff"):
        told = {row["username"]: row for row in desk.operator.get(path)["data"]}
        assert {name: told[name]["has_second_factor"] for name in expected} == expected
        for name, row in ((name, told[name]) for name in expected):
            assert desk.operator.get(f"{path}/{row['id']}")["has_second_factor"] is expected[name]
    own = desk.owner.get("members")["data"]
    assert not any("has_second_factor" in row for row in own)
    assert "has_second_factor" not in desk.owner.get(f"members/{own[0]['id']}")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"person": "nobody at all", **LOST}, "person"),
        ({"person": "a\x00b", **LOST}, "person"),
        ({"person": "somebody"}, "reason"),
        ({"person": "somebody", "reason": " "}, "reason"),
        (LOST, "person"),
    ],
)
def test_it_is_said_of_whom_and_why(shared_desk: Desk, body: dict[str, str], says: str) -> None:
    refused = shared_desk.operator.ask("POST", "second-factor-removals", json=body)
    assert_refused(refused, 400, "invalid_request", says=says)


def test_where_there_is_nothing_to_remove_nobody_is_signed_out(shared_desk: Desk) -> None:
    user, disabled = person(), protect(person(is_active=False))
    visitor = signed_in(user)
    body = {"person": user.username, **LOST}
    refused = shared_desk.operator.ask("POST", "second-factor-removals", json=body)
    assert_refused(refused, 409, "conflict", says="no second factor")
    assert visitor.get("/console/account/").status_code == 200
    body["person"] = disabled.username
    refused = shared_desk.operator.ask("POST", "second-factor-removals", json=body)
    assert_refused(refused, 400, "invalid_request", says="disabled")
    assert has_any(disabled)


def test_nobody_removes_his_own_this_way(database: str) -> None:
    me, colleague = protect(person()), protect(person())
    for user in (me, colleague):
        StaffMember.objects.create(user=user, role=StaffRole.OPERATOR)
    with pytest.raises(InvalidRequest, match="your account"):
        remove(operator(me), me)
    assert has_any(me)
    assert remove(operator(me), colleague)["details"]["username"] == colleague.username
    assert not has_any(colleague)


RANKS = [
    # (who asks, about whom, whether he may not)
    ("operator", "operator", False),
    ("operator", "support", False),
    ("operator", "finance", False),
    ("support", "operator", True),
    ("finance", "operator", True),
    ("support", "finance", True),
    ("finance", "support", True),
    ("support", "support", False),
]


@pytest.mark.parametrize(("role", "other", "is_refused"), RANKS)
def test_who_may_do_less_does_not_touch_how_another_signs_in(
    role: str, other: str, is_refused: bool
) -> None:
    who = management_keys.person(user_id=1, name="ann", role=role, tenant_id=None)
    if is_refused:
        with pytest.raises(RoleNotAllowed):
            roles.demand_rank(who, other)
    else:
        roles.demand_rank(who, other)


def test_of_two_who_do_it_at_once_one_does_it(desk: Desk) -> None:
    user = protect(person())
    body = {"person": user.username, **LOST}
    calls = [
        lambda: desk.operator.ask("POST", "second-factor-removals", json=body).status_code
        for _ in range(4)
    ]
    assert sorted(together(calls)) == [201, 409, 409, 409]
    assert AuditEntry.objects.filter(object_id=str(user.pk), object_kind="account").count() == 1


def test_the_person_is_told_by_mail_where_the_site_sends_any(
    database: str, settings: Any, mailoutbox: list[Any]
) -> None:
    who = operator(person())
    remove(who, protect(person()))
    assert mailoutbox == []
    settings.EMAIL_URL = "smtp://mail.example"
    user, without = protect(person()), protect(person(email=""))
    remove(who, without)
    remove(who, user)
    (told,) = mailoutbox
    assert told.to == [user.email]
    assert "second factors" in told.subject
    assert user.username in told.body
    assert f"{settings.PUBLIC_URL}/console/account/2fa/" in told.body
    assert who.name not in told.body
