"""`manage.py check --deploy` with what the README calls production, and what becomes of http."""

import os
import re
import secrets
import subprocess
import sys

import pytest
from django.test import Client, override_settings

from tests.stack import ROOT

PRODUCTION = {
    "PUBLIC_URL": "https://relay.example",
    "ALLOWED_HOSTS": "relay.example",
    "DEBUG": "false",
}


def check(**env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    given = {**os.environ, "SECRET_KEY": secrets.token_urlsafe(50), **env}
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)


def test_production_has_nothing_that_django_warns_of() -> None:
    done = check(**PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("wrong", "warning"),
    [
        ({"DEBUG": "true"}, "W018"),
        ({"PUBLIC_URL": "http://relay.example"}, "W012"),
        ({"HSTS_SECONDS": "0"}, "W004"),
        ({"HTTPS_ONLY": "false"}, "W008"),
        ({"SECRET_KEY": "short"}, "W009"),
    ],
)
def test_what_is_no_production_is_told(wrong: dict[str, str], warning: str) -> None:
    done = check(**PRODUCTION | wrong)
    assert done.returncode
    assert f"security.{warning}" in done.stderr


def test_the_settings_of_production_are_in_the_readme() -> None:
    told = (ROOT / "README.md").read_text()
    for name in ("HTTPS_ONLY", "HSTS_SECONDS", "HSTS_SUBDOMAINS", *PRODUCTION):
        assert re.search(rf"^\| `{name}` \|", told, re.MULTILINE), name


@pytest.fixture
def site(database: str) -> Client:
    return Client(headers={"Host": "relay.example"})


https_only = override_settings(SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=60)


@https_only
@pytest.mark.parametrize("path", ["/docs", "/console/account/login/", "/mj/task/1/fetch"])
def test_readers_by_http_are_sent_to_https(site: Client, path: str) -> None:
    answer = site.get(path)
    assert (answer.status_code, answer["Location"]) == (301, f"https://relay.example{path}")


@https_only
@pytest.mark.parametrize("path", ["/mj/submit/imagine", "/api/v1/keys", "/console/account/login/"])
def test_a_change_by_http_is_refused_and_not_redirected(site: Client, path: str) -> None:
    answer = site.post(path, "{}", content_type="application/json")
    assert answer.status_code == 403
    assert b"https_required" in answer.content


@https_only
@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_probes_come_by_http(site: Client, path: str) -> None:
    assert site.get(path).status_code == 200


@https_only
def test_browsers_are_told_to_come_by_https(site: Client) -> None:
    assert site.get("/healthz", secure=True)["Strict-Transport-Security"] == "max-age=60"
