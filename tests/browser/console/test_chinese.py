"""The console in Simplified Chinese: nothing stays in English, nothing is too wide."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from playwright.sync_api import Page, expect

from billing import books, codes
from billing.models import Announcement, PriceBook
from channels.models import CostRule
from console import words
from console.playground import kinds
from console.site_settings import parts
from relay import actions
from relay.models import Callback
from tests.accounts import Account
from tests.api.v1.desk import unique
from tests.browser.console.conftest import WIDTHS, Visitor, picture
from tests.stack import wait_until
from tools import messages, translations

Visit = Callable[..., Visitor]
LANGUAGE = "zh-hans"
# Shorter ones may be names: ID, API.
LETTERS_LEAST = 4
SITE = (
    "overview/", "channels/", "channels/new/", "tasks/", "tenants/", "tenants/new/",
    "tenants/groups/", "prices/", "prices/new/", "prices/look-up/", "codes/", "codes/new/",
    "top-ups/", "reports/", "announcements/", "announcements/new/", "settings/",
    *(f"settings/{part}/change/" for part in parts.PARTS),
    "notices/", "staff/", "staff/add/", "staff/invitations/", "staff/management-keys/", "audit/",
)  # fmt: skip
TENANT = (
    "", *(f"playground/?kind={kind.name}" for kind in kinds.ALL), "gallery/", "keys/", "keys/new/",
    "callbacks/", "callbacks/hooks/", "callbacks/hooks/change/", "callbacks/tests/",
    "callbacks/tests/new/", "callbacks/replay/", "members/",
    "members/invitations/", "members/invitations/new/", "members/management-keys/", "docs/",
    "entries/", "usage/", "statements/", "prices/", "top-up/", "top-up/thresholds/", "notices/",
    "audit/",
)  # fmt: skip
PERSON = (
    "account/", "account/email/", "account/password/change/", "account/sessions/", "account/2fa/",
    "account/2fa/totp/activate/", "account/2fa/webauthn/", "account/2fa/webauthn/add/",
)  # fmt: skip
NOWHERE = "nowhere/"
STRANGER = ("account/login/", "account/password/reset/", "account/first-run/")
# Whole words in a row, in any language with such letters.
LATIN = re.compile(r"[a-z]{2,} [a-z]{2,}", re.IGNORECASE)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
NAMES = ("MJ Relay", "[Job failed] the prompt asked the sandbox to fail (zzfail)")
PRICE_NAMES = {name for action in actions.ALL for name in action.price_names}
# What is shown, and what is said to those who do not see it. Not what is code, or somebody's own.
SHOWN = """() => {
  const found = [];
  const own = 'code, pre, bdi, script, style, textarea, .user-text, [lang]:not(html), [data-own]';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const place = walker.currentNode.parentElement;
    if (!place.closest(own)) found.push(walker.currentNode.textContent);
  }
  for (const place of document.querySelectorAll('body *')) {
    for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'label'])
      if (place.hasAttribute(name)) found.push(place.getAttribute(name));
    for (const [name, value] of Object.entries(place.dataset))
      if (/^[A-Z][a-z]+( |$)/.test(value)) found.push(value);
  }
  found.push(document.title.split(' · ')[0]);
  return found.map((text) => text.replace(/\\s+/g, ' ').trim());
}"""
_PLACE = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


@pytest.fixture(scope="module")
def english() -> re.Pattern[str]:
    """Any text of ours that has a translation of other words, with whatever is filled in."""
    translations.main()
    texts = {bare(text) for text in _translated()}
    return re.compile("|".join(sorted(map(_pattern, texts - {""}))), re.DOTALL)


def _translated() -> Iterator[str]:
    for path in messages.files():
        with path.open("rb") as file:
            for message in read_po(file, charset="utf-8"):
                pairs: Any = zip(_all(message.id), _all(message.string) * 2, strict=False)
                yield from (text for text, said in pairs if text != said)


def _all(texts: Any) -> list[str]:
    return list(texts) if isinstance(texts, list | tuple) else [texts]


def bare(text: str) -> str:
    """Without markup; nothing when too little of it is words."""
    text = " ".join(re.sub(r"<[^>]*>", "", text).replace("%%", "%").split())
    words = re.sub(r"[^A-Za-z]", "", _PLACE.sub("", text))
    return text if len(words) >= LETTERS_LEAST else ""


def _pattern(text: str) -> str:
    return ".+".join(map(re.escape, _PLACE.split(text)))


def walk(visitor: Visitor, paths: Iterable[str], english: re.Pattern[str]) -> list[str]:
    return [trouble for path in paths for trouble in look_at(visitor, path, english)]


def look_at(visitor: Visitor, path: str, english: re.Pattern[str]) -> list[str]:
    """What is English on that page, or too wide; keeps screenshots."""
    page = visitor.open(path)
    assert page.evaluate("document.documentElement.lang") == LANGUAGE, path
    status = page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus")
    assert status == (404 if path.endswith(NOWHERE) else 200), path
    place = re.sub(r"^/console/tenants/\d+/", "/tenant/", path)
    name = "zh" + re.sub(r"\W+", "-", re.sub(r"\d+/", "", place)).rstrip("-")
    troubles = []
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        picture(page, f"{name}-{width}")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        troubles += [f"{wide} px wider than {width} px"] if wide > 0 else []
    left = {text for text in page.evaluate(SHOWN) if is_left(text, english)}
    return [f"{path}: {text}" for text in [*sorted(left), *troubles]]


def is_left(text: str, english: re.Pattern[str]) -> bool:
    """A text of ours, a word of the API, or anybody's sentence: what pages take from elsewhere is
    Chinese, too."""
    if english.fullmatch(text) or (text in words.WORDS and text not in PRICE_NAMES):
        return True
    return bool(LATIN.search(text)) and not CHINESE.search(text) and text not in NAMES


def in_chinese(visit: Visit, *who: Any) -> Visitor:
    visitor = visit(*who, language="zh-CN")
    visitor.page.context.add_cookies(
        [{"name": settings.LANGUAGE_COOKIE_NAME, "value": LANGUAGE, "url": visitor.stack.url}]
    )
    return visitor


def furnish(account: Account) -> tuple[str, Callback]:
    """A task that was drawn, its callback, and something on every page."""
    hook = account.stack.inbox_url(account.tenant.name)
    task_id = account.draw("灯塔", notifyHook=hook)
    account.finish(task_id)
    account.finish(account.draw("zzfail 灯塔"))
    told = account.callback(task_id)
    wait_until(lambda: told.attempts.exists(), seconds=20, what="the callback")
    CostRule.objects.create(channel=account.channel, name="mj_*", amount=50_000)
    return task_id, told


def test_the_sites_pages_are_chinese(
    visit: Visit, account: Account, english: re.Pattern[str]
) -> None:
    task_id, _told = furnish(account)
    Announcement.objects.create(title=unique("news"), text="…", created_by="somebody")
    visitor = in_chinese(visit, "operator")
    live = PriceBook.objects.exclude(published_at=None).latest("id")
    draft = books.draft(origin=live, actor="somebody")
    batch, _ = codes.make(
        name=unique("batch"), count=2, amount=1_000_000, expires_at=None, actor="somebody"
    )
    own = (
        *(f"channels/{account.channel.pk}/{part}" for part in
          ("", "change/", "clone/", "costs/", "history/", "attempts/", "probes/",
           "credentials/new/", "state/disabled/")),
        *(f"prices/{live.pk}/{part}" for part in ("", "differences/", "preview/", "files/")),
        *(f"prices/{draft.pk}/{part}" for part in ("", "files/", "note/", "publish/", "delete/")),
        *(f"codes/{batch.pk}/{part}" for part in ("", "disable/")),
        *(f"tasks/{task_id}/{part}" for part in ("", "refund/")),
        *(f"tenants/{account.tenant.pk}/{part}" for part in
          ("settings/", "settings/change/", "settings/disable/", "entries/", "entries/top-up/",
           "entries/correct/", "entries/credit-limit/", "members/", "playground/")),
    )  # fmt: skip
    assert walk(visitor, (f"/console/{path}" for path in (*SITE, *own)), english) == []


def test_a_tenants_pages_are_chinese(
    visit: Visit, account: Account, english: re.Pattern[str]
) -> None:
    task_id, told = furnish(account)
    key = account.token.pk
    own = (
        *(f"keys/{key}/{part}" for part in ("", "change/", "rotate/", "disable/")),
        *(f"callbacks/{told.pk}/{part}" for part in ("", "replay/")),
        f"tasks/{task_id}/",
    )
    visitor = in_chinese(visit, "owner", account.tenant)
    assert walk(visitor, (visitor.base + path for path in (*TENANT, *own)), english) == []


def test_what_is_drawn_in_the_playground_is_told_in_chinese(
    visit: Visit, account: Account, english: re.Pattern[str]
) -> None:
    visitor = in_chinese(visit, "developer", account.tenant)
    page = visitor.open("playground/")
    page.get_by_label("提示词").fill("灯塔")
    page.get_by_role("button", name="文生图").click()
    expect(page.get_by_role("button", name="U1")).to_be_visible(timeout=20_000)
    assert look_at(visitor, f"{visitor.base}playground/", english) == []


def test_a_persons_own_pages_are_chinese(
    visit: Visit, account: Account, english: re.Pattern[str]
) -> None:
    visitor = in_chinese(visit, "viewer", account.tenant)
    found = walk(visitor, (f"/console/{path}" for path in (*PERSON, NOWHERE)), english)
    visitor.page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    assert found + walk(visitor, (f"/console/{path}" for path in STRANGER), english) == []


def test_what_the_api_refuses_is_chinese(visit: Visit, account: Account) -> None:
    visitor = in_chinese(visit, "owner", account.tenant)
    page = visitor.open("keys/new/")
    page.get_by_label("名称", exact=True).fill("密钥")
    page.get_by_label("总预算").fill("many")
    page.get_by_role("button", name="创建密钥").click()
    assert _refusals(page) == ['须形如 "12.50"，最多 6 位小数']
    page.get_by_label("总预算").fill("-1")
    page.get_by_role("button", name="创建密钥").click()
    assert _refusals(page) == ["须不小于 0.00"]


def _refusals(page: Page) -> list[str]:
    page.wait_for_load_state()
    return [text.strip() for text in page.locator(".invalid-feedback").all_inner_texts()]
