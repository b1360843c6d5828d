"""The console in a real Chromium, on the running stack, for people of any role.

    def test_a_developer_makes_a_key(visit, account):
        page = visit("developer", account.tenant).open("keys/")
        page.get_by_role("link", name="New key").click()

Whatever a page says on the browser's console fails the test, refusals of its policy among it.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connections
from playwright.sync_api import Browser, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from billing.models import Announcement, Member, StaffMember, StaffRole, Tenant
from console.accounts import sessions
from tests.api.v1.people import new_user
from tests.browser.conftest import FLAGS, PROGRAMS
from tests.stack import ROOT, Stack

SCREENSHOTS = ROOT / "var" / "screenshots"
AXE = Path(__file__).parent.parent / "vendor" / "axe-core" / "axe.min.js"
WIDTHS = {390: 844, 1440: 900}
THEMES = ("light", "dark")
SERIOUS = ("serious", "critical")
SECONDS = 30
# What is expected has as long as what is clicked.
expect.set_options(timeout=SECONDS * 1000)
# Chromium's and htmx's own words for an answer that is an error, as of a page that is to be one,
# and for a list that is on its way when its page is left.
EXPECTED = (
    "Failed to load resource: the server responded with a status of",
    "Response Status Error Code",
    "htmx:afterRequest",
    "htmx:sendAbort",
)


@dataclass
class Visitor:
    """Somebody at a browser of his own. `base` is where his addresses begin."""

    stack: Stack
    page: Page
    user: Any
    base: str
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str = "") -> Page:
        """A page below `base`, or of the site when the path begins with a slash."""
        address = path if path.startswith("/") else self.base + path
        self.page.goto(self.stack.url + address)
        return self.page

    def look(self, name: str) -> None:
        """Screenshots in both themes and widths; no serious finding of axe-core in any of them,
        nothing wider than the screen."""
        look(self.page, name)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.fail("these tests need Chromium: `apt-get install chromium`", pytrace=False)
    # Playwright's loop runs in this thread, where Django's ORM would see it and refuse to work.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()
        # Those that were opened where the loop runs are others than the run's own.
        connections.close_all()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def visit(stack: Stack, chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """`visit("owner", tenant)`: a member of the tenant; `visit("operator")`: one of the site's
    staff, who with a tenant looks at that tenant's pages."""
    visitors: list[Visitor] = []
    # What another test has announced to everybody.
    Announcement.objects.all().delete()

    def make(role: str, tenant: Tenant | None = None, *, language: str = "en") -> Visitor:
        made = _visitor(stack, chromium, role, tenant, language)
        visitors.append(made)
        return made

    yield make
    troubles = [trouble for visitor in visitors for trouble in visitor.troubles]
    for visitor in visitors:
        visitor.page.context.close()
    assert not troubles, "\n".join(troubles)


def look(page: Page, name: str) -> None:
    size = page.viewport_size
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            picture(page, f"{name}-{width}-{theme}")
            where = f"{name} at {width} px, {theme}"
            assert not (found := violations(page)), f"{where}:\n{found}"
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{where}: {wide} px wider than the screen"
    page.emulate_media(color_scheme="light")
    if size:
        page.set_viewport_size(size)


def picture(page: Page, name: str) -> None:
    """Keeps a screenshot. Without a screen Chromium now and then never draws the frame that it is
    waiting for; brought to the front it draws another."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for is_last in (False, True):
        try:
            page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
        except PlaywrightTimeout:
            if is_last:
                raise
            page.bring_to_front()
        else:
            return


def violations(page: Page) -> str:
    """What axe-core calls serious or critical, with the elements."""
    page.evaluate(_axe())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    told = [
        {
            "rule": rule["id"],
            "help": rule["help"],
            "nodes": [
                node["html"][:300] + " " + node["failureSummary"] for node in rule["nodes"][:5]
            ],
        }
        for rule in found["violations"]
        if rule["impact"] in SERIOUS
    ]
    return json.dumps(told, indent=2, ensure_ascii=False) if told else ""


def signed_in(user: Any) -> str:
    """The key of a new session, as if the person had just signed in with a password."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    now = time.time()
    store.update(
        {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: user.get_session_auth_hash(),
            sessions.BEGAN: now,
            sessions.SEEN: now,
            # What allauth writes of a sign-in.
            "account_authentication_methods": [
                {"method": "password", "at": now, "reauthenticated": True}
            ],
            "account_authentication_methods_user": str(user.pk),
        }
    )
    store.create()
    return str(store.session_key)


def _visitor(
    stack: Stack, chromium: Browser, role: str, tenant: Tenant | None, language: str
) -> Visitor:
    user = new_user()
    user.set_password("a long enough password")
    user.save()
    if role in StaffRole.values and not (tenant and role == StaffRole.FINANCE):
        StaffMember.objects.create(user=user, role=role)
    else:
        Member.objects.create(user=user, tenant=tenant, role=role)
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale=language)
    context.set_default_timeout(SECONDS * 1000)
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": signed_in(user), "url": stack.url}]
    )
    page = context.new_page()
    base = f"/console/tenants/{tenant.pk}/" if tenant else "/console/"
    made = Visitor(stack, page, user, base)
    page.on("console", lambda message: _hear(made, message))
    page.on("pageerror", lambda error: made.troubles.append(f"{page.url}: {error}"))
    return made


def _hear(visitor: Visitor, message: Any) -> None:
    if message.type in ("error", "warning") and not message.text.startswith(EXPECTED):
        visitor.troubles.append(f"{visitor.page.url}: {message.text}")


@cache
def _axe() -> str:
    return AXE.read_text()
