"""`manage.py status` asks the web where it is."""

import json
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.listener import listening

OURS = "http://127.0.0.1:8000"
NOBODY = "http://127.0.0.1:1"


def told(settings: Any, var: Path, *, public: str, up: str) -> tuple[str, list[str]]:
    """(how the web is, what is said of it)"""
    settings.VAR_DIR, settings.PUBLIC_URL, settings.PORT = var, public, 8000
    if up:
        (var / "up.json").write_text(json.dumps({"url": up}))
    out = StringIO()
    # Its status tells whether anything else wants attention.
    with suppress(SystemExit):
        call_command("status", "--json", stdout=out)
    found = json.loads(out.getvalue())
    return found["servers"]["web"], [line for line in found["attention"] if "web" in line]


def test_where_another_shell_has_it(database: str, settings: Any, tmp_path: Path) -> None:
    with listening(body=b"ok") as listener:
        assert told(settings, tmp_path, public=OURS, up=listener.url) == ("ok", [])


def test_it_is_named_where_it_does_not_answer(database: str, settings: Any, tmp_path: Path) -> None:
    web, (line,) = told(settings, tmp_path, public=OURS, up=NOBODY)
    assert (web, line) == ("does not answer", f"the web does not answer at {NOBODY}")


def test_a_public_address_counts_more(database: str, settings: Any, tmp_path: Path) -> None:
    with listening(body=b"ok") as listener:
        assert told(settings, tmp_path, public=listener.url, up=NOBODY) == ("ok", [])


@pytest.mark.parametrize("content", ["", "{", '{"url": ""}', '{"key": "sk-1"}'])
def test_a_file_that_says_nothing_of_it_is_no_trouble(
    database: str, settings: Any, tmp_path: Path, content: str
) -> None:
    (tmp_path / "up.json").write_text(content)
    web, lines = told(settings, tmp_path, public=OURS, up="")
    assert web == "ok" or OURS in lines[0]
