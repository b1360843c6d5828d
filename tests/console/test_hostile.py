"""What hostile people try at the console, beyond what their roles forbid (test_roles.py)."""

import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Member, Token
from console.audit import differences
from console.templatetags.console import instant, moment
from relay.api.v1.channels import COSTS_MAX
from tests.accounts import open_channel, open_tenant
from tests.api.v1.people import new_user
from tests.console.accounts.visitor import Visitor, person, signed_in, stale
from tests.console.prices_desk import signed_in as session_of
from tests.console.prices_desk import staff
from tests.console.town import places
from tests.stack import Stack

pytestmark = pytest.mark.usefixtures("database")
ZONES = ("Asia/Shanghai", "Pacific/Kiritimati", "America/New_York", "Pacific/Niue", "UTC")
ENDS = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
DIGITS = "9" * 5000


@pytest.fixture
def operator() -> Client:
    return staff().client


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", ENDS)
def test_the_first_and_the_last_moment_are_shown_everywhere(zone: str, text: str) -> None:
    with timezone.override(ZoneInfo(zone)):
        assert "<time" in moment(text)
        assert "<time" in instant(text)
        (change,) = differences.changes({}, {"expires_at": text})
    assert change.new


@pytest.mark.parametrize("zone", ZONES)
def test_a_key_that_ends_with_the_last_year_breaks_no_page(zone: str, operator: Client) -> None:
    tenant, token, _ = open_tenant()
    Token.objects.filter(pk=token.pk).update(
        expires_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    )
    operator.cookies["zone"] = zone
    place = f"/console/tenants/{tenant.pk}/keys/"
    for path in ("", f"{token.pk}/", f"{token.pk}/change/"):
        assert operator.get(place + path).status_code == 200, path


@pytest.mark.parametrize("zone", ZONES)
def test_a_moment_that_nobody_could_read_again_is_not_stored(zone: str, operator: Client) -> None:
    tenant, _, _ = open_tenant()
    operator.cookies["zone"] = zone
    place = f"/console/tenants/{tenant.pk}/keys/"
    body = {"name": "for ever", "expires_at": "9999-12-31T23:59"}
    answer = operator.post(f"{place}new/", body)
    is_within = zone not in ("America/New_York", "Pacific/Niue")
    assert ("out of range" in answer.content.decode()) == (not is_within)
    assert Token.objects.filter(tenant=tenant, name="for ever").count() == is_within
    assert operator.get(place).status_code == 200


@pytest.mark.parametrize("query", [f"tenant={DIGITS}", f"key={DIGITS}", f"channel={DIGITS}"])
def test_a_filter_with_too_many_digits_is_no_failure(query: str, operator: Client) -> None:
    tenant, _, _ = open_tenant()
    for page in ("/console/tasks/", f"/console/tenants/{tenant.pk}/entries/"):
        assert operator.get(f"{page}?{query}").status_code in (200, 400), page


GARBAGE = ("", "\x01", "x" * 3000, "..", "a-" * 400, "\xff", "zh-Hans-" * 90, "/etc/passwd", '"')


@pytest.mark.parametrize(
    "name", ["language", "theme", "zone", "sessionid", "csrftoken", "messages"]
)
def test_garbage_in_cookies_is_no_failure(name: str, operator: Client) -> None:
    for value in GARBAGE:
        own = {key: morsel.value for key, morsel in operator.cookies.items()}
        for client, path in ((Client(), "/console/account/login/"), (operator, "/console/codes/")):
            client.cookies[name] = value
            assert client.get(path).status_code in (200, 302), (path, value)
        operator.cookies.load(own)


def test_too_many_fields_are_refused_with_a_page(operator: Client) -> None:
    fields = {f"field{number}": "x" for number in range(3000)}
    for path in ("/console/groups/", "/console/tenants/groups/new/", "/console/codes/new/"):
        answer = operator.post(path, fields)
        assert answer.status_code in (400, 404)
        assert answer["Content-Type"].startswith("text/html")


