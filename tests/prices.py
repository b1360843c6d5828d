"""Price books for tests: published ones do not change, so each is made, then released."""

from datetime import datetime
from decimal import Decimal

from billing import books, drafts, money
from billing.drafts import Rule
from billing.models import PriceBook
from tests.accounts import Account

# What everything costs unless a test says otherwise.
PRICES = """{
    "mj_imagine": 0.1, "mj_blend": 0.1, "mj_describe": 0.05, "mj_shorten": 0.1, "mj_upscale": 0.05,
    "mj_variation": 0.1, "mj_reroll": 0.1, "mj_pan": 0.1, "mj_zoom": 0.1, "mj_modal": 0.1,
    "mj_edits": 0.1, "mj_video": 0.8, "mj_upload": 0.05, "swap_face": 0.05
}"""


def rule(name: str, price: str, mode: str = "", **scope: int) -> Rule:
    """`price` is in currency units."""
    return Rule(name, money.to_micro(price), mode, **scope)


def draft(*rules: Rule) -> PriceBook:
    """The book in force, with these lines in it."""
    book = books.draft(origin=PriceBook.objects.in_force(), actor="test")
    for line in rules:
        drafts.set_rule(book, line)
    return book


def publish(*rules: Rule, at: datetime | None = None) -> PriceBook:
    return books.release(draft(*rules), actor="test", effective_at=at)


def for_group(account: Account, name: str, price: str, mode: str = "") -> Rule:
    """A line that no other test's customers notice."""
    return rule(name, price, mode, group_id=account.tenant.group_id)


def lines(book: PriceBook) -> set[tuple[object, ...]]:
    """All that a book says, without numbers of rows."""
    rules = book.rules.values_list("name", "mode", "tenant", "group", "amount")
    ratios = book.ratios.values_list("group", "home", "ratio")
    return {*rules, *((group, home, Decimal(ratio)) for group, home, ratio in ratios)}
