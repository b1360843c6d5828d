from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.relay.newapi_import.old_sites import OldSite, PostgresSite, SqliteSite


@pytest.fixture
def site(tmp_path: Path) -> SqliteSite:
    """A new-api of August 2026 on SQLite, empty."""
    return SqliteSite(tmp_path / "one-api.db")


@pytest.fixture
def postgres_site(database: str) -> Iterator[PostgresSite]:
    made = PostgresSite(database)
    yield made
    made.drop()


@pytest.fixture
def imported(unseen: None) -> Callable[..., str]:
    """Runs the command with --write on a site: its report. The test's end takes all back."""
    return lambda site, *args, **options: run(site, "--write", *args, **options)


def run(site: OldSite, *args: Any, **options: Any) -> str:
    out = StringIO()
    call_command("import_newapi", site.address, *args, stdout=out, **options)
    return out.getvalue()
