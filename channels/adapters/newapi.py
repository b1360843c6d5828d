"""The new-api family: QuantumNous/new-api, its forks and resellers, and this product itself.

Sources: new-api's `relay/mjproxy_handler.go` and `dto/midjourney.go` (2026-08), and our own
contract. Codes 21 and 22 arrive as 1, except where a modal follows.
"""

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any, ClassVar

from channels import http
from channels.adapters import plus
from channels.adapters.base import Findings, Submission, Update
from channels.adapters.family import Call, FamilyAdapter, said
from channels.adapters.verdicts import BAD_CREDENTIAL, SHUT_OUT, Verdict
from channels.errors import Refusal, UpstreamError
from channels.selection import Upstream

# Where it is we who must pay, or have no access, the tenant cannot help it.
_OUR_FAULT = Verdict(Refusal.NO_ACCOUNT, next_channel=True)
# It has no channel for this action, and may have one for others.
_NO_CHANNEL = Verdict(Refusal.NO_ACCOUNT, next_channel=True, is_fault=False)
_CANNOT = Verdict(Refusal.UNSUPPORTED, next_channel=False)
_PARENT_IS_GONE = Verdict(Refusal.OTHER, next_channel=False)
# What 401, 403 and 503 are about: `type` or `code` of this product's and of new-api's errors.
_KINDS = {
    "invalid_api_key": BAD_CREDENTIAL,
    "ip_not_allowed": SHUT_OUT,
    "access_denied": SHUT_OUT,
    "tenant_disabled": SHUT_OUT,
    "action_not_allowed": _OUR_FAULT,
    "no_channel": _NO_CHANNEL,
    "model_not_found": _NO_CHANNEL,
}
# The same by the words of new-api's that come without a code; the first match counts.
_WORDS = (
    ("封禁", BAD_CREDENTIAL),
    ("banned", BAD_CREDENTIAL),
    # The secret is `sk-key-7`, which only an administrator's may be.
    ("不支持指定渠道", BAD_CREDENTIAL),
    ("分组", SHUT_OUT),
    (" group", SHUT_OUT),
    ("No available channel", _NO_CHANNEL),
    ("无可用渠道", _NO_CHANNEL),
)
_DOOR = (401, 403, 503)
# new-api reads a reroll's index too, and refuses 0.
REROLL_INDEX = 1
# Its address of a preview ends in another number at each look.
_RAND = re.compile(r"[?&]rand=\d+$")


class NewApi(FamilyAdapter):
    refusal_words = (
        ("quota_not_enough", _OUR_FAULT),
        ("价格尚未由管理员配置", _OUR_FAULT),
        ("has not been priced", _OUR_FAULT),
        ("任务所属渠道已被禁用", _OUR_FAULT),
        ("get_channel_info_failed", _OUR_FAULT),
        # Buttons that new-api does not know: PicReader, PromptAnalyzer, animate and the like.
        ("unknown_action", _CANNOT),
        ("task_not_found", _PARENT_IS_GONE),
        *FamilyAdapter.refusal_words,
    )
    refusal_statuses: ClassVar = dict(FamilyAdapter.refusal_statuses) | {
        402: _OUR_FAULT,
        503: _OUR_FAULT,
    }

    def headers(self, upstream: Upstream) -> dict[str, str]:
        """Both forms: each member of the family reads at least one of them."""
        if not upstream.secret:
            return {}
        return {
            "Authorization": f"Bearer {upstream.secret}",
            "mj-api-secret": upstream.secret,
        }

    def obstacle(self, submission: Submission) -> str:
        if submission.action == "SWAP_FACE" and any(image.url for image in submission.images):
            return "the upstream needs the pictures themselves (base64), not their addresses"
        return ""

    def route(self, submission: Submission) -> Call:
        """new-api passes no prefix on and takes all filters out, unless its operator lets them
        through: then the filter tells the mode."""
        submission = plus.with_button(submission)
        if plus.is_change(submission) and submission.action == "REROLL":
            submission = replace(submission, index=REROLL_INDEX)
        filters = {"modes": [submission.mode.upper()]} | submission.filters
        return plus.route(replace(submission, filters=filters))

    def to_update(self, row: dict[str, Any]) -> Update:
        update = plus.to_update(row)
        # new-api shows what the submit was answered with ("提交成功") instead of a description.
        if not (update.description or "").startswith("/"):
            update = replace(update, description=None)
        if row.get("status") == "":
            # It has not asked its own upstream yet.
            update = replace(update, status="NOT_START")
        if update.image_url:
            update = replace(update, image_url=_RAND.sub("", update.image_url))
        return update

    def has_refused(self, payload: dict[str, Any]) -> bool:
        """This product answers 502 where its own upstream said no."""
        return payload.get("type") == "upstream_rejected" and payload.get("code") == 9

    def verdict_at_the_door(self, answer: http.Answer, payload: dict[str, Any]) -> Verdict | None:
        """401 is about the key. 403 may be about an action, a model or an address as well, and then
        the key is good; 503 about one model only."""
        if answer.status not in _DOOR:
            return None
        error = payload.get("error")
        inner = error if isinstance(error, dict) else {}
        for kind in (payload.get("type"), inner.get("code"), inner.get("type")):
            if isinstance(kind, str) and kind in _KINDS:
                return _KINDS[kind]
        words = said(payload)
        by_words = next((verdict for word, verdict in _WORDS if word in words), None)
        if by_words or answer.status != 403:
            return by_words or super().verdict_at_the_door(answer, payload)
        return _OUR_FAULT if words else SHUT_OUT

    def lacks_route(self, answer: http.Answer) -> bool:
        """new-api shows its web page for any address that it does not know."""
        page = answer.text.strip().lower()
        return page.startswith("<!doctype html") and page.endswith("</html>")

    def headroom(self, upstream: Upstream) -> int | None:
        """It tells money, not places: 0 when nothing is left of our budget there."""
        limit = self.ask(upstream, "/v1/dashboard/billing/subscription")["hard_limit_usd"]
        cents = self.ask(upstream, "/v1/dashboard/billing/usage")["total_usage"]
        return None if float(limit) > float(cents) / 100 else 0

    def find(self, upstream: Upstream, correlations: Collection[str]) -> Findings:
        """Only members that have a list can be asked; it holds the newest tasks of our key."""
        try:
            return self.find_in_newest(upstream, correlations)
        except UpstreamError:
            return Findings(found={}, complete=False)
