"""The first operator comes of a one-time code, and of nothing else."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection

from billing import staff as staff_rules
from billing.errors import LastOfRole
from billing.models import StaffMember, StaffRole
from common.models import AuditEntry
from console import who
from relay.models import OperatorCode
from relay.operators import first_run
from tests.console.accounts.visitor import LOGIN, PASSWORD, Visitor, person, staff, text, unique

PAGE = "/console/account/first-run/"


@pytest.fixture(autouse=True)
def _nobody(database: str) -> None:
    """A site that nobody runs yet."""
    StaffMember.objects.update(is_active=False)
    get_user_model()._default_manager.filter(is_superuser=True).update(is_active=False)
    OperatorCode.objects.all().delete()


def form(code: str, name: str = "", **changes: str) -> dict[str, str]:
    name = name or unique("first")
    return {"code": code, "username": name, "password": PASSWORD, "again": PASSWORD, **changes}


def test_who_has_the_code_becomes_the_operator_and_is_in() -> None:
    visitor, name = Visitor(), unique("first")
    assert visitor.get(LOGIN)["Location"] == PAGE
    assert visitor.get(PAGE).status_code == 200
    answer = visitor.post(PAGE, form(first_run.code(), name))
    assert (answer.status_code, answer["Location"]) == (302, "/console/")
    assert visitor.is_in
    row = StaffMember.objects.get(user__username=name)
    assert (row.role, row.is_active) == (StaffRole.OPERATOR, True)
    line = AuditEntry.objects.latest("id")
    assert (line.actor, line.deed, line.via) == (name, "make first operator", "console")
    assert not OperatorCode.objects.exists()


def test_the_code_may_be_written_carelessly() -> None:
    code = first_run.code().lower().replace("-", " ")
    assert Visitor().post(PAGE, form(f" {code} ")).status_code == 302


def test_the_page_is_gone_when_there_is_an_operator() -> None:
    code = first_run.code()
    staff()
    visitor = Visitor()
    assert visitor.get(PAGE)["Location"] == LOGIN
    assert visitor.post(PAGE, form(code))["Location"] == LOGIN
    assert visitor.get(LOGIN).status_code == 200
    with pytest.raises(CommandError, match="There is an operator already"):
        call_command("operator_code")


def test_a_code_is_good_once() -> None:
    code = first_run.code()
    assert Visitor().post(PAGE, form(code)).status_code == 302
    StaffMember.objects.update(is_active=False)
    assert "This code is not good" in text(Visitor().post(PAGE, form(code)))


def test_a_newer_code_takes_the_place_of_the_one_before() -> None:
    old, new = first_run.code(), first_run.code()
    assert old != new == first_run.code(new)
    assert "This code is not good" in text(Visitor().post(PAGE, form(old)))
    assert Visitor().post(PAGE, form(new)).status_code == 302


def test_only_a_digest_is_stored() -> None:
    code = first_run.code()
    row = OperatorCode.objects.get()
    assert code.encode() not in bytes(row.digest)
    assert len(row.digest) == 32


def test_without_the_code_nothing_is_told_of_names() -> None:
    known = person().username
    first_run.code()
    answers = [text(Visitor().post(PAGE, form("wrong", name))) for name in (known, unique("new"))]
    assert all("This code is not good" in answer for answer in answers)
    assert not any("There is an account" in answer for answer in answers)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"again": "another"}, "The two are not the same"),
        ({"password": "12345678", "again": "12345678"}, "too common"),
        ({"username": "a b"}, "Enter a valid username"),
        ({"username": "x" * 151}, "at most 150"),
        ({"email": "nonsense"}, "valid email"),
        ({"username": "a\x00b"}, "Null characters"),
    ],
)
def test_a_wrong_field_costs_no_code(changes: dict[str, str], said: str) -> None:
    code = first_run.code()
    assert said in text(Visitor().post(PAGE, form(code, **changes)))
    assert OperatorCode.objects.get().tries == 0
    assert Visitor().post(PAGE, form(code)).status_code == 302


def test_a_name_that_is_taken_costs_no_code() -> None:
    code = first_run.code()
    assert "There is an account" in text(Visitor().post(PAGE, form(code, person().username)))
    assert Visitor().post(PAGE, form(code)).status_code == 302


def test_after_too_many_wrong_ones_the_right_one_is_refused_too() -> None:
    code = first_run.code()
    for _ in range(first_run.TRIES):
        with pytest.raises(first_run.CodeRefused):
            first_run.check("wrong")
    assert "This code is not good" in text(Visitor().post(PAGE, form(code)))
    assert first_run.code(code) != code


def test_one_address_tries_ten_times_a_minute() -> None:
    first_run.code()
    visitor = Visitor()
    for _ in range(10):
        assert visitor.post(PAGE, form("wrong")).status_code == 200
    assert visitor.post(PAGE, form("wrong")).status_code == 429


def test_of_many_at_once_one_becomes_the_operator() -> None:
    code = first_run.code()

    def attempt(_: int) -> Any:
        try:
            return Visitor().post(PAGE, form(code)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(attempt, range(6)))
    assert statuses.count(302) >= 1
    made = StaffMember.objects.filter(is_active=True, role=StaffRole.OPERATOR)
    assert made.count() == 1


def test_a_form_of_another_site_is_refused() -> None:
    code = first_run.code()
    assert Visitor(enforce_csrf_checks=True).post(PAGE, form(code)).status_code == 403


def test_people_who_have_an_account_still_get_in() -> None:
    visitor = Visitor()
    assert visitor.get(f"{LOGIN}?people=1").status_code == 200
    assert visitor.sign_in(person().username).status_code == 302


def test_createsuperuser_makes_an_operator_and_nothing_else_makes_a_superuser_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    users = get_user_model()._default_manager
    assert who.staff_role(users.create_superuser(unique("root"), password=PASSWORD)) is None
    assert first_run.is_open()
    name = unique("root")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, username=name, email="r@r.example")
    row = StaffMember.objects.get(user__username=name)
    assert (row.role, who.staff_role(row.user)) == (StaffRole.OPERATOR, StaffRole.OPERATOR)
    assert not first_run.is_open()
    line = AuditEntry.objects.latest("id")
    assert (line.deed, line.object_id) == ("make operator", str(row.pk))
    with pytest.raises(LastOfRole):
        staff_rules.remove(row)
