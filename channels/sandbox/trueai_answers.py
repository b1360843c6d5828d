"""What a submit to trueai is answered with, and the numbers and texts of its answers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .prompts import Word
from .trueai_accounts import Account

SUBMITTED = 1
NOT_FOUND = 3
VALIDATION_ERROR = 4
FAILURE = 9
NEEDS_MODAL = 21
# Not trueai's own: other upstreams of a relay say so of a U that was asked for before.
EXISTED = 21
WAITING = 22
QUEUE_REJECTED = 23
BANNED_PROMPT = 24

ACCEPTED = "提交成功"
DONE = "成功"
NO_ACCOUNT = "无可用的账号实例"
NO_PARENT = "关联任务不存在或已失效"
WRONG_STATUS = "关联任务状态错误"
WRONG_FIELDS = "参数错误"
BANNED = "可能包含敏感词"
CONFIRM = "Waiting for window confirm"
NO_PROMPT = "prompt不能为空"


@dataclass(frozen=True, slots=True)
class Answer:
    """`result` is a task's id, several with commas between them, or the links of an upload."""

    code: int
    description: str
    result: str | list[str] | None = None
    properties: dict[str, object] = field(default_factory=dict)

    @property
    def task_id(self) -> str | None:
        return self.result if isinstance(self.result, str) else None

    def as_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "description": self.description,
            "result": self.result,
            "properties": self.properties,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """A submit that has passed its checks. Nothing has happened yet; `carry_out` may be refused."""

    words: frozenset[Word]
    carry_out: Callable[[], Answer]


def instance(account: Account) -> dict[str, object]:
    return {"discordInstanceId": account.id, "discordChannelId": account.id}
