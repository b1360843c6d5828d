"""Lists of what the API answers, and the frame around every page."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from billing import tokens
from billing.models import Member, Role, Token
from tests.accounts import Account
from tests.api.v1.people import new_user


@pytest.fixture
def client(bystander: Account) -> Client:
    user = new_user()
    Member.objects.create(user=user, tenant=bystander.tenant, role=Role.OWNER)
    found = Client()
    found.force_login(user)
    return found


def place(account: Account, rest: str = "") -> str:
    return f"/console/tenants/{account.tenant.pk}/keys/{rest}"


def names(page: Any) -> list[str]:
    return re.findall(r'href="/console/tenants/\d+/keys/\d+/">([^<]+)<', page.content.decode())


def link(page: Any, text: str) -> str:
    found = re.search(
        rf'<a class="btn[^"]*" href="([^"]+)"[^>]*>[^\n]*{text}', page.content.decode()
    )
    return unescape(found[1]) if found else ""


def test_pages_go_older_and_newer_and_keep_the_filters(bystander: Account, client: Client) -> None:
    for number in range(120):
        tokens.make(tenant=bystander.tenant, name=f"key {number}")
    first = client.get(place(bystander), {"q": "key", "is_test": "false"})
    assert names(first)[0] == "key 119"
    second = client.get(link(first, "Older"))
    assert second.wsgi_request.GET["is_test"] == "false"
    third = client.get(link(second, "Older"))
    assert (names(second)[0], names(third)[-1]) == ("key 69", "key 0")
    assert link(third, "Older") == ""
    assert names(client.get(link(third, "Newer"))) == names(second)
    assert names(client.get(link(second, "Newer"))) == names(first)
    assert names(client.get(link(third, "Newest"))) == names(first)


def test_filters_are_those_of_the_api(bystander: Account, client: Client) -> None:
    tokens.make(tenant=bystander.tenant, name="off")
    Token.objects.filter(tenant=bystander.tenant, name="off").update(is_active=False)
    assert names(client.get(place(bystander), {"is_active": "false"})) == ["off"]
    assert names(client.get(place(bystander), {"q": "OF"})) == ["off"]
    nothing = client.get(place(bystander), {"q": "nobody"}).content.decode()
    assert "Nothing fits." in nothing


@pytest.mark.parametrize(
    "query",
    [
        {"is_active": "perhaps"},
        {"q": "a\x00b"},
        {"q": "x" * 101},
        {"after": "!!"},
        {"after": "x" * 100},
        {"after": "MQ", "trail": "~" * 500},
        {"unknown": "1", "limit": "-5", "format": "csv"},
    ],
)
def test_bad_parameters_are_said_and_break_nothing(
    bystander: Account, client: Client, query: dict[str, str]
) -> None:
    page = client.get(place(bystander), query)
    assert page.status_code == 200
    is_wrong = not {"unknown", "trail"} & set(query)
    assert ('role="alert"' in page.content.decode()) == is_wrong


def test_a_table_is_named_and_its_cells_say_their_column(
    bystander: Account, client: Client
) -> None:
    page = client.get(place(bystander)).content.decode()
    assert re.search(r'<h1 [^>]*id="heading"', page)
    assert re.search(r'<table [^>]*aria-labelledby="heading"', page)
    assert re.search(r'<td class="[^"]*" data-label="Spent"', page)


def test_htmx_gets_the_list_alone(bystander: Account, client: Client) -> None:
    part = client.get(
        place(bystander), headers={"HX-Request": "true", "HX-Target": "list-keys"}
    ).content.decode()
    assert part.lstrip().startswith("<section")
    assert "<html" not in part


def test_a_dialog_gets_the_content_alone(bystander: Account, client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Target": "dialog-body"}
    part = client.get(place(bystander, "new/"), headers=headers).content.decode()
    assert "<html" not in part
    assert "<form" in part


def test_htmx_is_told_where_to_go_instead_of_being_redirected(
    bystander: Account, client: Client
) -> None:
    client.logout()
    answer = client.get(place(bystander), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer["HX-Redirect"].startswith("/console/account/login/")


def test_a_page_has_its_policy_and_is_kept_nowhere(bystander: Account, client: Client) -> None:
    page = client.get(place(bystander))
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page["Cache-Control"] == "no-store"
    text = page.content.decode()
    assert not re.search(r"\sstyle=|<style|\son\w+=|hx-on|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)


def test_what_is_not_there_is_a_page_and_for_htmx_a_word(
    bystander: Account, client: Client
) -> None:
    for path in (place(bystander, "999999999/"), "/console/nowhere/", place(bystander, "9" * 30)):
        page = client.get(path)
        assert page.status_code == 404
        assert page["Content-Type"].startswith("text/html")
    part = client.get(place(bystander, "999999999/"), headers={"HX-Request": "true"})
    assert (part.status_code, part["Content-Type"].split(";")[0]) == (404, "text/plain")


def test_who_may_not_is_told_so(bystander: Account, client: Client) -> None:
    Member.objects.filter(tenant=bystander.tenant).update(role=Role.VIEWER)
    page = client.post(place(bystander, f"{bystander.token.pk}/disable/"))
    assert page.status_code == 403
    assert "You may not do this" in page.content.decode()
    assert Token.objects.get(pk=bystander.token.pk).is_active


def test_the_language_and_the_theme_are_kept_and_lead_back(client: Client) -> None:
    chosen = {"language": "zh-hans", "theme": "dark", "next": "/console/x/?a=1"}
    answer = client.post("/console/display/", chosen)
    assert answer["Location"] == "/console/x/?a=1"
    assert client.cookies["language"].value == "zh-hans"
    page = client.get("/console/nowhere/").content.decode()
    assert '<html lang="zh-hans" data-theme="dark" data-bs-theme="dark">' in page
    outside = client.post("/console/display/", {"theme": "warp", "next": "https://evil.example/"})
    assert outside["Location"] == "/console/"
    assert client.cookies["theme"].value == "dark"


def test_times_are_in_the_zone_of_the_browser(bystander: Account, client: Client) -> None:
    client.cookies["zone"] = "Asia/Shanghai"
    assert "Times: Asia/Shanghai" in client.get(place(bystander)).content.decode()
    client.cookies["zone"] = "../../etc/passwd"
    assert "Times: UTC" in client.get(place(bystander)).content.decode()
