"""Links by which somebody without mail sets a new password, handed over by an operator."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from common.models import AuditEntry
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk
from tests.api.v1.people import new_user

NEW = "quite another password 7"


def open_link(link: str, password: str) -> int:
    """What the person does with it. The number of passwords that were asked for, 0 when the link
    is worth nothing."""
    visitor = Client(REMOTE_ADDR="2001:db8:77::1")
    page = visitor.get(urlsplit(link).path, follow=True)
    if 'name="password1"' not in page.content.decode():
        return 0
    place = page.redirect_chain[-1][0]
    answer = visitor.post(place, {"password1": password, "password2": password})
    assert answer.status_code == 302, answer.content.decode()
    return 1


def test_a_link_sets_a_password_once_and_the_audit_has_who_made_it(desk: Desk) -> None:
    user = new_user()
    user.set_password("the old one that is lost")
    user.save()
    made = desk.operator.post("password-links", person=user.username, reason="asked by phone")
    assert made["details"] == {"id": user.pk, "username": user.username, "email": user.email}
    line = AuditEntry.objects.filter(object_kind="account", object_id=str(user.pk)).get()
    assert (line.deed, line.why) == ("make password link", "asked by phone")
    assert made["link"].rsplit("/", 2)[1] not in repr(line.after)
    user.refresh_from_db()
    assert user.check_password("the old one that is lost")

    assert open_link(made["link"], NEW) == 1
    user.refresh_from_db()
    assert user.check_password(NEW)
    assert open_link(made["link"], "a third one for a thief") == 0
    user.refresh_from_db()
    assert user.check_password(NEW)


def test_an_older_link_ends_with_the_password_that_a_newer_one_sets(desk: Desk) -> None:
    user = new_user()
    first, second = (
        desk.operator.post("password-links", person=user.email)["link"] for _ in range(2)
    )
    assert open_link(second, NEW) == 1
    assert open_link(first, NEW) == 0


@pytest.mark.parametrize("person", ["nobody at all", "a\x00b", "", "x" * 300])
def test_for_nobody_there_is_none(shared_desk: Desk, person: str) -> None:
    refused = shared_desk.operator.ask("POST", "password-links", json={"person": person})
    assert_refused(refused, 400, "invalid_request", says="person")


def test_who_is_disabled_gets_none(shared_desk: Desk) -> None:
    user = new_user(is_active=False)
    refused = shared_desk.operator.ask("POST", "password-links", json={"person": user.username})
    assert_refused(refused, 400, "invalid_request", says="disabled")


def test_a_management_key_is_shown_by_itself(shared_desk: Desk) -> None:
    made = shared_desk.owner.post("management-keys", name="robot", role="viewer")["details"]
    path = f"management-keys/{made['id']}"
    for key, address in (
        (shared_desk.owner, path),
        (shared_desk.operator, shared_desk.base + path),
    ):
        assert key.get(address) == made
    assert_refused(shared_desk.operator.ask("GET", path), 404, "not_found")
