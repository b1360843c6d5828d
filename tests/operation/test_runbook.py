"""What the documents tell one to type is there: commands, their options, links, units."""

import re
from collections.abc import Iterator

import pytest
from django.core.management import get_commands, load_command_class

from tests.stack import ROOT
from tests.test_docs import DOCUMENTS

_COMMAND = r"manage\.py ([a-z_]+)((?:{space}(?![|&;>])[^\s`|;&>]+)*)"
_FENCED = re.compile(r"```.*?```", re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([\w./-]+\.md)?(#[\w-]+)?\)")
_UNIT = re.compile(r"\brelay-?[a-z]*@?(?:\.(?:service|socket|target|timer))")


def text(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def commands(document: str) -> Iterator[tuple[str, list[str]]]:
    """(name, options) of each that is written there. In a sentence one may go on in the next line,
    in a block after a backslash."""
    whole = text(document).replace("\\\n", " ")
    blocks, sentences = " ".join(_FENCED.findall(whole)), _FENCED.sub("", whole)
    for part, space in ((blocks, "[ ]+"), (sentences, r"\s+")):
        for name, rest in re.findall(_COMMAND.format(space=space), part):
            yield name, re.findall(r"(?<!\S)--[a-z-]+", rest)


def anchors(document: str) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", text(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_is_named_is_there_with_its_options(document: str) -> None:
    known = get_commands()
    for name, options in commands(document):
        assert name in known, name
        app = known[name]
        parser = load_command_class(app, name).create_parser("manage.py", name)
        flags = {flag for action in parser._actions for flag in action.option_strings}
        assert set(options) <= flags, f"{name} {options}"


def test_the_runbook_is_about_the_commands_that_it_must_be() -> None:
    named = {name for name, _ in commands("docs/operations.md")}
    assert {"backup", "restore", "migrate", "doctor", "status", "rotate_secrets"} <= named


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    for file, anchor in _LINK.findall(text(document)):
        target = (folder / file) if file else ROOT / document
        assert target.exists(), file
        if anchor:
            assert anchor[1:] in anchors(str(target.relative_to(ROOT))), f"{file}{anchor}"


def test_every_unit_that_the_runbook_names_is_there() -> None:
    units = {path.name for path in (ROOT / "deploy" / "systemd").iterdir()}
    named = set(_UNIT.findall(text("docs/operations.md")))
    assert {"relay.target", "relay-web.socket", "relay-backup.timer"} <= named <= units


def test_every_unit_runs_what_there_is() -> None:
    for path in (ROOT / "deploy" / "systemd").glob("*.service"):
        command = re.findall(r"^ExecStart=(.*)$", path.read_text(), re.MULTILINE)
        assert len(command) == 1, path
        assert command[0].startswith("/srv/relay/.venv/bin/python ")
        for word in ("NoNewPrivileges=yes", "ProtectSystem=strict", "User=relay"):
            assert word in path.read_text(), path
