"""Ways in, and what keeps people out."""

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import bcrypt
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from django.db import connection

from relay.newapi_import.passwords import ImportedPasswordHasher
from tests.console.accounts.visitor import (
    LOGIN,
    PASSWORD,
    Visitor,
    person,
    signed_in,
    text,
    unique,
)

WRONG = "That name and password do not fit together."


def test_people_sign_in_by_name_and_by_mail_however_they_are_written() -> None:
    user = person(username=unique("Alice"))
    for name in (user.username, user.username.upper(), f"  {user.username} ", user.email.upper()):
        visitor = Visitor()
        answer = visitor.sign_in(name)
        assert (answer.status_code, answer["Location"]) == (302, "/console/")
        assert visitor.is_in
        assert "signed in as" not in text(visitor.get("/console/account/"))


def test_people_who_were_imported_sign_in_with_the_password_they_know() -> None:
    user = person()
    hashed = bcrypt.hashpw(b"their own", bcrypt.gensalt(4)).decode()
    user.password = ImportedPasswordHasher.stored(hashed)
    user.save()
    assert not Visitor().sign_in(user.username, "another").has_header("Location")
    assert Visitor().sign_in(user.username, "their own").status_code == 302
    user.refresh_from_db()
    assert user.password.startswith("pbkdf2_sha256$")
    assert Visitor().sign_in(user.username, "their own").status_code == 302


@pytest.mark.parametrize("name", ["", "nobody-at-all", "nobody@example.com", "a" * 5000, "a\x00b"])
def test_what_is_no_account_gets_the_answer_of_a_wrong_password(name: str) -> None:
    user = person()
    wrong = Visitor().sign_in(user.username, "wrong")
    answer = Visitor().sign_in(name, "wrong")
    assert answer.status_code == wrong.status_code == 200
    if name.isprintable() and name:
        assert WRONG in text(answer)
        assert WRONG in text(wrong)


def test_a_disabled_account_cannot_be_told_from_none_without_its_password() -> None:
    user = person(is_active=False)
    assert WRONG in text(Visitor().sign_in(user.username, "wrong"))
    visitor = Visitor()
    visitor.sign_in(user.username)
    assert not visitor.is_in


