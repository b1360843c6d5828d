"""Signing in at another provider."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured

from billing.models import Member
from relay.operators import providers
from tests.console.accounts.oidc_provider import Provider, running
from tests.console.accounts.visitor import Visitor, person, signed_in, text, unique

CORP = "/console/account/oidc/corp/login/"


@pytest.fixture
def corp(settings: Any) -> Iterator[Provider]:
    with running() as provider:
        name = unique("corp")
        provider.person = {
            "sub": name,
            "preferred_username": name,
            "email": f"{name}@corp.example",
            "email_verified": True,
        }
        settings.SOCIALACCOUNT_PROVIDERS = providers.settings(
            oidc=[provider.settings], github=("", "")
        )
        settings.SIGN_UP = "open"
        yield provider


def go(visitor: Visitor, provider: Provider, process: str = "login") -> str:
    """To the provider; the `state` that it was given."""
    page = visitor.post(f"{CORP}?process={process}").content.decode()
    (url,) = re.findall(r'href="(http://127[^"]+)"', page)
    asked = parse_qs(urlsplit(url.replace("&amp;", "&")).query)
    provider.challenge = asked["code_challenge"][0]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"http://testserver{CORP}callback/"]
    return unquote(asked["state"][0])


def back(visitor: Visitor, state: str) -> Any:
    return visitor.get(f"{CORP}callback/", {"code": "given", "state": state})


def test_a_new_person_gets_an_account_and_the_same_one_next_time(corp: Provider) -> None:
    name = corp.person["sub"]
    for _ in range(2):
        visitor = Visitor()
        answer = back(visitor, go(visitor, corp))
        assert (answer.status_code, answer["Location"]) == (302, "/console/")
        assert visitor.is_in
    user = get_user_model()._default_manager.get(username=name)
    assert not user.has_usable_password()
    assert Member.objects.filter(user=user).count() == 1


def test_the_page_names_the_providers(corp: Provider) -> None:
    page = Visitor().get("/console/account/login/?people=1")
    assert "Corp" in text(page)


def test_where_sign_up_is_closed_only_people_who_are_known_get_in(
    corp: Provider, settings: Any
) -> None:
    settings.SIGN_UP = "closed"
    visitor = Visitor()
    assert "closed" in text(back(visitor, go(visitor, corp))).lower()
    assert not visitor.is_in

    known = signed_in(person())
    back(known, go(known, corp, "connect"))
    back(visitor, go(visitor, corp))
    assert visitor.is_in


@pytest.mark.parametrize("state", ["", "made-up", None])
def test_a_state_that_is_not_ours_opens_nothing(corp: Provider, state: str | None) -> None:
    visitor, other = Visitor(), Visitor()
    go(visitor, corp)
    if state is None:
        state = go(other, corp)
    answer = back(visitor, state)
    assert answer.status_code in (200, 302, 401)
    assert not visitor.is_in


def test_an_answer_is_good_once(corp: Provider) -> None:
    visitor = Visitor()
    state = go(visitor, corp)
    back(visitor, state)
    visitor.post("/console/sign-out/")
    back(visitor, state)
    assert not visitor.is_in


@pytest.mark.parametrize(
    "vouched",
    [
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"exp": 1},
        {"sub": "somebody else"},
    ],
)
def test_a_token_that_is_not_for_us_opens_nothing(corp: Provider, vouched: dict[str, Any]) -> None:
    corp.vouched = vouched
    visitor = Visitor()
    answer = back(visitor, go(visitor, corp))
    assert answer.status_code in (200, 401)
    assert not visitor.is_in


def test_a_code_that_was_stolen_is_useless(corp: Provider) -> None:
    visitor = Visitor()
    state = go(visitor, corp)
    corp.challenge = "of another browser"
    back(visitor, state)
    assert not visitor.is_in


def test_the_same_mail_address_is_not_the_same_person(corp: Provider) -> None:
    """Otherwise a provider could hand out anybody's account."""
    victim = person(email=corp.person["email"])
    visitor = Visitor()
    back(visitor, go(visitor, corp))
    assert visitor.session.get("_auth_user_id") != str(victim.pk)


def test_a_provider_that_is_away_is_no_crash(corp: Provider, settings: Any) -> None:
    gone = corp.settings | {"issuer": "http://127.0.0.1:1"}
    settings.SOCIALACCOUNT_PROVIDERS = providers.settings(oidc=[gone], github=("", ""))
    answer = Visitor().post(CORP)
    assert answer.status_code == 502
    assert "went wrong" in text(answer).lower() or "error" in text(answer).lower()


def test_a_provider_that_there_is_not_is_not_found() -> None:
    assert Visitor().post("/console/account/oidc/nobody/login/").status_code == 404
    assert Visitor().post("/console/account/github/login/").status_code == 404


@pytest.mark.parametrize(
    ("oidc", "said"),
    [
        ({}, "must be a JSON list"),
        ([{"id": "corp"}], "each one needs"),
        ([{"id": 1}], "each one needs"),
        (["corp"], "each one needs"),
        ([dict.fromkeys(("id", "name", "issuer", "client_id", "secret"), "x")], "http or https"),
    ],
)
def test_wrong_settings_are_named(oidc: Any, said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        providers.settings(oidc=oidc, github=("", ""))
    with pytest.raises(ImproperlyConfigured, match="need each other"):
        providers.settings(oidc=[], github=("id", ""))
