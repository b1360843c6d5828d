"""Pages of accounts in a real browser, and passkeys, which nothing but a browser has."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Browser, Page, expect

from billing.models import Member, StaffMember, StaffRole
from relay.operators import first_run
from tests.accounts import Account
from tests.browser.console.conftest import EXPECTED, Visitor, look
from tests.console.accounts.visitor import LOGIN, PASSWORD, person, unique
from tests.stack import Stack

ACCOUNT = "/console/account/"
# More than anybody may.
TRIES_MAX = 30
PAGES = {
    "overview": "",
    "mail": "email/",
    "password": "password/change/",
    "sessions": "sessions/",
    "factors": "2fa/",
    "totp": "2fa/totp/activate/",
    "keys": "2fa/webauthn/",
    "new-key": "2fa/webauthn/add/",
    "confirm": "reauthenticate/",
    "sign-out": "logout/",
}
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def stranger(stack: Stack, chromium: Browser) -> Iterator[Page]:
    """A browser at localhost, the one place without TLS where passkeys work. Nothing is said on
    its console."""
    context = chromium.new_context(base_url=f"http://localhost:{stack.port}")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    yield page
    context.close()
    # (Chromium's own advice about forms is no trouble.)
    assert not [text for text in said if not text.startswith((*EXPECTED, "[DOM]"))]


@pytest.fixture
def operator(stack: Stack) -> None:
    """The site is run by somebody, so people are asked to sign in."""
    StaffMember.objects.create(user=person(), role=StaffRole.OPERATOR)


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto(f"{LOGIN}?next={ACCOUNT}")
    page.get_by_label("User name or mail address").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_the_account_look_well(visit: Callable[..., Visitor], name: str) -> None:
    visitor = visit("operator")
    page = visitor.open(LOGIN.replace("login/", PAGES[name]))
    if "reauthenticate" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
    visitor.look(f"account-{name}")


def test_who_looks_as_somebody_else_cannot_overlook_it(
    visit: Callable[..., Visitor], account: Account
) -> None:
    Member.objects.create(user=person(), tenant=account.tenant, role="owner")
    visitor = visit("operator", account.tenant)
    page = visitor.open("members/")
    page.get_by_role("button", name="See the console as this person").click()
    expect(page.get_by_text("Nothing can be changed.")).to_be_visible()
    visitor.look("acting-as")


def test_pages_for_strangers_look_well(operator: None, stranger: Page) -> None:
    for name, path in {
        "sign-in": "login/",
        "sign-up-closed": "signup/",
        "reset": "password/reset/",
        "invitation": "invitation/made-up/",
    }.items():
        stranger.goto(ACCOUNT + path)
        look(stranger, f"account-{name}")


@pytest.fixture
def nobody(database: str) -> None:
    """A site that nobody runs yet."""
    StaffMember.objects.update(is_active=False)
    get_user_model()._default_manager.filter(is_superuser=True).update(is_active=False)


def test_the_first_operator_comes_with_the_code(nobody: None, stranger: Page) -> None:
    stranger.goto("/console/")
    stranger.get_by_label("One-time code").fill("made-up")
    stranger.get_by_label("User name").fill(unique("first"))
    for label in ("Password", "Password, once more"):
        stranger.get_by_label(label, exact=True).fill(PASSWORD)
    look(stranger, "account-first-run")
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_text("This code is not good")).to_be_visible()
    look(stranger, "account-first-run-wrong")
    stranger.get_by_label("One-time code").fill(first_run.code())
    for label in ("Password", "Password, once more"):
        stranger.get_by_label(label, exact=True).fill(PASSWORD)
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("heading", name="Overview")).to_be_visible()


def test_who_guesses_too_often_is_locked_out(operator: None, stranger: Page) -> None:
    name = person().username
    for _ in range(TRIES_MAX):
        sign_in(stranger, name, "wrong")
        if stranger.get_by_text("Too many").is_visible():
            break
    expect(stranger.get_by_text("Too many")).to_be_visible()
    look(stranger, "account-locked-out")


def test_a_wrong_password_is_said_where_one_looks(operator: None, stranger: Page) -> None:
    sign_in(stranger, person().username, "wrong")
    expect(stranger.get_by_role("alert")).to_contain_text("do not fit together")
    look(stranger, "account-sign-in-wrong")


def test_a_passkey_is_made_and_signs_in_without_a_password(operator: None, stranger: Page) -> None:
    page, name = stranger, person().username
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    sign_in(page, name)
    page.get_by_role("link", name="Second factors and passkeys").click()
    page.goto(f"{ACCOUNT}2fa/webauthn/add/")
    page.get_by_label("Passkey: it signs me in").check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url(f"**{ACCOUNT}2fa/recovery-codes/")
    look(page, "account-recovery-codes")
    page.goto(f"{ACCOUNT}2fa/webauthn/")
    expect(page.get_by_role("table")).to_contain_text("Passkey")

    page.context.clear_cookies()
    page.goto(LOGIN)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: LOGIN not in url)
    page.goto(ACCOUNT)
    expect(page.get_by_role("main")).to_contain_text(name)
