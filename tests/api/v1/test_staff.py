"""The site's own people: added, changed, removed; an operator always stays."""

from collections.abc import Iterator

import pytest

from billing.models import StaffMember, StaffRole
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk
from tests.api.v1.people import new_user
from tests.races.together import together

OPERATOR, SUPPORT = StaffRole.OPERATOR, StaffRole.SUPPORT


@pytest.fixture(autouse=True)
def nobody_else(database: str) -> Iterator[None]:
    """Other tests leave operators behind; here they are locked out."""
    others = list(StaffMember.objects.filter(is_active=True).values_list("pk", flat=True))
    StaffMember.objects.filter(pk__in=others).update(is_active=False)
    yield
    StaffMember.objects.exclude(pk__in=others).update(is_active=False)
    StaffMember.objects.filter(pk__in=others).update(is_active=True)


def test_the_sites_people_are_added_changed_and_removed(desk: Desk) -> None:
    operator = desk.operator
    ann, bob = new_user(), new_user()
    first = operator.post("staff", person=ann.email.upper(), role=OPERATOR)
    second = operator.post("staff", person=bob.username, role=SUPPORT)
    assert (first["username"], first["email"], first["is_active"]) == (
        ann.username, ann.email, True,
    )  # fmt: skip
    twice = operator.ask("POST", "staff", json={"person": bob.username, "role": OPERATOR})
    assert_refused(twice, 409, "conflict", says="staff already")
    nobody = operator.ask("POST", "staff", json={"person": "x@x.example", "role": OPERATOR})
    assert_refused(nobody, 400, "invalid_request", says="person:")
    path = f"staff/{second['id']}"
    assert operator.patch(path, role=OPERATOR)["role"] == OPERATOR
    assert operator.patch(path, is_active=False)["is_active"] is False
    assert [row["id"] for row in operator.get("staff", limit=2)["data"]] == [
        second["id"], first["id"],
    ]  # fmt: skip
    operator.delete(path)
    assert_refused(operator.ask("GET", path), 404, "not_found")


def test_the_last_operator_stays(desk: Desk) -> None:
    only = desk.operator.post("staff", person=new_user().username, role=OPERATOR)
    other = desk.operator.post("staff", person=new_user().username, role=SUPPORT)
    path = f"staff/{only['id']}"
    for method, body in (
        ("PATCH", {"role": SUPPORT}),
        ("PATCH", {"is_active": False}),
        ("DELETE", {}),
    ):
        refused = desk.operator.ask(method, path, json=body)
        assert_refused(refused, 409, "conflict", says="last operator")
    assert desk.operator.patch(path, role=OPERATOR, is_active=True)["role"] == OPERATOR
    desk.operator.patch(f"staff/{other['id']}", role=OPERATOR)
    assert desk.operator.patch(path, role=SUPPORT)["role"] == SUPPORT


def test_an_operator_who_cannot_sign_in_is_none(desk: Desk) -> None:
    only = desk.operator.post("staff", person=new_user().username, role=OPERATOR)
    for fields in ({"is_active": False}, {}):
        user = new_user(is_active=bool(fields))
        StaffMember.objects.create(user=user, role=OPERATOR, **fields)
    refused = desk.operator.ask("DELETE", f"staff/{only['id']}")
    assert_refused(refused, 409, "conflict", says="last operator")


@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
def test_operators_who_remove_each_other_at_once_leave_one(desk: Desk, method: str) -> None:
    members = [StaffMember.objects.create(user=new_user(), role=OPERATOR) for _ in range(4)]
    body = {"role": SUPPORT} if method == "PATCH" else {}
    calls = [
        lambda pk=member.pk: desk.operator.ask(method, f"staff/{pk}", json=body).status_code
        for member in members
    ]
    good = 200 if method == "PATCH" else 204
    assert sorted(together(calls)) == [good] * 3 + [409]
    assert StaffMember.objects.filter(role=OPERATOR, is_active=True).count() == 1