def test_as_many_costs_can_be_sent_as_a_channel_may_have(operator: Client) -> None:
    channel = open_channel(Stack(folder=Path(), env={}, drawing_seconds=1), group="nobody's")
    rows = {
        f"row{number}-{name}": value
        for number in range(COSTS_MAX)
        for name, value in (("name", f"mj_{number}"), ("mode", "fast"), ("amount", "1"))
    }
    place = f"/console/channels/{channel.pk}/costs/"
    answer = operator.post(place, rows | {"number": str(COSTS_MAX), "seen": "another"})
    assert answer.status_code == 200
    assert "meanwhile" in answer.content.decode()


ELSEWHERE = (
    "https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example",
    "///evil.example",
    "javascript:alert(1)", "https:evil.example", "http:///evil.example", "/\t/evil.example",
    "\x01//evil.example", "https://testserver@evil.example/", "data:text/html,x", "/%2F/../\\evil",
)  # fmt: skip


@pytest.mark.parametrize("address", ELSEWHERE)
def test_nothing_leads_to_another_site(address: str, operator: Client) -> None:
    user = new_user()
    user.set_password("correct horse battery")
    user.save()
    visitor = Visitor()
    login = {"login": user.username, "password": "correct horse battery", "next": address}
    back = {"HX-Current-URL": address, "Referer": address}
    stale(operator)
    answers = [
        visitor.post("/console/account/login/", login),
        visitor.get("/console/account/login/", {"next": address}),
        visitor.post("/console/display/", {"theme": "dark", "next": address}),
        operator.post("/console/tenants/groups/new/", {"name": "x"}, headers=back),
        operator.post("/console/tenants/groups/new/", {"name": "x"},
                      headers=back | {"HX-Request": "true"}),
        visitor.post("/console/account/logout/", {"next": address}),
        visitor.get("/console/sign-in/", {"next": address}),
    ]  # fmt: skip
    for answer in answers:
        where = answer.get("Location") or answer.get("HX-Redirect") or "/console/"
        assert is_here(where), where


def is_here(where: str) -> bool:
    """As a browser reads it: backslashes are slashes, and control characters are nothing."""
    read = re.sub(r"[\x00-\x20]", "", where).replace("\\", "/")
    return read.startswith("/") and not read.startswith("//")


@pytest.mark.parametrize("path", ["oidc/%00/login/", "oidc/%00/login/callback/", "%00/"])
def test_an_address_with_a_nul_character_is_nowhere(path: str) -> None:
    for place in ("/console/account/", "/console/"):
        assert Client().get(place + path).status_code == 404


@pytest.mark.parametrize("text", ["[" * 5000, DIGITS, "{", "null", '{"id": 1}', "\x00"])
def test_what_is_no_answer_of_a_passkey_is_a_wrong_one(text: str) -> None:
    place = "/console/account/2fa/webauthn/"
    for visitor, path in ((Visitor(), "login/"), (signed_in(person()), "add/")):
        answer = visitor.post(place + path, {"credential": text, "name": "x"})
        assert answer.status_code < 500


def test_nothing_is_changed_without_the_token_of_the_form() -> None:
    operator = staff().client
    careful = Client(enforce_csrf_checks=True)
    careful.cookies.load({name: each.value for name, each in operator.cookies.items()})
    words = {"field": "priority", "state": "draining", "group": "site", "name": "site_name"}
    for place in places():
        address = place.address(defaultdict(lambda: 1, words))
        for headers in ({}, {"HX-Request": "true"}):
            answer = careful.post(address, {"name": "x"}, headers=headers)
            assert answer.status_code == 403, (address, headers)


def test_a_list_tells_nothing_of_another_tenants_key() -> None:
    own, _, _ = open_tenant()
    _, foreign, _ = open_tenant()
    Token.objects.filter(pk=foreign.pk).update(name="of somebody else")
    user = new_user()
    Member.objects.create(tenant=own, user=user, role="owner")
    client = session_of(user)
    unknown = foreign.pk + 10**9
    for path in ("entries/", "gallery/", "prices/", "playground/"):
        place = f"/console/tenants/{own.pk}/{path}"
        found, none = (client.get(place, {"key": number}) for number in (foreign.pk, unknown))
        assert found.status_code == none.status_code
        page, other = found.content.decode(), none.content.decode()
        assert "of somebody else" not in page
        assert [page.count(tag) for tag in ("<tr", "<option", "alert")] == [
            other.count(tag) for tag in ("<tr", "<option", "alert")
        ]
