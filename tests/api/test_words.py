"""The site's own list of banned words (BANNED_WORDS_FILE): refused before any money moves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.api.schema import examples
from relay.errors import BannedPrompt
from relay.submits import words
from tests.accounts import Account, open_account
from tests.api.shapes import assert_accepted, assert_refused
from tests.stack import Stack, wait_until

LIST = """\
# Words of this site.

nude
Hong Kong   # a phrase
裸体
gore
c++
порно
"""


@pytest.fixture(scope="module")
def guarded(
    stack: Stack, stack_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Account]:
    """A web process with a list of words; the rest of the product is everybody's."""
    folder = tmp_path_factory.mktemp("words")
    file = folder / "words.txt"
    # As editors on Windows write it.
    file.write_text(LIST, encoding="utf-8-sig")
    env = stack_env | {"BANNED_WORDS_FILE": str(file)}
    web = Stack(folder=folder, env=env, drawing_seconds=1)
    web.sandbox_url = stack.sandbox_url
    try:
        web.start("web")
        yield open_account(web)
    finally:
        web.kill("web")


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("a nude in oil", "nude"),
        ("NUDE", "NUDE"),
        ("a portrait, nude, 4k", "nude"),
        ("nude_portrait", "nude"),
        ("一个nude女孩", "nude"),
        ("海边的裸体女孩", "裸体"),
        ("a street in hong kong", "hong kong"),
        ("a street in Hong\n Kong", "Hong\n Kong"),
        ("a book on C++, open", "C++"),
        ("Порно", "Порно"),
        # The first one in the prompt.
        ("gore and nude", "gore"),
    ],
)
def test_a_banned_word_is_named(guarded: Account, prompt: str, word: str) -> None:
    before = guarded.written
    answer = guarded.imagine(prompt)
    properties = {"promptEn": prompt, "bannedWord": word}
    assert_refused(answer, 400, "banned_prompt", code=24, says=word, properties=properties)
    assert guarded.written == before
    assert guarded.stack.submits(prompt) == []


@pytest.mark.parametrize(
    "prompt",
    [
        "a denuded hill",
        "Gorė, gored, gorepack",
        "Nudes",
        "hong-kong",
        "# Words of this site",
        "a phrase",
        "порнография",
        "裸 体",
    ],
)
def test_a_part_of_a_word_is_no_word(guarded: Account, prompt: str) -> None:
    assert_accepted(guarded.imagine(prompt))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("submit/shorten", {"prompt": "a nude"}),
        ("submit/edits", {"prompt": "a nude", "image": examples.NAVY}),
        ("submit/edit", {"prompt": "a nude", "image": examples.NAVY}),
        ("submit/video", {"prompt": "a nude", "image": examples.NAVY}),
    ],
)
def test_every_prompt_is_looked_at(guarded: Account, path: str, body: dict[str, Any]) -> None:
    # What another test has drawn may still be paid for meanwhile.
    wait_until(lambda: guarded.wallet.open_holds == 0, what="the end of what is drawn")
    before = guarded.written
    answer = guarded.request("POST", f"/mj/{path}", json=body)
    properties = {"promptEn": "a nude", "bannedWord": "nude"}
    assert_refused(answer, 400, "banned_prompt", code=24, properties=properties)
    assert guarded.written == before


def test_the_prompt_of_a_follow_up_is_looked_at(guarded: Account) -> None:
    """A confirmation and an extended video bring words of their own."""
    task_id = guarded.draw("a lighthouse")
    wait_until(lambda: guarded.fetch(task_id)["status"] == "SUCCESS", what="the parent")
    before = guarded.written
    modal = {"taskId": task_id, "prompt": "a nude"}
    extension = {"taskId": task_id, "action": "extend", "index": 0, "prompt": "a nude"}
    for path, body in (("modal", modal), ("video", extension)):
        answer = guarded.request("POST", f"/mj/submit/{path}", json=body)
        properties = {"promptEn": "a nude", "bannedWord": "nude"}
        assert_refused(answer, 400, "banned_prompt", code=24, properties=properties)
    assert guarded.written == before


@pytest.mark.parametrize("prompt", ["in hong --relax kong", "in --turbo hong kong"])
def test_a_mode_flag_hides_nothing(guarded: Account, prompt: str) -> None:
    """Mode flags are taken out; what is left is what goes upstream."""
    properties = {"promptEn": "in hong kong", "bannedWord": "hong kong"}
    answer = guarded.imagine(prompt)
    assert_refused(answer, 400, "banned_prompt", code=24, properties=properties)


def test_without_a_list_everything_is_allowed(account: Account) -> None:
    assert_accepted(account.imagine("a nude in oil"))


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "  # nothing\n   \n"])
def test_an_empty_list_forbids_nothing(
    database: str, tmp_path: Path, settings: Any, text: str
) -> None:
    file = tmp_path / "words.txt"
    file.write_text(text)
    settings.BANNED_WORDS_FILE = str(file)
    words.check("anything at all")


def test_words_are_no_patterns(database: str, tmp_path: Path, settings: Any) -> None:
    file = tmp_path / "words.txt"
    file.write_text("a.c\n(\n*\n")
    settings.BANNED_WORDS_FILE = str(file)
    words.check("abc")
    for prompt in ("see a.c", "(open", "a * b"):
        with pytest.raises(BannedPrompt):
            words.check(prompt)