@pytest.mark.alone
def test_there_is_no_difference_in_time_between_names_that_there_are_and_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name costs one hash of a password, whatever it is; so the hash must cost something."""
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 200_000)
    user = person()
    old = person()
    old.password = ImportedPasswordHasher.stored(bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode())
    old.save()
    names = (user.username, user.email, old.username, "nobody", "nobody@example.com")
    took = {name: median(_seconds(name) for _ in range(3)) for name in names}
    assert max(took.values()) < 2 * min(took.values()), took


def _seconds(name: str) -> float:
    cache.clear()
    began = time.process_time()
    Visitor().sign_in(name, "wrong")
    return time.process_time() - began


def test_one_name_is_tried_five_times_from_wherever() -> None:
    user = person()
    names = (user.username, user.email, user.username.upper(), f" {user.username}", user.email)
    for name in names:
        assert WRONG in text(Visitor().sign_in(name, "wrong"))
    visitor = Visitor()
    assert "Too many failed login attempts" in text(visitor.sign_in(user.username))
    assert not visitor.is_in


def test_a_name_that_there_is_not_is_locked_just_so() -> None:
    name = unique("nobody")
    for _ in range(5):
        assert WRONG in text(Visitor().sign_in(name, "wrong"))
    assert "Too many failed login attempts" in text(Visitor().sign_in(name, "wrong"))


def test_another_host_name_opens_no_lock(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    user = person()
    for number in range(5):
        Visitor().post(
            LOGIN, {"login": user.username, "password": "x"}, HTTP_HOST=f"h{number}.example"
        )
    assert "Too many failed" in text(Visitor().sign_in(user.username))


def test_one_address_tries_ten_names_a_minute_and_a_right_one_does_not_count() -> None:
    visitor = Visitor()
    for _ in range(3):
        good = Visitor(visitor.defaults["REMOTE_ADDR"])
        assert good.sign_in(person().username).status_code == 302
    for _ in range(10):
        assert WRONG in text(visitor.sign_in(unique("nobody"), "wrong"))
    assert "Too many failed" in text(visitor.sign_in(unique("nobody"), "wrong"))
    assert Visitor().sign_in(person().username).status_code == 302


def test_what_a_client_says_of_its_address_is_not_believed(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    visitor = Visitor()
    for number in range(10):
        forged = {"headers": {"X-Forwarded-For": f"192.0.2.{number}"}}
        visitor.post(LOGIN, {"login": unique("nobody"), "password": "x"}, **forged)
    assert "Too many failed" in text(visitor.sign_in(unique("nobody"), "wrong"))


def test_tries_at_the_same_moment_are_counted_one_by_one() -> None:
    user = person()

    def attempt(_: int) -> str:
        try:
            return text(Visitor().sign_in(user.username, "wrong"))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(12)))
    assert sum(WRONG in answer for answer in answers) <= 5


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\x00"],
)
def test_signing_in_leads_to_no_other_site(target: str) -> None:
    visitor = Visitor()
    answer = visitor.sign_in(person().username, next=target)
    assert answer["Location"] == "/console/"
    answer = visitor.get(LOGIN, {"next": target})
    assert answer["Location"] == "/console/"


def test_signing_in_leads_where_one_wanted_to_go() -> None:
    assert Visitor().get("/console/")["Location"] == f"{LOGIN}?next=/console/"
    answer = Visitor().sign_in(person().username, next="/console/tenants/1/keys/?a=b")
    assert answer["Location"] == "/console/tenants/1/keys/?a=b"


def test_the_old_address_leads_to_the_new_one() -> None:
    answer = Visitor().get("/console/sign-in/?next=/console/keys/")
    assert answer["Location"] == f"{LOGIN}?next=/console/keys/"


def test_a_form_of_another_site_is_refused() -> None:
    visitor = Visitor(enforce_csrf_checks=True)
    assert visitor.sign_in(person().username).status_code == 403
    assert not visitor.is_in


def test_the_session_of_before_is_worth_nothing_after_signing_in() -> None:
    visitor = Visitor()
    visitor.get("/console/account/invitation/planted/")
    planted = visitor.cookies["sessionid"].value
    visitor.sign_in(person().username)
    assert visitor.cookies["sessionid"].value != planted
    other = Visitor()
    other.cookies["sessionid"] = planted
    assert not other.is_in


def test_cookies_are_out_of_reach(settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    visitor = Visitor()
    visitor.sign_in(person().username)
    cookie = visitor.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", True)


@pytest.mark.parametrize(("mark", "limit"), [("_seen", "IDLE"), ("_began", "MAX")])
def test_a_session_ends_by_itself(settings: Any, mark: str, limit: str) -> None:
    visitor = signed_in(person())
    assert visitor.get("/console/account/").status_code == 200
    session = visitor.session
    session[mark] -= getattr(settings, f"SESSION_{limit}_SECONDS") + 1
    session.save()
    assert visitor.get("/console/account/").status_code == 302
    assert not visitor.is_in


def test_a_disabled_person_is_out_at_once() -> None:
    user = person()
    visitor = signed_in(user)
    assert visitor.get("/console/account/").status_code == 200
    get_user_model()._default_manager.filter(pk=user.pk).update(is_active=False)
    assert visitor.get("/console/account/").status_code == 302


def test_other_sessions_are_listed_and_ended() -> None:
    user = person()
    here, there = signed_in(user), signed_in(user)
    page = text(here.get("/console/account/sessions/"))
    assert "This one" in page
    assert here.post("/console/account/sessions/").status_code == 302
    assert there.get("/console/account/").status_code == 302
    assert here.get("/console/account/").status_code == 200


def test_a_new_password_ends_all_other_sessions() -> None:
    user = person()
    here, there = signed_in(user), signed_in(user)
    new = "another good one 17"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/console/account/password/change/", form).status_code == 302
    assert here.get("/console/account/").status_code == 200
    assert there.get("/console/account/").status_code == 302
    assert Visitor().sign_in(user.username, new).status_code == 302
