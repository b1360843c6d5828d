"""What is installed: pinned with hashes, asked for known vulnerabilities, and listed."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.stack import ROOT
from tools import migrations

FILES = ("requirements", "requirements-s3", "requirements-embedded", "requirements-dev")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    found = _PIN.findall((ROOT / name).read_text())
    return {re.sub(r"[._-]+", "-", package).lower(): version for package, version in found}


@pytest.mark.parametrize("name", FILES)
def test_what_is_asked_for_is_locked(name: str) -> None:
    """`make lock` was run after the last change."""
    wanted = pins(f"{name}.in")
    assert wanted
    assert wanted.items() <= pins(f"{name}.txt").items()


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_hashes(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text()
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert blocks
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_all_files_agree_on_a_version() -> None:
    everything = pins("requirements-dev.txt")
    for name in FILES[:-1]:
        assert pins(f"{name}.txt").items() <= everything.items(), name


class Advisories(ThreadingHTTPServer):
    """osv.dev, as far as pip-audit asks it: it knows one thing about one package."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Advisory)
        self.about = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/query"


class _Advisory(BaseHTTPRequestHandler):
    server: Advisories

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = asked["package"]["name"] == self.server.about
        said = {"id": "TEST-2026-1", "summary": "x", "details": "x", "affected": []}
        body = json.dumps({"vulns": [said]} if known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def advisories() -> Iterator[Advisories]:
    with Advisories() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.audit"]
    env = {**os.environ, "AUDIT_OSV_URL": url}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_a_known_vulnerability_fails_the_checks(advisories: Advisories) -> None:
    advisories.about = "django"
    done = audit(advisories.url)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "TEST-2026-1" in done.stdout
    advisories.about = "none of ours"
    done = audit(advisories.url)
    assert (done.returncode, "0 known vulnerabilities" in done.stdout) == (0, True)


def test_without_the_network_that_is_said_and_nothing_fails() -> None:
    done = audit("http://127.0.0.1:9/v1/query")
    assert done.returncode == 0
    assert "NOTHING WAS AUDITED" in done.stdout


def test_the_bill_of_materials_is_valid_and_has_what_pages_load(tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    command = [sys.executable, "-m", "tools.sbom", str(file)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read_text()) is None
    listed = {part["purl"]: part for part in json.loads(file.read_text())["components"]}
    for name in FILES[:-1]:
        missing = {f"pkg:pypi/{n}@{v}" for n, v in pins(f"{name}.txt").items()} - set(listed)
        assert missing == set()
    assert {purl.rpartition("@")[0] for purl in listed if "npm" in purl} == {
        "pkg:npm/%40scalar/api-reference",
        "pkg:npm/%40tabler/core",
        "pkg:npm/%40tabler/icons",
        "pkg:npm/htmx.org",
        "pkg:npm/uplot",
    }


def test_migrations_after_the_release_are_judged(database: str) -> None:
    """Those before it are not, and one that takes a column away fails."""
    from django.db.migrations.loader import MigrationLoader
    from django_migration_linter import MigrationLinter

    loader = MigrationLoader(None)
    for app, name in migrations.RELEASED.items():
        assert (app, name) in loader.disk_migrations
        assert not migrations.is_unreleased(loader.disk_migrations[app, name])
    linter = MigrationLinter(no_cache=True, analyser_string="postgresql", no_output=True)
    # It dropped `secret` from channels, long ago.
    linter.lint_migration(loader.disk_migrations["channels", "0006_breaker_credentials_events"])
    assert linter.has_errors
