"""What the API refuses, found again among the translations."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from billing.errors import ConcurrencyLimited
from console.refusals import said
from relay.api.v1.roles import Right
from relay.errors import RoleNotAllowed
from tools import translations

REFUSALS = {
    # As it stands, at a field, and with what is filled in.
    "task not found": "任务不存在",
    "group: there is no such group": "分组：没有此分组",
    "rules.0.name: there is no such field": "rules.0.name：没有此字段",
    "ids has more than 1000 entries": "ids 超过 1000 项",
    "name: this may have at most 5 entries; q: there is no such field":
        "名称：最多 5 项；搜索：没有此字段",
    # What is filled in may be ours as well, or hold anything.
    str(RoleNotAllowed("viewer", Right.MONEY)): "角色“只读成员”无权变更余额",
    str(ConcurrencyLimited("this key", 3)): "此密钥最多同时进行 3 个任务",
    "price book 3 was never in force": "价目表 3 从未生效",
    "the body is not valid JSON: 100 %(x)s": "请求体不是有效的 JSON：100 %(x)s",
    # Of others, and of nobody.
    "an upstream's own words": "an upstream's own words",
    "": "",
    "x" * 5000: "x" * 5000,
}  # fmt: skip


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    translations.main()
    with translation.override("zh-hans"):
        yield


@pytest.mark.parametrize("text", REFUSALS, ids=lambda text: text[:40])
def test_a_refusal_is_said_in_the_language_of_the_reader(text: str) -> None:
    assert said(text) == REFUSALS[text]


def test_in_english_it_is_said_as_the_api_says_it() -> None:
    with translation.override("en"):
        assert [said(text) for text in REFUSALS] == list(REFUSALS)
