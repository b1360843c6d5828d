"""Every refusal has the contract's one shape: crashes and broken servers too."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import billing.errors
import channels.errors
import relay.errors
from channels.errors import Refusal
from relay.api import errors
from relay.api import urls as api

ON_PURPOSE: list[Exception] = []


class Crash(APIView):
    """A view that stumbles over what the test has put there."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        raise ON_PURPOSE[0]


def crash_outside(request: HttpRequest) -> HttpResponse:
    raise ON_PURPOSE[0]


urlpatterns = [
    path("crash/inside", Crash.as_view()),
    path("crash/outside", crash_outside),
    *api.urlpatterns,
]
handler400 = "relay.api.errors.bad_request"
handler404 = "relay.api.errors.not_found"
handler500 = "relay.api.errors.crashed"


@pytest.fixture
def client(settings: LazySettings) -> Iterator[Client]:
    """The product's own middleware and handlers around two views that crash."""
    settings.ROOT_URLCONF = __name__
    logging.disable(logging.CRITICAL)
    yield Client(raise_request_exception=False)
    logging.disable(logging.NOTSET)
    ON_PURPOSE.clear()


def shape(answer: Any, status: int, kind: str, code: int) -> str:
    """A refusal with exactly these keys; returns its text."""
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["X-Request-Id"]
    body = answer.json()
    text = str(body["description"])
    assert body == {
        "code": code,
        "description": text,
        "result": "",
        "properties": {},
        "type": kind,
        "message": text,
        "error": {"message": text, "type": kind, "code": kind},
    }
    return text


@pytest.mark.parametrize("where", ["inside", "outside"])
@pytest.mark.parametrize("error", [RuntimeError("secret detail"), KeyError("secret"), ValueError()])
def test_a_crash_says_nothing_but_its_request_id(
    client: Client, where: str, error: Exception
) -> None:
    ON_PURPOSE.append(error)
    answer = client.get(f"/crash/{where}")
    text = shape(answer, 500, "internal_error", 9)
    assert answer["X-Request-Id"] in text
    assert "secret" not in text


@pytest.mark.parametrize(
    "error",
    [OperationalError("password=secret"), InterfaceError("closed"), PoolTimeout("secret pool")],
    ids=lambda error: type(error).__name__,
)
def test_a_database_that_is_down_is_never_a_wrong_key(client: Client, error: Exception) -> None:
    ON_PURPOSE.append(error)
    answer = client.get("/crash/inside")
    assert "secret" not in shape(answer, 503, "unavailable", 9)
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize("path", ["/crash", "/crash/inside/more", "/nowhere", "/mj/nowhere"])
def test_an_unknown_address(client: Client, path: str) -> None:
    shape(client.get(path), 404, "not_found", 4)


def test_a_wrong_method(client: Client) -> None:
    shape(client.post("/crash/inside"), 405, "method_not_allowed", 4)


def test_a_request_that_django_itself_refuses(client: Client) -> None:
    ON_PURPOSE.append(SuspiciousOperation("secret"))
    assert "secret" not in shape(client.get("/crash/outside"), 400, "invalid_request", 4)


@pytest.mark.parametrize(
    "error", [exceptions.ParseError("x"), exceptions.UnsupportedMediaType("a/b")], ids=str
)
def test_what_the_framework_refuses(client: Client, error: exceptions.APIException) -> None:
    ON_PURPOSE.append(error)
    shape(client.get("/crash/inside"), error.status_code, "invalid_request", 4)


def test_every_refusal_of_an_upstream_has_an_answer() -> None:
    assert set(errors.REFUSALS) == set(Refusal)
    # A relay behind us disables its channel on 3.
    assert all(answer.code in (4, 9, 23, 24) for answer in errors.REFUSALS.values())
    assert all(answer.status >= 400 for answer in errors.REFUSALS.values())


def refusals() -> list[type[Exception]]:
    """What our own modules raise and a tenant may get to feel."""
    never_reach_a_tenant = {
        "BillingError",  # no more than a parent
        "UpstreamError",
        "OutcomeUnknown",  # is answered as accepted
        "PricesInvalid",  # an operator's
        "Rejected",  # has a table of its own, above
    }
    modules = (billing.errors, channels.errors, relay.errors)
    kinds = [kind for module in modules for kind in vars(module).values()]
    return [
        kind
        for kind in kinds
        if isinstance(kind, type)
        and issubclass(kind, Exception)
        and kind.__name__ not in never_reach_a_tenant
    ]


@pytest.mark.parametrize("kind", refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_of_ours_has_an_answer(kind: type[Exception]) -> None:
    """What nobody has put into the table would be a crash to the tenant."""
    assert errors.ANSWERS[kind].code in (4, 9, 23, 24)


def test_a_broken_promise_of_the_database_is_no_news_for_tenants(client: Client) -> None:
    ON_PURPOSE.append(IntegrityError("duplicate key secret"))
    answer = client.get("/crash/inside")
    assert answer.status_code >= 500
    assert b"secret" not in answer.content
