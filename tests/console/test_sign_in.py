"""The console's sign-in page, over HTTP as a browser uses it."""

import re
import secrets

import pytest
import requests
from django.contrib.auth import get_user_model

from billing.models import StaffMember, StaffRole
from tests.console.accounts.visitor import Visitor, person
from tests.stack import Stack

PASSWORD = secrets.token_urlsafe(12)
LOGIN = "/console/account/login/"
HOME = "/console/account/"


@pytest.fixture(scope="module")
def operator(stack: Stack) -> str:
    name = f"operator-{secrets.token_hex(4)}"
    user = get_user_model()._default_manager.create_user(username=name, password=PASSWORD)
    StaffMember.objects.create(user=user, role=StaffRole.OPERATOR)
    return name


def sign_in(stack: Stack, name: str, password: str) -> tuple[requests.Session, requests.Response]:
    browser = requests.Session()
    page = browser.get(f"{stack.url}{HOME}", timeout=10)
    assert page.url.endswith(f"{LOGIN}?next={HOME}")
    return browser, browser.post(page.url, data=form(page, name, password), timeout=10)


def form(page: requests.Response, name: str, password: str) -> dict[str, str]:
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token
    return {"csrfmiddlewaretoken": token[1], "login": name, "password": password, "next": HOME}


def test_an_operator_signs_in_and_out(stack: Stack, operator: str) -> None:
    browser, home = sign_in(stack, operator, PASSWORD)
    assert home.url == f"{stack.url}{HOME}"
    assert operator in home.text
    cookie = next(cookie for cookie in browser.cookies if cookie.name == "sessionid")
    assert cookie.has_nonstandard_attr("HttpOnly")

    token = form(home, "", "")["csrfmiddlewaretoken"]
    out = {"csrfmiddlewaretoken": token}
    left = browser.post(f"{stack.url}/console/sign-out/", data=out, timeout=10)
    assert left.url == f"{stack.url}{LOGIN}"
    assert LOGIN in browser.get(f"{stack.url}/console/", timeout=10).url


def test_the_bare_address_leads_to_signing_in(stack: Stack, operator: str) -> None:
    page = requests.get(f"{stack.url}/", timeout=10)
    assert page.url == f"{stack.url}{LOGIN}?next=/console/"


def test_a_wrong_password_opens_nothing(stack: Stack, operator: str) -> None:
    browser, page = sign_in(stack, operator, "wrong")
    assert "do not fit together" in page.text
    assert LOGIN in browser.get(f"{stack.url}/console/", timeout=10).url


def test_two_processes_count_wrong_passwords_together(stack: Stack, operator: str) -> None:
    """Half of them here, half of them in the running product."""
    name = person().username
    for _ in range(3):
        assert "do not fit together" in sign_in(stack, name, "wrong")[1].text
    for _ in range(2):
        assert "do not fit together" in Visitor().sign_in(name, "wrong").content.decode()
    assert "Too many failed" in sign_in(stack, name, "wrong")[1].text
    assert "Too many failed" in Visitor().sign_in(name).content.decode()


def test_a_form_of_another_site_is_refused(stack: Stack, operator: str) -> None:
    data = {"login": operator, "password": PASSWORD}
    assert requests.post(f"{stack.url}{LOGIN}", data=data, timeout=10).status_code == 403


def test_the_console_is_not_for_pages_of_other_origins(stack: Stack) -> None:
    page = requests.get(f"{stack.url}{LOGIN}?people=1", timeout=10)
    assert "Access-Control-Allow-Origin" not in page.headers
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
