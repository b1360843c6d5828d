"""trueai-org/midjourney-proxy (words of its 11.10 source; older ones where they differ).

It has dropped `change` (since v10), so a change becomes the button that means the same. The
header `Authorization` would win over `mj-api-secret` and fail, so it is never sent.
"""

from collections.abc import Collection
from typing import Any

from channels import http
from channels.adapters import plus
from channels.adapters.base import Findings, Submission, Update
from channels.adapters.family import Call, FamilyAdapter
from channels.adapters.verdicts import SHUT_OUT, Verdict
from channels.errors import Refusal
from channels.selection import Upstream

_FULL = Verdict(Refusal.QUEUE_FULL, next_channel=True)
_NO_ACCOUNT = Verdict(Refusal.NO_ACCOUNT, next_channel=True)
# What its operator has switched off there, another channel may have.
_SWITCHED_OFF = Verdict(Refusal.OTHER, next_channel=True)
_PARENT_IS_GONE = Verdict(Refusal.OTHER, next_channel=False)


class TrueAi(FamilyAdapter):
    # SubmitController and TaskService; the same words come with code 4, 9 or -1, by route.
    refusal_words = (
        # Its limits on our account there ("并发数已达上限", "队列数已达上限", "…绘图次数已达上限").
        ("已达上限", _FULL),
        ("账号已被临时封锁", _NO_ACCOUNT),
        ("服务暂不可用", _NO_ACCOUNT),
        ("禁止上传", _SWITCHED_OFF),
        ("视频功能未启用", _SWITCHED_OFF),
        ("服务不支持", _SWITCHED_OFF),
        ("未知的 Action 类型", Verdict(Refusal.UNSUPPORTED, next_channel=False)),
        ("目标任务", _PARENT_IS_GONE),
        ("未找到 seed", _PARENT_IS_GONE),
        *FamilyAdapter.refusal_words,
    )

    def obstacle(self, submission: Submission) -> str:
        if plus.is_change(submission) and not plus.button(submission):
            return (
                f"this task has no button for {submission.action} {submission.index or ''}".strip()
            )
        return ""

    def route(self, submission: Submission) -> Call:
        return plus.route(plus.with_button(submission))

    def to_update(self, row: dict[str, Any]) -> Update:
        return plus.to_update(row)

    def verdict_at_the_door(self, answer: http.Answer, payload: dict[str, Any]) -> Verdict | None:
        """403 without a word is about our address; with words (账号不可用) about our account."""
        if answer.status == 403 and not answer.body:
            return SHUT_OUT
        return super().verdict_at_the_door(answer, payload)

    def headroom(self, upstream: Upstream) -> int | None:
        """What is left of its credit; relaxed drawings may have no bound (-1)."""
        home = self.ask(upstream, "/mj/home")["data"]
        fast, relaxed = int(home["fastAvailableCount"]), int(home["relaxAvailableCount"])
        return None if relaxed < 0 else fast + relaxed

    def find(self, upstream: Upstream, correlations: Collection[str]) -> Findings:
        """Its list shows the newest 100 tasks of all its users."""
        return self.find_in_newest(upstream, correlations)
