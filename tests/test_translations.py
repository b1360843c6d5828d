"""Every text that people see has its translation, with the same places to fill in."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tools import messages

_PLACES = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
FILES = messages.files()


def test_there_are_translations() -> None:
    assert [path.parts[-3] for path in FILES] == ["zh_Hans"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_nothing_waits_for_its_translation(path: Path) -> None:
    assert messages.update(path, messages.collect(), is_check=True) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])
def test_a_translation_fills_in_what_the_text_does(path: Path) -> None:
    with path.open("rb") as file:
        catalog = read_po(file, charset="utf-8")
    wrong = []
    for message in catalog:
        texts = message.id if isinstance(message.id, tuple | list) else (message.id,)
        said = message.string if isinstance(message.string, tuple | list) else (message.string,)
        # Of the plural: one has all places, in Chinese there is one form only.
        wanted = sorted(_PLACES.findall(texts[-1]))
        wrong += [text for text in said if sorted(_PLACES.findall(text)) != wanted]
    assert wrong == []
