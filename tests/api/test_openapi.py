"""/openapi.json and /docs: complete, valid, in two languages, and no burden to anybody else."""

import re
import subprocess
import sys
from typing import Any

import pytest
import requests
from drf_spectacular.validation import validate_schema

from relay.api import docs, errors, urls
from relay.api.schema import document, refusals, texts
from relay.api.schema.answers import ACTIONS
from relay.api.schema.operations import OPERATIONS
from tests.accounts import Account
from tests.api import schema
from tests.stack import ROOT, Stack

LANGUAGES = list(docs.LANGUAGES)
NO_JOB_OF_OURS = """
import sys, django
django.setup()
import relay.urls
sys.exit("drf_spectacular" in sys.modules or "relay.api.schema.document" in sys.modules)
"""


def get(stack: Stack, path: str, **headers: str) -> requests.Response:
    return requests.get(stack.url + path, headers=headers, timeout=30)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_schema_is_valid(language: str) -> None:
    validate_schema(document.document(language))


@pytest.mark.parametrize(
    ("path", "accepted", "title"),
    [
        ("/openapi.json", "", "MJ Relay API"),
        ("/openapi.json", "zh-CN,zh;q=0.9,en;q=0.8", "MJ Relay 接口文档"),
        ("/openapi.json", "de, en;q=0.5", "MJ Relay API"),
        ("/openapi.json?lang=zh", "en", "MJ Relay 接口文档"),
        ("/openapi.json?lang=en", "zh", "MJ Relay API"),
        ("/openapi.json?lang=xx", "", "MJ Relay API"),
    ],
)
def test_the_schema_speaks_the_language_that_is_asked_for(
    stack: Stack, path: str, accepted: str, title: str
) -> None:
    answer = get(stack, path, **{"Accept-Language": accepted})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["info"]["title"] == title
    assert answer.json()["servers"] == [{"url": stack.url}]


def test_every_route_is_described_and_nothing_else() -> None:
    described = {f"{method} {path}" for method, path, _ in schema.operations()}
    assert described == set(OPERATIONS)
    assert {f"POST /mj/{route}" for route in urls.SUBMITS} <= described


def test_both_languages_have_the_same_texts_and_all_are_used() -> None:
    english, chinese = (set(texts.load(language)) for language in LANGUAGES)
    assert english == chinese
    shown = {key for key in english if key.startswith("page.")}
    assert _keys(document.skeleton()) == english - shown


def test_the_texts_are_in_their_language() -> None:
    assert not re.search(r"[\u4e00-\u9fff]", "".join(texts.load("en").values()))
    wordy = {key: text for key, text in texts.load("zh").items() if " " in text}
    assert [key for key, text in wordy.items() if not re.search(r"[\u4e00-\u9fff]", text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_action_stands_in_the_table_of_buttons(language: str) -> None:
    table = texts.load(language)["operations.action.description"]
    made_otherwise = {"BLEND", "SHORTEN", "EDITS", "UPLOAD", "SWAP_FACE"}
    assert [name for name in ACTIONS if name not in made_otherwise and name not in table] == []


def test_every_refusal_is_described() -> None:
    answers = [*errors.ANSWERS.values(), *errors.REFUSALS.values()]
    answers += [errors.BAD_REQUEST, errors.INTERNAL, errors.NOT_FOUND]
    for answer in answers:
        assert refusals.BODIES[answer.type]["code"] == answer.code
        rows = [row for row in refusals.DOCUMENTED.values() if answer.type in row.types]
        assert {row.status for row in rows} <= {answer.status}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {key}"},
        {"Authorization": "{key}"},
        {"mj-api-secret": "{key}"},
        {"X-Api-Key": "{key}"},
    ],
)
def test_every_way_to_send_a_key_that_is_described_is_taken(
    account: Account, headers: dict[str, str]
) -> None:
    headers = {name: value.format(key=account.key) for name, value in headers.items()}
    assert get(account.stack, "/mj/task/list", **headers).json() == []


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


def test_the_schema_is_made_once() -> None:
    assert document.as_json("en") is document.as_json("en")


def test_styles_of_the_page_are_let_in_by_a_nonce_used_once(stack: Stack) -> None:
    nonces = set()
    for _ in range(2):
        answer = get(stack, "/docs")
        policy = answer.headers["Content-Security-Policy"].split("; ")
        (styles,) = [words for words in policy if words.startswith("style-src ")]
        (nonce,) = re.findall(r"^style-src 'self' 'nonce-([\w-]{20,})'$", styles)
        assert f'docs/styles.js" nonce="{nonce}"></script>' in answer.text
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_needs_nothing_from_other_sites(stack: Stack, language: str) -> None:
    answer = get(stack, f"/docs?lang={language}")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert f"connect-src 'self' {stack.url};" in policy
    assert f'<html lang="{language}">' in answer.text
    assert texts.load(language)["page.title"] in answer.text
    addresses = re.findall(r'(?:href|src|data-schema)="([^"?]+)', answer.text)
    assert addresses
    for address in addresses:
        assert address.startswith("/")
        assert get(stack, address).status_code == 200


def _keys(node: Any) -> set[str]:
    """The keys of texts in a document."""
    if isinstance(node, str):
        return {node.removeprefix(texts.MARK)} if node.startswith(texts.MARK) else set()
    if isinstance(node, dict):
        return set[str]().union(*map(_keys, node.values()))
    if isinstance(node, list):
        return set[str]().union(*map(_keys, node))
    return set()
