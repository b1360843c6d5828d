"""Many tasks at once. A relay behind us crashes on an unasked id and on anything but an array."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.accounts import Account
from tests.api.shapes import assert_every_answer, assert_refused, assert_task

OpenAnAccount = Callable[..., Account]
PATHS = ["/mj/task/list-by-condition", "/mj/task/list-by-ids", "//mj/task/list-by-condition/"]
UNKNOWN = 1234567890123456


def ask(account: Account, body: Any, path: str = PATHS[0]) -> requests.Response:
    return account.request("POST", path, data=body if isinstance(body, bytes) else json.dumps(body))


def listed(account: Account, ids: Any, path: str = PATHS[0]) -> list[str]:
    answer = ask(account, {"ids": ids}, path)
    assert answer.status_code == 200, answer.text
    assert_every_answer(answer)
    tasks = answer.json()
    assert isinstance(tasks, list)
    for task in tasks:
        assert_task(task)
    return sorted(task["id"] for task in tasks)


@pytest.mark.parametrize("path", PATHS)
def test_tasks_are_found_by_strings_and_by_numbers(account: Account, path: str) -> None:
    first, second, third = sorted(account.draw("zzslow") for _ in range(3))
    assert listed(account, [first, int(second)], path) == [first, second]
    assert listed(account, [int(third)], path) == [third]


def test_what_is_not_the_tenants_own_is_left_out(
    account: Account, open_an_account: OpenAnAccount
) -> None:
    own, foreign = account.draw("zzslow"), open_an_account().draw("zzslow")
    assert listed(account, [foreign, own, UNKNOWN, str(UNKNOWN)]) == [own]
    assert listed(account, [foreign]) == []


def test_the_same_id_twice_is_one_task(account: Account) -> None:
    task_id = account.draw("zzslow")
    assert listed(account, [task_id, int(task_id), task_id]) == [task_id]


def test_what_cannot_be_an_id_is_left_out(account: Account) -> None:
    task_id = account.draw("zzslow")
    others: list[Any] = [
        None, True, False, 0, -1, 1.5, float(UNKNOWN), 2**53, 2**63, 2**64 - 1, "", " ", "abc",
        "-1", "9" * 17, "9" * 400, "١٢٣", "\x00", [], [task_id], {}, {"id": task_id},
    ]  # fmt: skip
    assert listed(account, [*others, task_id]) == [task_id]


def test_a_number_of_any_length_is_left_out(account: Account) -> None:
    task_id = account.draw("zzslow")
    body = b'{"ids": [%s, 1e3, -0.0, %s]}' % (b"9" * 60, task_id.encode())
    assert [task["id"] for task in ask(account, body).json()] == [task_id]


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": None}, {"IDS": ["1"]}, b""], ids=str)
def test_no_ids_are_no_tasks(account: Account, body: Any) -> None:
    account.draw("zzslow")
    answer = ask(account, body)
    assert (answer.status_code, answer.text) == (200, "[]")


@pytest.mark.parametrize("ids", ["1", 1, {"0": "1"}, True, 1.5], ids=str)
def test_ids_that_are_no_list_are_refused(account: Account, ids: Any) -> None:
    assert_refused(ask(account, {"ids": ids}), 400, "invalid_request", says="ids")


@pytest.mark.parametrize("body", [b"{", b"[]", b'["1"]', b'"1"'])
def test_a_broken_body_is_refused(account: Account, body: bytes) -> None:
    assert_refused(ask(account, body), 400, "invalid_request")


def test_a_thousand_ids_are_enough(account: Account) -> None:
    task_id = account.draw("zzslow")
    others = [str(UNKNOWN + number) for number in range(999)]
    assert listed(account, [*others, task_id]) == [task_id]
    answer = ask(account, {"ids": [*others, task_id, "1"]})
    assert_refused(answer, 400, "invalid_request", says="ids")


def test_an_item_is_what_fetch_shows(account: Account) -> None:
    task_id = account.draw("a lighthouse", state="灯塔")
    task = account.finish(task_id)
    assert ask(account, {"ids": [task_id]}).json() == [task]


def test_a_key_that_wants_the_origin_gets_it_here_too(account: Account) -> None:
    account.token.image_setting = "origin"
    account.token.save()
    task_id = account.draw()
    task = account.finish(task_id)
    assert ask(account, {"ids": [task_id]}).json() == [task]
    assert task["imageUrl"].startswith(account.stack.sandbox_url)
