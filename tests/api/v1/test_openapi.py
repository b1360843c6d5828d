"""/api/v1/openapi.json and /api/v1/docs: every route, valid, and what is really answered."""

import subprocess
import sys

import pytest
import requests
from django.urls import URLPattern, URLResolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from billing.models import Announcement, CodeBatch, PriceBook, StaffMember, StaffRole
from channels.models import Channel, Credential
from relay.api.v1 import schema, urls
from tests.api.v1.desk import DOCUMENT, PREFIX, operations
from tests.api.v1.people import new_user
from tests.api.v1.test_isolation import Owned
from tests.stack import ROOT, Stack

NO_JOB_OF_OURS = """
import sys, django
django.setup()
import relay.urls
sys.exit(any(name in sys.modules for name in ("drf_spectacular", "reportlab")))
"""
GETS = [path for method, path in operations() if method == "GET"]
PAGES = {"openapi.json", "docs"}


@pytest.fixture(scope="module")
def owned(stack: Stack) -> Owned:
    return Owned(stack)


def test_the_schema_is_valid() -> None:
    validate_schema(schema.document())


def test_the_schema_is_made_without_a_warning() -> None:
    """As of two things of one name, of which a client would see one only."""
    schema.document()
    assert not GENERATOR_STATS, (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache)


def _routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        path = prefix + str(pattern.pattern).replace("<int:", "{").replace(">", "}")
        if isinstance(pattern, URLResolver):
            found |= _routes(pattern.url_patterns, path)
        else:
            found.add(path)
    return found


def test_every_route_is_described_and_nothing_else() -> None:
    assert {path for _, path in operations()} == _routes(urls.urlpatterns) - PAGES


def test_every_operation_says_what_it_takes_gives_and_refuses() -> None:
    names = set()
    for methods in DOCUMENT["paths"].values():
        for method, described in methods.items():
            names.add(described["operationId"])
            assert described["security"] == [{"ManagementKey": []}]
            assert described["tags"][0] in schema.TAGS
            assert {"400", "401", "403", "404", "500", "503"} <= set(described["responses"])
            assert ("409" in described["responses"]) == (method != "get")
    assert len(names) == len(operations())


@pytest.mark.parametrize("path", GETS)
def test_what_is_really_answered_is_as_described(owned: Owned, path: str) -> None:
    """(The answers to changes are held against the schema wherever a test makes one.)"""
    channel = owned.desk.account.channel
    others = {
        "{tenant_id}": owned.desk.tenant.pk,
        "{book_id}": PriceBook.objects.latest("pk").pk,
        "{channel_id}": channel.pk,
        "{credential_id}": Credential.objects.get_or_create(channel=channel, name="x")[0].pk,
        "{staff_id}": StaffMember.objects.create(user=new_user(), role=StaffRole.SUPPORT).pk,
        "{announcement_id}": Announcement.objects.get_or_create(title="x")[0].pk,
        "{batch_id}": CodeBatch.objects.get_or_create(name="x", amount=1)[0].pk,
    }
    key = owned.desk.operator
    if path.split("/")[0] in OWN_ONLY or path.startswith("management-keys/"):
        key = owned.desk.owner
    address = owned.ids(path)
    for name, pk in others.items():
        address = address.replace(name, str(pk))
    queries = {
        "price-books/{book_id}/quote": {
            "tenant": str(owned.desk.tenant.pk), "action": "PAN", "mode": "fast",
        },
        "second-factors": {"person": new_user().username},
    }  # fmt: skip
    answer = key.ask("GET", address, params=queries.get(path, {}))
    assert answer.status_code == 200, answer.text
    assert Channel.objects.filter(pk=others["{channel_id}"]).exists()


OWN_ONLY = {
    "keys", "callbacks", "hooks", "thresholds", "wallet", "entries", "usage", "statement", "prices",
    "payment-services", "drawings", "figures", "announcements", "members", "invitations",
}  # fmt: skip


def test_the_schema_and_its_page_are_open_and_linked(stack: Stack) -> None:
    answer = requests.get(f"{stack.url}{PREFIX}openapi.json", timeout=30)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["servers"] == [{"url": stack.url}]
    page = requests.get(f"{stack.url}{PREFIX}docs", timeout=9)
    assert f'data-schema="{PREFIX}openapi.json"' in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert f'href="{PREFIX}docs"' in requests.get(f"{stack.url}/docs", timeout=9).text


def test_a_process_that_is_not_asked_for_the_schema_does_not_load_what_makes_it(
    stack_env: dict[str, str],
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", NO_JOB_OF_OURS],
        cwd=ROOT,
        env=stack_env | {"DJANGO_SETTINGS_MODULE": "relay.settings"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
